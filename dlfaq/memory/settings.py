"""How a step is run: every option of the account in one place, checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from dlfaq.errors import InputError
from dlfaq.memory.gpus import gpu_named
from dlfaq.memory.habits import Habits
from dlfaq.memory.optimizers import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlfaq.memory.loss import LossOption
    from dlfaq.training.optimizers import Optimizer

__all__ = ["PRECISIONS", "StepSettings"]

PRECISIONS = ("fp32", "bf16", "fp16", "amp", "amp-fp16")
_HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}
_AUTOCAST = {"amp": torch.bfloat16, "amp-fp16": torch.float16}
_CHOICES = {
    "mode": ("train", "inference"),
    "precision": PRECISIONS,
    "device": ("cuda", "cpu"),
}


@dataclass(frozen=True)
class StepSettings:
    """How a model is run; see `dlfaq.memory.profile.memory_profile`."""

    mode: str = "train"
    optimizer: Optimizer = "adam"
    options: Mapping[str, Any] = field(default_factory=dict)
    precision: str = "fp32"
    checkpointing: bool = False
    accumulation: int = 1
    loss: LossOption = None
    device: str = "cuda"
    habits: Habits = field(default_factory=Habits)
    gpu: str | None = None

    def __post_init__(self) -> None:
        """Refuse unknown words, and two that exclude each other."""
        if self.gpu is not None:
            gpu_named(self.gpu)
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise InputError(
                    expected=f"{name} among {', '.join(allowed)}",
                    got=repr(getattr(self, name)),
                    cure=f"pass {name}={allowed[0]!r}",
                )
        if self.mode == "inference" and self.habits != Habits():
            given = [k for k, v in vars(self.habits).items() if v != getattr(Habits(), k)]
            raise InputError(
                expected='mode="train" for habits of training',
                got=f"{', '.join(given)} in inference",
                cure="leave one of the two out",
            )
        if self.habits.optimizer_in_backward and (self.accumulation > 1 or self.scales_gradients):
            raise InputError(
                expected="optimizer_in_backward, which uses each gradient at once",
                got="gradient accumulation" if self.accumulation > 1 else "a GradScaler",
                cure="leave one of the two out",
            )

    @property
    def half(self) -> torch.dtype | None:
        """What weights and all are in, if it has two bytes."""
        return _HALF.get(self.precision)

    @property
    def autocast(self) -> torch.dtype | None:
        """What `torch.autocast` casts to, if it is on."""
        return _AUTOCAST.get(self.precision)

    @property
    def scales_gradients(self) -> bool:
        """Whether training has a `torch.amp.GradScaler`: float16 has too small a range without."""
        return self.precision == "amp-fp16"

    def refuse_beside_closure(self) -> None:
        """L-BFGS runs the model itself, several times a step.

        Raises:
            InputError: the gradients are to be scaled, or used one at a time.
        """
        for is_so, what in (
            (self.scales_gradients, "a GradScaler, which takes no closure"),
            (self.habits.optimizer_in_backward, "optimizer_in_backward"),
        ):
            if is_so:
                raise InputError(
                    expected="L-BFGS by itself, which takes all gradients in a closure",
                    got=what,
                    cure="pass another optimizer, or leave that out",
                )

    def in_words(self, loss: str) -> str:
        """All that the account takes for granted, as the first line of a report has it.

        Args:
            loss: what the loss was, in words; empty in inference.
        """
        if self.mode == "inference":
            return f"inference, {self.precision}; predicted for {self.device}"
        words = ["training", self._optimizer(), self.precision]
        words += ["checkpointing"] * self.checkpointing
        if self.accumulation > 1:
            words.append(f"accumulation in {self.accumulation} parts")
        words.append(f"loss {loss}{' (assumed)' * (self.loss is None)}")
        words += [*["GradScaler"] * self.scales_gradients, *self.habits.in_words()]
        return f"{', '.join(words)}; predicted for {self.device}"

    def _optimizer(self) -> str:
        name = name_of(self.optimizer)
        options = ", ".join(f"{name}={value}" for name, value in self.options.items())
        words = f"{name}({options})" if options else name
        return f"{words} (AdamW for what is no matrix)" if name.lower() == "muon" else words
