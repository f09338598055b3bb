"""One step of training or inference as the memory profile runs it, with real or fake tensors."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_iter, tree_map_only

from dlfaq.errors import InputError
from dlfaq.memory.answers import Answers
from dlfaq.memory.beside_model import AveragedCopies, Buckets
from dlfaq.memory.checkpointing import checkpoint_blocks
from dlfaq.memory.inputs import Inputs, parts_of
from dlfaq.memory.lbfgs import fill_history, shortened
from dlfaq.memory.loss import Loss
from dlfaq.memory.optimizers import build, optimizer_errors
from dlfaq.memory.precision import in_half, to_half

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlfaq.memory.settings import StepSettings

__all__ = ["Step"]

_VALIDATED = 2  # batches: the second comes while names still hold what the first gave


class Step:
    """A model, its inputs and its optimizer, ready to run one step after another.

    Args:
        model: changed in place (mode, precision, checkpointing): hand over a copy.
        inputs: on the model's device.
        settings: how to run.
        autocast_device: where the tensors really are, fake ones on "cpu".

    Attributes:
        optimizers: none for inference; one for each parameter where they step in the backward pass.
        loss: with the labels that it made, once a step has run.
        buckets: those of DDP, or None.
        copies: averaged copies, or None.
        scaler: of gradients, or None.
        on_gradient: is told each gradient once it is complete, before it is used.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Inputs,
        settings: StepSettings,
        *,
        autocast_device: str,
    ) -> None:
        self._settings, self._habits = settings, settings.habits
        self._train = settings.mode == "train"
        self._device = autocast_device
        model.train(self._train)
        half = settings.half
        if half is not None:
            to_half(model, half)
            inputs = tree_map_only(Tensor, lambda t: in_half(t, half), inputs)
        if settings.checkpointing and self._train:
            checkpoint_blocks(model)
        self.model = model
        self.inputs = inputs
        self.loss = Loss(settings.loss, inputs, half=half is not None)
        self.optimizers: list[torch.optim.Optimizer] = []
        self.buckets: Buckets | None = None
        self.copies: AveragedCopies | None = None
        self.scaler: torch.amp.GradScaler | None = None
        self.on_gradient: Callable[[Tensor], None] = _unheard
        self._failed: Exception | None = None
        if self._train:
            self._prepare()

    def run(self, begin: Callable[[str], None]) -> None:
        """One step; `begin` is told each phase: forward, backward, optimizer, validation."""
        if not self._train:
            begin("forward")
            args, keywords = self.inputs
            with torch.no_grad(), self._autocast():
                self.model(*args, **keywords)
            return
        if self._is_lbfgs:
            self._step_with_closure(begin)
        else:
            self._forward_and_backward(begin)
            if not self._habits.optimizer_in_backward:
                begin("optimizer")
                for optimizer in self.optimizers:
                    self._step(optimizer)
        if self.scaler is not None:
            self.scaler.update()
        if self.copies is not None:
            self.copies.update()
        if self._habits.zero_grad == "after_step":
            self.clear()
        if self._habits.validation is not None:
            self._validate(begin)

    def warm_up(self) -> None:
        """Run until all that stays from step to step is there."""
        self.run(_unheard)
        if self._train and self._is_lbfgs:
            fill_history(self.optimizers[0])
        if self._habits.zero_grad == "before_forward":
            self.clear()

    def clear(self) -> None:
        """`zero_grad`, as the loop has it."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=self._habits.set_to_none)

    def gradients(self) -> list[Tensor]:
        """Those that the parameters have now."""
        return [p.grad for p in self.model.parameters() if p.grad is not None]

    def state(self) -> list[Tensor]:
        """The tensors of the optimizers' state."""
        states = [dict(optimizer.state) for optimizer in self.optimizers]
        return [t for t in tree_iter(states) if isinstance(t, Tensor)]

    def scaler_state(self) -> list[Tensor]:
        """The scale of the gradients, and the count of steps since it last changed."""
        held = vars(self.scaler) if self.scaler is not None else {}
        return [t for t in held.values() if isinstance(t, Tensor)]

    def _prepare(self) -> None:
        settings, habits = self._settings, self._habits
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        if not parameters:
            raise InputError(
                expected="a model with parameters that require gradients",
                got=f"{type(self.model).__name__} without any",
                cure='pass mode="inference"',
            )
        for group in [[p] for p in parameters] if habits.optimizer_in_backward else [parameters]:
            self.optimizers += build(settings.optimizer, settings.options, group, settings.device)
        self._is_lbfgs = any(isinstance(o, torch.optim.LBFGS) for o in self.optimizers)
        if self._is_lbfgs:
            settings.refuse_beside_closure()
        if habits.ddp:
            self.buckets = Buckets(parameters, views=habits.gradient_as_bucket_view)
        if habits.ema_copies:
            self.copies = AveragedCopies(self.model, habits.ema_copies)
        if settings.scales_gradients:
            self.scaler = torch.amp.GradScaler(self._device)
        self._own: dict[Tensor, torch.optim.Optimizer] = {}
        if habits.optimizer_in_backward:
            self._own = dict(zip(parameters, self.optimizers, strict=True))
        for parameter in parameters:
            parameter.register_post_accumulate_grad_hook(self._gradient_is_there)

    def _gradient_is_there(self, parameter: Tensor) -> None:
        if self.buckets is not None:
            self.buckets.take(parameter)
        if parameter.grad is not None:
            self.on_gradient(parameter.grad)
        if parameter in self._own:
            self._step(self._own[parameter])
            self._own[parameter].zero_grad()

    def _forward_and_backward(self, begin: Callable[[str], None]) -> Tensor:
        for i, (args, keywords) in enumerate(parts_of(self.inputs, self._settings.accumulation)):
            begin("forward")
            with self._autocast():
                outputs = self.model(*args, **keywords)
                loss = self.loss(outputs, i)
            if not self._habits.keep_outputs:
                del outputs
            if not i and self._habits.zero_grad == "before_backward":
                self.clear()
            begin("backward")
            if self.scaler is None:
                loss.backward()
            else:
                self.scaler.scale(loss).backward()
        return loss.detach()

    def _step(self, optimizer: torch.optim.Optimizer) -> None:
        on_cuda = self._settings.device == "cuda"
        with optimizer_errors(optimizer, on_cuda=on_cuda), Answers(0.0 if self.scaler else 1.0):
            if self.scaler is None:
                optimizer.step()
            else:
                self.scaler.step(optimizer)

    def _step_with_closure(self, begin: Callable[[str], None]) -> None:
        (optimizer,) = self.optimizers
        answers = Answers(converging=True)

        def closure() -> Tensor:
            if self._habits.zero_grad != "before_backward":
                self.clear()
            try:
                with answers.silent():
                    loss = self._forward_and_backward(begin)
            except Exception as error:
                self._failed = error  # the model's, not the optimizer's
                raise
            begin("optimizer")
            return loss

        begin("optimizer")
        try:
            with optimizer_errors(optimizer, on_cuda=False), answers, shortened(optimizer):
                optimizer.step(closure)  # type: ignore[arg-type]
        except InputError as error:
            if self._failed is not None and error.__cause__ is self._failed:
                raise self._failed from None
            raise

    def _validate(self, begin: Callable[[str], None]) -> None:
        begin("validation")
        self.model.eval()
        graph = torch.no_grad() if self._habits.validation == "no_grad" else nullcontext()
        parts = parts_of(self.inputs, self._settings.accumulation)
        with graph:
            for n in range(_VALIDATED):
                i = n % len(parts)
                args, keywords = parts[i]
                with self._autocast():
                    outputs = self.model(*args, **keywords)
                    loss = self.loss(outputs, i)
        del outputs, loss
        self.model.train()

    def _autocast(self) -> AbstractContextManager[object]:
        if self._settings.autocast is None:
            return nullcontext()
        return torch.autocast(self._device, dtype=self._settings.autocast)


def _unheard(_: Any) -> None:  # noqa: ANN401 - a phase or a gradient
    pass
