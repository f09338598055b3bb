"""Habits of a training loop that cost memory, or save it, whatever the model."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypedDict

from dlfaq.errors import InputError
from dlfaq.training.names import unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["HabitOptions", "Habits"]


@dataclass(frozen=True)
class Habits:
    """How the loop around the model is written. The names are those of PyTorch's documentation.

    Attributes:
        zero_grad: where `optimizer.zero_grad()` stands: "before_forward" and "after_step" (no
            gradients in the forward pass), or "before_backward" (those of the step before are still
            there in the forward pass).
        set_to_none: of `zero_grad`; False fills the gradients with zeros, so that they never go.
        keep_outputs: `outputs = model(x)` gives the outputs a name, so that they live as long as
            the step; False is `loss = loss_fn(model(x), y)`, where they go when the loss is done.
        ddp: the model is wrapped in `DistributedDataParallel`, whose buckets hold all gradients
            once more.
        gradient_as_bucket_view: of DistributedDataParallel: the gradients are views of the buckets.
        ema_copies: how many `torch.optim.swa_utils.AveragedModel` stand beside the model.
        optimizer_in_backward: a hook (`register_post_accumulate_grad_hook`) steps each parameter as
            soon as its gradient is there, and sets that to None.
        validation: after the step two batches go through the model in eval mode, under "no_grad" or
            with a graph ("grad"), as where `torch.no_grad()` was forgotten.
    """

    zero_grad: str = "before_forward"
    set_to_none: bool = True
    keep_outputs: bool = True
    ddp: bool = False
    gradient_as_bucket_view: bool = False
    ema_copies: int = 0
    optimizer_in_backward: bool = False
    validation: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no habit, and two that exclude each other."""
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                words = ", ".join(str(choice) for choice in allowed)
                raise InputError(
                    expected=f"{name} among {words}",
                    got=repr(value),
                    cure=f"pass {name}={allowed[0]!r}",
                )
        if type(self.ema_copies) is not int or self.ema_copies < 0:
            raise InputError(
                expected="ema_copies, a number of models from 0 up",
                got=repr(self.ema_copies),
                cure="pass 1",
            )
        if self.gradient_as_bucket_view and not self.ddp:
            raise InputError(
                expected="gradient_as_bucket_view of DistributedDataParallel",
                got="ddp=False",
                cure="pass ddp=True as well",
            )
        if self.optimizer_in_backward:
            self._refuse_beside_hooks()

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Habits:
        """Habits by name.

        Raises:
            InputError: one has no such name, or no such value.
        """
        names = [field.name for field in fields(cls)]
        for name in options:
            if name not in names:
                raise unknown_name(
                    name, names, what="a habit of training", otherwise="pass one of these"
                )
        return cls(**options)

    def in_words(self) -> list[str]:
        """What of it is in force, as it stands in the first line of a report."""
        return list(self._words())

    def _words(self) -> Iterator[str]:
        if self.optimizer_in_backward:
            yield "optimizer in backward"
        else:
            yield f"zero_grad {self.zero_grad}{'' if self.set_to_none else ' to zeros'}"
        if not self.keep_outputs:
            yield "outputs not kept"
        if self.ddp:
            yield f"DDP{' with gradients as bucket views' * self.gradient_as_bucket_view}"
        if self.ema_copies:
            yield f"{self.ema_copies} averaged cop{'y' if self.ema_copies == 1 else 'ies'}"
        if self.validation is not None:
            yield f"validation with {self.validation}"

    def _refuse_beside_hooks(self) -> None:
        """The hook that steps has set the gradient to None before anything else sees it."""
        for name in ("zero_grad", "set_to_none", "ddp"):
            if getattr(self, name) != getattr(Habits, name):
                raise InputError(
                    expected=f"{name} as it is, beside optimizer_in_backward",
                    got=f"{name}={getattr(self, name)!r}",
                    cure="leave one of the two out",
                )


_CHOICES: dict[str, tuple[object, ...]] = {
    "zero_grad": ("before_forward", "before_backward", "after_step"),
    "set_to_none": (True, False),
    "keep_outputs": (True, False),
    "ddp": (False, True),
    "gradient_as_bucket_view": (False, True),
    "optimizer_in_backward": (False, True),
    "validation": (None, "no_grad", "grad"),
}


class HabitOptions(TypedDict, total=False):
    """The fields of `Habits` as keywords, for editors and type checkers."""

    zero_grad: str
    set_to_none: bool
    keep_outputs: bool
    ddp: bool
    gradient_as_bucket_view: bool
    ema_copies: int
    optimizer_in_backward: bool
    validation: str | None
