"""What is checked: a scalar function of tensors, and what are said to be its gradients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from dlfaq.errors import first_line
from dlfaq.gradients.check.autograd import differentiated
from dlfaq.gradients.check.probe import Traits
from dlfaq.gradients.check.reals import gradient_reals, reals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn

__all__ = ["BackwardFailed", "Problem"]


class BackwardFailed(Exception):
    """The backward pass raised where the forward pass ran."""


@dataclass(frozen=True)
class Problem:
    """A scalar function of tensors, and gradients that are said to be its own.

    Attributes:
        variables: by name; they are moved in place, and put back.
        value: F at their present values, a scalar.
        size: of the terms that F adds up, on which its rounding depends.
        traits: what a forward pass does.
        given: gradients to check in place of autograd's, right for the present values only.
        root: the model, whose layers name the kinks.
        outputs: F is `vector` · outputs(), where it is made from a function with many outputs.
        vector: that fixed vector.
        beside: F where a variable has moved, if that is not `value`: with the pieces whose
            gradients are deliberate replaced by what they say they are.
        single: whether it is one custom function, so that its gradient at a kink is its own choice
            and not what several of PyTorch's make together.
        refused: why it cannot be differentiated, if that is known.
    """

    variables: Mapping[str, Tensor]
    value: Callable[[], Tensor]
    size: float
    traits: Traits = field(default_factory=Traits)
    given: Mapping[str, Tensor] | None = None
    root: nn.Module | None = field(default=None, repr=False)
    outputs: Callable[[], Tensor] | None = None
    vector: Tensor | None = None
    beside: Callable[[], float] | None = None
    single: bool = False
    refused: str = ""

    def moved(self) -> float:
        """F as a number, at the values of the variables that a check has moved."""
        return float(self.value().detach()) if self.beside is None else self.beside()

    def gradients(self) -> dict[str, Tensor]:
        """The gradients under test, by name, as their real numbers.

        Raises:
            BackwardFailed: the backward pass raised.
        """
        if self.refused:
            raise BackwardFailed(self.refused)
        if self.given is not None:
            return dict(self.given)
        leaves = list(self.variables.values())
        kept = [*leaves, *(self.root.parameters() if self.root is not None else ())]
        try:
            found = differentiated(self.value, leaves, kept)
        except Exception as error:
            raise BackwardFailed(f"{type(error).__name__}: {first_line(error)}") from error
        return {
            name: torch.zeros_like(reals(leaf)) if g is None else gradient_reals(g, leaf)
            for (name, leaf), g in zip(self.variables.items(), found, strict=True)
        }
