"""Straight lines through the present value of a variable, along which a function is differenced."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from dlfaq.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from dlfaq.gradients.check.problem import Problem

__all__ = ["Direction", "Entry", "Line"]


@dataclass(frozen=True, eq=False)
class Line:
    """θ + t·u for one variable θ."""

    problem: Problem
    tensor: Tensor

    @contextmanager
    def at(self, t: float) -> Iterator[None]:
        """Move θ there, and back."""
        with torch.no_grad():
            before = self.tensor.clone()
            self.move(t)
        try:
            yield
        finally:
            with torch.no_grad():
                self.tensor.copy_(before)

    def move(self, t: float) -> None:
        """Add t·u to θ in place."""
        raise NotImplementedError

    def width(self, low: float, high: float) -> float:
        """How far apart the two points are in floating-point numbers."""
        return high - low

    def along(self, gradient: Tensor) -> float:
        """The derivative along u by `gradient`, its product with u."""
        raise NotImplementedError

    def value(self, t: float) -> float:
        """F there."""
        with self.at(t):
            return float(self.problem.value().detach())

    def slope(self, step: float) -> float:
        """The central difference about the present point."""
        return (self.value(step) - self.value(-step)) / self.width(-step, step)

    def closer_slope(self, step: float) -> float:
        """Two central differences, combined so that the error h²F‴/6 of both cancels."""
        return (4 * self.slope(step / 2) - self.slope(step)) / 3

    def one_sided(self, step: float) -> tuple[float, float]:
        """The backward and the forward difference."""
        here = self.value(0.0)
        return (
            (here - self.value(-step)) / self.width(-step, 0.0),
            (self.value(step) - here) / self.width(0.0, step),
        )


@dataclass(frozen=True, eq=False)
class Entry(Line):
    """Along one entry."""

    index: tuple[int, ...]

    def move(self, t: float) -> None:
        """Add t·u to θ in place."""
        self.tensor[self.index] += t

    def width(self, low: float, high: float) -> float:
        """How far apart the two points are in floating-point numbers."""
        # Far from 0 a step is rounded itself: 1000 + 10⁻⁶ is off by up to 10⁻¹³.
        here = self.tensor[self.index].item()
        width = (here + high) - (here + low)
        if not width:
            raise InputError(
                expected="numbers that a step changes",
                got=f"{here:g}, which plus {high:g} is {here + high:g}",
                cure="scale them down, or pass a larger step=",
            )
        return width

    def along(self, gradient: Tensor) -> float:
        """The derivative along u by `gradient`, its product with u."""
        return gradient[self.index].item()


@dataclass(frozen=True, eq=False)
class Direction(Line):
    """Along a tensor of the variable's shape."""

    direction: Tensor

    def move(self, t: float) -> None:
        """Add t·u to θ in place."""
        self.tensor.add_(self.direction, alpha=t)

    def along(self, gradient: Tensor) -> float:
        """The derivative along u by `gradient`, its product with u."""
        return (gradient * self.direction).sum().item()
