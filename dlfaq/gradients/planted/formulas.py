"""Formulas with a term that a backward pass may forget."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor, nn

__all__ = ["FORMULAS", "Formula", "Residual"]

Keep: TypeAlias = Callable[[Tensor], Tensor]


def _kept(term: Tensor) -> Tensor:
    return term


def _standardised(x: Tensor, keep: Keep) -> Tensor:
    """Layer norm without weights; with the term forgotten, mean and variance pass for constants."""
    mean, variance = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, correction=0)
    return (x - keep(mean)) / (keep(variance) + 1e-3).sqrt()


def _softmax(x: Tensor, keep: Keep) -> Tensor:
    powers = (x - x.amax(-1, keepdim=True).detach()).exp()
    return powers / keep(powers.sum(-1, keepdim=True))


def _normalised(x: Tensor, keep: Keep) -> Tensor:
    return x / keep((x.square().mean(-1, keepdim=True) + 1e-3).sqrt())


def _less_smooth_maximum(x: Tensor, keep: Keep) -> Tensor:
    return x - (x * keep(x.softmax(-1))).sum(-1, keepdim=True)


FORMULAS: dict[str, Callable[[Tensor, Keep], Tensor]] = {
    "standardised": _standardised,
    "softmax": _softmax,
    "normalised": _normalised,
    "less smooth maximum": _less_smooth_maximum,
    "square": lambda x, keep: x * keep(x),
    "gated": lambda x, keep: x * keep(x.sigmoid()),
    "centred": lambda x, keep: x - keep(x.mean(0, keepdim=True)),
    "less maximum": lambda x, keep: x - keep(x.amax(-1, keepdim=True)),
    "folded": lambda x, keep: x.abs() + keep(x),
    "logarithm": lambda x, keep: (1 + x.square()).log() + keep(x),
}


class Formula(nn.Module):
    """One of `FORMULAS`, in the shape of x.

    Attributes:
        keep: what is done to the term: nothing, or `Tensor.detach` for a gradient that lacks it.
    """

    def __init__(self, name: str, keep: Keep = _kept) -> None:
        super().__init__()
        self.name, self.keep = name, keep

    def forward(self, x: Tensor) -> Tensor:
        """Elementwise, or along the last dimension."""
        return FORMULAS[self.name](x, self.keep)

    def without_term(self) -> Formula:
        """The same value; the gradient lacks the term."""
        return Formula(self.name, Tensor.detach)


class Residual(nn.Module):
    """x + f(x).

    Attributes:
        keep: as of a formula; the term is what flows back through f.
    """

    def __init__(self, layer: nn.Module, keep: Keep = _kept) -> None:
        super().__init__()
        self.layer, self.keep = layer, keep

    def forward(self, x: Tensor) -> Tensor:
        """In the shape of x."""
        output: Tensor = x + self.layer(self.keep(x))
        return output
