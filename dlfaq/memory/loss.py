"""What a step's loss is: the one that was asked for, or the one that a model's outputs suggest."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor, nn
from torch.utils._pytree import tree_iter

from dlfaq.errors import DlfaqError, InputError, first_line
from dlfaq.memory.answers import Answers
from dlfaq.memory.inputs import Inputs, tensors_of
from dlfaq.memory.place import place
from dlfaq.memory.targets import CLASSES, arguments_of, loss_by_name, plain_name

__all__ = ["Loss", "LossOption"]

LossOption = str | nn.Module | Callable[..., Tensor] | None
"""A name, a module, a function of outputs or of outputs and target, or None."""

_LOGITS, _OF_TEXT = 2, 3  # dimensions: (batch, classes), (batch, length, classes)
_HALF = (torch.bfloat16, torch.float16)


class Loss:
    """From a model's outputs to one number.

    Where nobody says which, a loss among the outputs is taken as the model's own. Otherwise outputs
    of shape (batch, classes) get cross-entropy, and so do those of shape (batch, length, classes),
    flattened, where the model read integers, as language models do. All else is summed.

    Args:
        given: as `LossOption` has it.
        inputs: of the model.
        half: weights and activations have two bytes, so targets that are no labels do, too.

    Attributes:
        labels: the targets that were made, by part of the batch and turn.
        words: what the loss was, once it has run.
    """

    def __init__(self, given: LossOption, inputs: Inputs, *, half: bool) -> None:
        self._given = given
        self._half = half
        self._reads_text = any(
            t.dim() >= _LOGITS and t.dtype in {torch.int64, torch.int32} for t in tensors_of(inputs)
        )
        self.labels: dict[tuple[int, int], Tensor] = {}
        self.words = ""
        self._function: Any = given
        if isinstance(given, str):
            self._function = loss_by_name(given)
        elif isinstance(given, type) and issubclass(given, nn.Module):
            self._function = given()
        if given is not None and not callable(self._function):
            raise InputError(
                expected="a loss: a name, a module, or a function of the outputs",
                got=repr(given),
                cure='pass for example loss="cross_entropy"',
            )

    @property
    def weights(self) -> list[Tensor]:
        """Those of a loss that is a module, such as the classes' weights."""
        if not isinstance(self._function, nn.Module):
            return []
        return [*self._function.parameters(), *self._function.buffers()]

    def __call__(self, outputs: Any, part: int) -> Tensor:  # noqa: ANN401
        """The loss of one part of the batch.

        Raises:
            InputError: it cannot be had of these outputs.
        """
        if self._given is None:
            return self._assumed(outputs, part)
        try:
            return self._asked_for(outputs, part)
        except DlfaqError:
            raise
        except Exception as error:
            shapes = ", ".join("×".join(map(str, t.shape)) for t in _tensors(outputs))
            raise InputError(
                expected=f"outputs that the loss {self._name()} takes",
                got=f"outputs {shapes or type(outputs).__name__}; {type(error).__name__}"
                f"{place(error)}: {first_line(error)}",
                cure="pass loss=, a function of the outputs",
            ) from error

    def _assumed(self, outputs: Any, part: int) -> Tensor:  # noqa: ANN401
        named = [outputs["loss"]] if _has(outputs, "loss") else _tensors(outputs)
        own = [t for t in named if not t.dim() and _follows(t)]
        if own:
            self.words = "the model's own loss"
            return _sum(own)
        logits = [outputs["logits"]] if _has(outputs, "logits") else _tensors(outputs)
        logits = [t for t in logits if _follows(t)]
        if not logits:
            raise InputError(
                expected="outputs that depend on parameters",
                got=f"{type(outputs).__name__} without a gradient",
                cure="pass loss=, a function from the model's outputs to one number",
            )
        dims = {t.dim() for t in logits}
        if dims == {_LOGITS} or (self._reads_text and dims == {_OF_TEXT}):
            self.words = self._in_words("cross_entropy", logits)
            return self._of_pytorch(F.cross_entropy, "crossentropy", logits, part)
        self.words = "the sum of the outputs"
        return _sum([t.sum() for t in logits])

    def _asked_for(self, outputs: Any, part: int) -> Tensor:  # noqa: ANN401
        name = plain_name(self._name())
        if _is_pytorch_s(self._function):
            logits = [outputs["logits"]] if _has(outputs, "logits") else _tensors(outputs)
            logits = [t for t in logits if t.dim() and t.is_floating_point()]
            self.words = self._in_words(self._name(), logits)
            return self._of_pytorch(self._function, name, logits, part)
        self.words = self._name()
        if _needed(self._function) < 2:  # noqa: PLR2004 - outputs and target
            loss: Tensor = self._function(outputs)
        else:
            logits = _tensors(outputs)[:1]
            classes = bool(logits) and (logits[0].dim() == _LOGITS or self._flattens(logits[0]))
            target = self._targets(part, 0, logits[0], classes=classes)
            loss = self._function(outputs, target)
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            raise InputError(
                expected="a loss of one number",
                got=f"{list(loss.shape)} numbers" if isinstance(loss, Tensor) else repr(loss),
                cure="take the mean in it",
            )
        return loss.squeeze() if loss.dim() else loss

    def _of_pytorch(
        self, function: Callable[..., Tensor], name: str, outputs: list[Tensor], part: int
    ) -> Tensor:
        if name in CLASSES:
            outputs = [t.flatten(0, 1) if self._flattens(t) else t for t in outputs]
        turns = iter(range(len(outputs)))

        def target(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
            return self._target(part, next(turns), shape, dtype, outputs[0].device)

        with Answers(0.0):  # the variance of a Gaussian loss is looked at: none is negative
            losses = [function(*call) for call in arguments_of(name, outputs, target)]
        return _sum([loss if not loss.dim() else loss.mean() for loss in losses])

    def _flattens(self, outputs: Tensor) -> bool:
        return self._reads_text and outputs.dim() == _OF_TEXT

    def _targets(self, part: int, turn: int, outputs: Tensor, *, classes: bool) -> Tensor:
        shape = outputs.shape[:-1] if classes else outputs.shape
        dtype = torch.int64 if classes else outputs.dtype
        return self._target(part, turn, tuple(shape), dtype, outputs.device)

    def _target(
        self,
        part: int,
        turn: int,
        shape: tuple[int, ...],
        dtype: torch.dtype,
        device: torch.device,
    ) -> Tensor:
        """Made once: labels come with the batch."""
        if (part, turn) not in self.labels:
            kept = dtype if self._half or dtype not in _HALF else torch.float32
            self.labels[part, turn] = torch.zeros(shape, dtype=kept, device=device)
        return self.labels[part, turn]

    def _name(self) -> str:
        given = self._given
        if isinstance(given, str):
            return given
        inner = given.func if isinstance(given, partial) else given
        return str(getattr(inner, "__name__", type(inner).__name__))

    def _in_words(self, name: str, outputs: list[Tensor]) -> str:
        flattened = plain_name(name) in CLASSES and any(self._flattens(t) for t in outputs)
        words = f"{name} of the flattened logits" if flattened else name
        return f"{words}, summed over {len(outputs)} outputs" if len(outputs) > 1 else words


def _is_pytorch_s(function: Any) -> bool:  # noqa: ANN401
    inner = function.func if isinstance(function, partial) else function
    if isinstance(inner, nn.Module):
        return type(inner).__module__ == "torch.nn.modules.loss"
    return getattr(inner, "__module__", "") == F.__name__ or inner in vars(F).values()


def _needed(function: Callable[..., Any]) -> int:
    """How many positional arguments a function has to be given."""
    inner = function.forward if isinstance(function, nn.Module) else function
    try:
        parameters = inspect.signature(inner).parameters.values()
    except (TypeError, ValueError):  # one of C's making does not say
        return 1
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in positional and p.default is p.empty for p in parameters)


def _has(outputs: Any, name: str) -> bool:  # noqa: ANN401
    return isinstance(outputs, Mapping) and isinstance(outputs.get(name), Tensor)


def _tensors(outputs: Any) -> list[Tensor]:  # noqa: ANN401
    """The tensors among the outputs; mappings that pytree does not know, such as Hugging Face's."""
    items = list(outputs.values()) if isinstance(outputs, Mapping) else [outputs]
    return [t for item in items for t in tree_iter(item) if isinstance(t, Tensor)]


def _follows(output: Tensor) -> bool:
    """Whether a loss can be made of it; in validation nothing has a gradient."""
    return output.requires_grad or (output.is_floating_point() and not torch.is_grad_enabled())


def _sum(losses: list[Tensor]) -> Tensor:
    total = losses[0]
    for loss in losses[1:]:
        total = total + loss
    return total
