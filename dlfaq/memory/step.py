"""One step of training or inference as the memory profile runs it, with real or fake tensors."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor, nn
from torch.utils._pytree import tree_iter, tree_map_only

from dlfaq.errors import InputError
from dlfaq.memory.checkpointing import checkpoint_blocks
from dlfaq.memory.inputs import Inputs, parts_of
from dlfaq.training.optimizers import Optimizer, build_optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Step", "StepSettings"]

_LOGITS_DIMS = 2


@dataclass(frozen=True)
class StepSettings:
    """How a model is run; see `dlfaq.memory.profile.memory_profile`."""

    mode: str = "train"
    optimizer: Optimizer = "adam"
    options: Mapping[str, Any] = field(default_factory=dict)
    precision: str = "fp32"
    checkpointing: bool = False
    accumulation: int = 1
    loss: Callable[[Any], Tensor] | None = None
    device: str = "cuda"

    def __post_init__(self) -> None:
        """Refuse unknown words."""
        choices = {
            "mode": ("train", "inference"),
            "precision": ("fp32", "bf16", "amp"),
            "device": ("cuda", "cpu"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise InputError(
                    expected=f"{name} among {', '.join(allowed)}",
                    got=repr(getattr(self, name)),
                    cure=f"pass {name}={allowed[0]!r}",
                )


class Step:
    """A model, its inputs and its optimizer, ready to run one step after another.

    Args:
        model: changed in place (mode, precision, checkpointing): hand over a copy.
        inputs: on the model's device.
        settings: how to run.
        autocast_device: where the tensors really are, fake ones on "cpu".

    Attributes:
        optimizer: None for inference.
        labels: those of the loss, one for each part of the batch, once a step has run.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Inputs,
        settings: StepSettings,
        *,
        autocast_device: str,
    ) -> None:
        self._settings = settings
        self._train = settings.mode == "train"
        self._device = autocast_device
        model.train(self._train)
        if settings.precision == "bf16":
            _to_bfloat16(model)
            inputs = tree_map_only(Tensor, _in_bfloat16, inputs)
        if settings.checkpointing and self._train:
            checkpoint_blocks(model)
        self.model = model
        self.inputs = inputs
        self.labels: dict[int, Tensor] = {}
        self.optimizer: torch.optim.Optimizer | None = None
        parameters = [p for p in model.parameters() if p.requires_grad]
        if self._train and not parameters:
            raise InputError(
                expected="a model with parameters that require gradients",
                got=f"{type(model).__name__} without any",
                cure='pass mode="inference"',
            )
        if self._train:
            groups = [(1e-3, parameters)]
            self.optimizer = build_optimizer(settings.optimizer, settings.options, groups)
            if not settings.options.keys() & {"foreach", "fused"}:
                _loop_as_on(settings.device, self.optimizer)

    def run(self, begin: Callable[[str], None]) -> None:
        """One step; `begin` is told each phase: forward, backward, optimizer."""
        if self.optimizer is None:
            begin("forward")
            args, keywords = self.inputs
            with torch.no_grad(), self._autocast():
                self.model(*args, **keywords)
            return
        for i, (args, keywords) in enumerate(parts_of(self.inputs, self._settings.accumulation)):
            begin("forward")
            with self._autocast():
                outputs = self.model(*args, **keywords)
                loss = self._loss(outputs, i)
            begin("backward")
            loss.backward()
            del outputs, loss
        begin("optimizer")
        self.optimizer.step()

    def clear(self) -> None:
        """Set the gradients to None."""
        if self.optimizer is not None:
            self.optimizer.zero_grad(set_to_none=True)

    def state(self) -> list[Tensor]:
        """The tensors of the optimizer's state."""
        if self.optimizer is None:
            return []
        return [t for t in tree_iter(dict(self.optimizer.state)) if isinstance(t, Tensor)]

    def _autocast(self) -> AbstractContextManager[object]:
        if self._settings.precision != "amp":
            return nullcontext()
        return torch.autocast(self._device, dtype=torch.bfloat16)

    def _loss(self, outputs: Any, part: int) -> Tensor:  # noqa: ANN401
        if self._settings.loss is not None:
            return self._settings.loss(outputs)
        if isinstance(outputs, Tensor) and outputs.dim() == _LOGITS_DIMS:
            if part not in self.labels:
                n = len(outputs)
                self.labels[part] = torch.zeros(n, dtype=torch.int64, device=outputs.device)
            return F.cross_entropy(outputs, self.labels[part])
        tensors = [t for t in tree_iter(outputs) if isinstance(t, Tensor) and t.requires_grad]
        if not tensors:
            raise InputError(
                expected="outputs that depend on parameters",
                got=f"{type(outputs).__name__} without a gradient",
                cure="pass loss=, a function from the model's outputs to one number",
            )
        total = tensors[0].sum()
        for tensor in tensors[1:]:
            total = total + tensor.sum()
        return total


def _to_bfloat16(model: nn.Module) -> None:
    """What `model.to(torch.bfloat16)` does, which fake tensors refuse."""
    made: dict[Tensor, Tensor] = {}  # what two layers share they share afterwards
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            if parameter not in made:
                half = _in_bfloat16(parameter.detach())
                made[parameter] = nn.Parameter(half, requires_grad=parameter.requires_grad)
            setattr(module, name, made[parameter])
        for name, buffer in list(module.named_buffers(recurse=False)):
            setattr(module, name, made.setdefault(buffer, _in_bfloat16(buffer)))


def _in_bfloat16(tensor: Tensor) -> Tensor:
    return tensor.to(torch.bfloat16) if tensor.is_floating_point() else tensor


def _loop_as_on(device: str, optimizer: torch.optim.Optimizer) -> None:
    """Step through the tensors as PyTorch does on the device if nobody says otherwise.

    On a GPU that is one call for all tensors (`foreach`), with temporaries as large as the model;
    on the CPU one tensor after another.
    """
    for group in optimizer.param_groups:
        if "foreach" in group:
            group.update(foreach=device == "cuda")
        if "fused" in group:
            group.update(fused=False)
