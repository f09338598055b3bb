"""Straight lines through the present value of a variable, along which a function is differenced."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import isfinite, nan
from typing import TYPE_CHECKING, Self

import torch

from dlfaq.errors import InputError
from dlfaq.gradients.check.projection import direction
from dlfaq.gradients.check.reals import reals

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from torch import Tensor

    from dlfaq.gradients.check.problem import Problem

__all__ = ["Direction", "Entry", "Joint", "Line"]


_EPS = torch.finfo(torch.float64).eps
_NOTHING = 1e-9  # of a step: what rounding may add to it unnoticed


@dataclass(eq=False)
class Line:
    """θ + t·u for one variable θ.

    Attributes:
        problem: what is differenced.
        name: of θ.
        gradient: what is said to be the gradient by θ.
        tensor: the numbers of θ, moved in place.
    """

    problem: Problem
    name: str
    gradient: Tensor
    tensor: Tensor = field(init=False, repr=False)
    _values: dict[float, float] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Find θ."""
        self.tensor = reals(self.problem.variables[self.name])

    @cached_property
    def analytic(self) -> float:
        """The derivative along u by the gradient, its product with u."""
        return self.along(self.gradient)

    def renewed(self) -> Self:
        """The same line from where θ is now, with the gradient there."""
        return replace(self, gradient=self.problem.gradients()[self.name])

    def along(self, gradient: Tensor) -> float:
        """The derivative along u by any gradient of θ."""
        raise NotImplementedError

    def move(self, t: float) -> None:
        """Add t·u to θ in place."""
        raise NotImplementedError

    def abscissa(self, t: float) -> float:
        """The t that θ really moved by, once θ + t·u is rounded."""
        return t

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

    def value(self, t: float) -> float:
        """F there; nan where it is not defined, by its value or because it refuses."""
        if t not in self._values:
            self._values[t] = self._evaluated(t)
        return self._values[t]

    def _evaluated(self, t: float) -> float:
        with self.at(t):
            try:
                value = self.problem.moved()
            except Exception:
                if t == 0:
                    raise
                return nan  # beyond the edge: probabilities above 1, a matrix that is not positive
            return value if isfinite(value) else nan

    def _slope(self, low: float, high: float) -> float:
        width = self.abscissa(high) - self.abscissa(low)
        return (self.value(high) - self.value(low)) / width if width else nan

    def slope(self, step: float) -> float:
        """The central difference about the present point, nan over an edge."""
        return self._slope(-step, step)

    def closer_slope(self, step: float) -> float:
        """Two central differences, combined so that the error h²F‴/6 of both cancels."""
        return (4 * self.slope(step / 2) - self.slope(step)) / 3

    def one_sided(self, step: float) -> tuple[float, float]:
        """The backward and the forward difference."""
        return self._slope(-step, 0.0), self._slope(0.0, step)

    def closer_side(self, step: float, side: int) -> float:
        """Two differences to one side, −1 or 1, combined so that the error hF″/2 cancels."""
        low, high = sorted((0.0, side * step))
        return 2 * self._slope(low / 2, high / 2) - self._slope(low, high)


@dataclass(eq=False)
class Entry(Line):
    """Along one entry."""

    index: tuple[int, ...] = field(kw_only=True)

    def along(self, gradient: Tensor) -> float:
        """The derivative along u by any gradient of θ."""
        return gradient[self.index].item()

    def move(self, t: float) -> None:
        """Add t·u to θ in place."""
        self.tensor[self.index] += t

    def abscissa(self, t: float) -> float:
        """The t that θ really moved by, once θ + t·u is rounded."""
        # Far from 0 a step is rounded itself: 1000 + 10⁻⁶ is off by up to 10⁻¹³.
        here = self.tensor[self.index].item()
        return (here + t) - here

    def check_moves(self, step: float) -> None:
        """Refuse a step that is rounded away."""
        if not self.abscissa(step) - self.abscissa(-step):
            here = self.tensor[self.index].item()
            raise InputError(
                expected="numbers that a step changes",
                got=f"{here:g}, which plus {step:g} is {here + step:g}",
                cure="scale them down, or pass a larger step=",
            )


@dataclass(eq=False)
class Direction(Line):
    """Along a tensor of the variable's shape."""

    direction: Tensor = field(kw_only=True)

    def along(self, gradient: Tensor) -> float:
        """The derivative along u by any gradient of θ."""
        product = torch.dot(gradient.flatten(), self.direction.flatten()).item()
        if isfinite(product):
            return product
        moved = self.direction != 0  # what does not move may have any gradient
        return (gradient[moved] * self.direction[moved]).sum().item()

    def move(self, t: float) -> None:
        """Add t·u to θ in place."""
        self.tensor.add_(self.direction, alpha=t)

    def _evaluated(self, t: float) -> float:
        return super()._evaluated(t) - self.rounded_off(t)

    def rounded_off(self, t: float) -> float:
        """What rounding adds to F in a step of so many entries, by the gradient under test."""
        step = abs(t) * self._lengths[1]
        if step == 0 or _EPS * self._lengths[0] <= _NOTHING * step:
            return 0.0
        moved = (self.tensor + t * self.direction) - self.tensor - t * self.direction
        return torch.nan_to_num(moved * self.gradient, nan=0.0, posinf=0.0, neginf=0.0).sum().item()

    @cached_property
    def _lengths(self) -> tuple[float, float]:
        """The largest entries of θ, as far as they are finite, and of u."""
        size = torch.nan_to_num(self.tensor, nan=0.0, posinf=0.0, neginf=0.0).abs().max().item()
        return size, self.direction.abs().max().item()


@dataclass(eq=False)
class Joint(Line):
    """Along a random direction of several variables at once."""

    parts: tuple[Direction, ...] = field(kw_only=True)

    @classmethod
    def of(
        cls, problem: Problem, gradients: Mapping[str, Tensor], names: Collection[str] = ()
    ) -> Joint:
        """Of these variables, or of all."""
        parts = []
        for name in names or gradients:
            along = direction(reals(problem.variables[name]))
            parts.append(Direction(problem, name, gradients[name], direction=along))
        return cls(problem, parts[0].name, parts[0].gradient, parts=tuple(parts))

    def renewed(self) -> Self:
        """The same line from where its variables are now, with the gradients there."""
        gradients = self.problem.gradients()
        parts = tuple(replace(part, gradient=gradients[part.name]) for part in self.parts)
        return replace(self, parts=parts)

    @cached_property
    def analytic(self) -> float:
        """The derivative along u by the gradients."""
        return sum(part.analytic for part in self.parts)

    @property
    def usual(self) -> float:
        """The usual size of a derivative along it."""
        squares = [
            torch.nan_to_num(p.gradient, nan=0.0, posinf=0.0, neginf=0.0).square().sum().item()
            * p.tensor.numel() ** -0.5
            for p in self.parts
        ]
        return float(sum(squares) ** 0.5)

    @contextmanager
    def at(self, t: float) -> Iterator[None]:
        """Move all of them there, and back."""
        with ExitStack() as moved:
            for part in self.parts:
                moved.enter_context(part.at(t))
            yield

    def _evaluated(self, t: float) -> float:
        return super()._evaluated(t) - sum(part.rounded_off(t) for part in self.parts)
