"""What is checked: a scalar function of tensors, and what are said to be its gradients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn

__all__ = ["Problem"]


@dataclass(frozen=True)
class Problem:
    """A scalar function of tensors, and gradients that are said to be its own.

    Attributes:
        variables: by name; they are moved in place, and put back.
        value: F at their present values, a scalar.
        magnitude: the size of the numbers that F sums up, on which its rounding depends.
        given: gradients to check in place of autograd's, right for the present values only.
        root: the model, whose layers name the kinks.
        outputs: F is `vector` · outputs(), where it is made from a function with many outputs.
        vector: that fixed vector.
    """

    variables: Mapping[str, Tensor]
    value: Callable[[], Tensor]
    magnitude: float
    given: Mapping[str, Tensor] | None = None
    root: nn.Module | None = field(default=None, repr=False)
    outputs: Callable[[], Tensor] | None = None
    vector: Tensor | None = None

    def gradients(self) -> dict[str, Tensor]:
        """The gradients under test, by name."""
        if self.given is not None:
            return dict(self.given)
        total = self.value()
        if not total.requires_grad:
            return {name: torch.zeros_like(t) for name, t in self.variables.items()}
        tensors = list(self.variables.values())
        found = torch.autograd.grad(total, tensors, allow_unused=True, materialize_grads=True)
        return dict(zip(self.variables, found, strict=True))
