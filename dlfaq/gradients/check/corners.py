"""Is it a kink, and is the gradient there one that it may be?

At a kink a derivative along a line has two values, one to each side. A gradient that is one of
them, or lies between, is as right as any; and several kinks at once may make PyTorch's own choice
at each, right alone, lie outside.
"""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Protocol

import torch

from dlfaq.gradients.check import kinks
from dlfaq.gradients.check.lines import Direction
from dlfaq.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from dlfaq.gradients.check.lines import Entry, Line
    from dlfaq.gradients.check.problem import Problem

__all__ = ["at_kink", "kink_named", "outside_together", "several_at_once", "ties"]

_BESIDE = (16, 256)  # steps away from a kink, where the gradients must agree again
_TOGETHER = 4  # directions that are tried through several kinks
_LINES = 6  # beside them, on which F must bend one way only
_ON_EACH = 16  # steps to either side


class Tolerances(Protocol):
    """What is asked of a judge of lines."""

    @property
    def problem(self) -> Problem:
        """What is checked."""

    @property
    def step(self) -> float:
        """The usual h."""

    @property
    def floor(self) -> float:
        """The difference below which nothing is told from rounding."""

    def tolerance(self, *sizes: float) -> float:
        """How far apart two derivatives of these sizes may be."""


def at_kink(line: Line, judge: Tolerances) -> bool:
    """Whether the slopes to the two sides differ and the gradient is right for what it is.

    At a kink it must be one of these slopes or lie between them; and beside the kink, on both
    sides, it must agree with the difference quotient. A gradient given for one point only cannot be
    asked beside it: there the slopes must stay apart as h shrinks, which they do not where the
    function merely bends.
    """
    h = judge.step
    left, right = line.one_sided(h)
    jump, slack = abs(right - left), _slack(left, right, judge)
    analytic = line.analytic
    if not isfinite(jump) or not isfinite(analytic):
        return False
    between = min(left, right) - slack <= analytic <= max(left, right) + slack
    if judge.problem.given is not None or judge.problem.beside is not None:
        near = line.one_sided(h / 8)
        return jump > slack and between and abs(near[1] - near[0]) > jump / 2
    if not (jump > slack and between) and not (
        _as_a_neighbour(line, judge) if judge.problem.single else kinks.changed(_runs(line, judge))
    ):
        return False
    return all(any(_agrees_at(line, judge, side * d * h) for d in _BESIDE) for side in (-1, 1))


def ties(line: Line, judge: Tolerances) -> int:
    """How many decisions change along the line at this point."""
    return len(kinks.changed(_runs(line, judge)))


def several_at_once(line: Line, judge: Tolerances) -> bool:
    """Whether several kinks meet at this point.

    A gradient made from a choice at each of them, such as a max pool's among tied numbers, may lie
    outside the slopes of the two sides. Then more than one decision changes along the line; of code
    whose decisions are not recorded, such as NumPy's, the line has other slopes beside the point.
    """
    if ties(line, judge) > 1:
        return True
    h = judge.step
    low, high = sorted(line.one_sided(h))
    gap = max(low - line.analytic, line.analytic - high)
    stream = generator(0, "gradient check: beside kinks")
    for _ in range(_LINES):
        way = torch.randn(line.tensor.shape, generator=stream).to(line.tensor)
        away = Direction(judge.problem, line.name, line.gradient, direction=way)
        outside = []
        for distance in _BESIDE:
            with away.at(distance * h):
                slope = replace(line).slope(h)
            outside.append(max(low - slope, slope - high))
        if outside[0] > max(gap / 2, outside[1] / 2):  # what bends only, is further off there
            return True
    return False


def _slack(left: float, right: float, judge: Tolerances) -> float:
    return 1e-3 * abs(right - left) + 2 * judge.floor


def _agrees_at(line: Line, judge: Tolerances, t: float) -> bool:
    with line.at(t):
        try:
            beside = line.renewed()
        except Exception:  # noqa: BLE001  (over the edge of the domain)
            return False
        analytic, numeric = beside.analytic, beside.slope(judge.step)
    return abs(analytic - numeric) <= judge.tolerance(analytic, numeric)


def _as_a_neighbour(line: Line, judge: Tolerances) -> bool:
    """Whether the gradient is that of a point nearby, where what is tied here has an order.

    The second of three tied numbers that are sorted has the gradient of the second place, which is
    no slope along an entry: to either side that one leaves the place.
    """
    tensor = line.tensor
    ramp = torch.linspace(0.5, 1, tensor.numel(), dtype=tensor.dtype).view_as(tensor)
    for sign in (-1, 1):
        beside = Direction(judge.problem, line.name, line.gradient, direction=ramp)
        with beside.at(sign * _BESIDE[0] * judge.step * tensor.numel()):
            try:
                near = line.renewed()
            except Exception:  # noqa: BLE001, S112  (over the edge of the domain)
                continue
            slope = near.slope(judge.step)
        room = 1e-3 * abs(line.analytic) + judge.floor
        if abs(near.analytic - line.analytic) <= room and abs(near.analytic - slope) <= room:
            return True
    return False


def outside_together(
    entries: Sequence[Entry], judge: Tolerances, gradient: Tensor
) -> tuple[float, float] | None:
    """Derivative and slope along entries at kinks, moved together, where no choice allows them.

    The gradient (1, 1) of max(x, y) at x = y lies between the slopes along each entry, but along
    both together the maximum has the slope 1, not 2. Only entries that bend to the same side are
    moved together, and only a function that is convex in them, or concave, is judged: of that every
    choice at every kink is within the slopes. Of a maximum less another one it may not be.
    """
    tensor, name = entries[0].tensor, entries[0].name
    for sign in (-1, 1):
        group = []
        for entry in entries:
            left, right = entry.one_sided(judge.step)
            if sign * (right - left) > 0:
                group.append(entry)
        if len(group) < 2:  # noqa: PLR2004  (alone it was judged)
            continue
        stream = generator(0, "gradient check: kinks")
        for number in range(_TOGETHER):
            together = torch.zeros_like(tensor)
            for entry in group:
                size = 0.5 + torch.rand((), generator=stream, dtype=tensor.dtype)
                together[entry.index] = size if number else 1.0
            line = Direction(judge.problem, name, gradient, direction=together)
            left, right = line.one_sided(judge.step)
            slack = _slack(left, right, judge) * len(group) + judge.tolerance(left, right)
            outside = max(min(left, right) - line.analytic, line.analytic - max(left, right))
            if outside > slack:
                if not _bends_one_way(judge, entries[0], group, sign, slack):
                    break
                return line.analytic, (left + right) / 2
    return None


def _bends_one_way(
    judge: Tolerances, of: Entry, group: Sequence[Entry], sign: int, slack: float
) -> bool:
    """Whether F is convex (sign 1) or concave (−1) in these entries, near where they are.

    Lines that pass beside the point meet the kinks one after the other, and those that bend the
    other way with them.
    """
    stream = generator(0, "gradient check: beside kinks")
    h = judge.step
    for _ in range(_LINES):
        ways = [torch.zeros_like(of.tensor) for _ in range(2)]
        for way in ways:
            for entry in group:
                way[entry.index] = torch.randn((), generator=stream, dtype=way.dtype)
        away, along = (
            Direction(judge.problem, of.name, of.gradient, direction=way) for way in ways
        )
        with away.at(_ON_EACH / 2 * h):
            values = [along.value(i * h) for i in range(-_ON_EACH, _ON_EACH + 1)]
        bends = sign * torch.tensor(values, dtype=torch.float64).diff(n=2) / h
        if not bends.min() >= -slack:
            return False
    return True


def kink_named(line: Line, judge: Tolerances) -> str:
    """The decisions that change at a kink, in words."""
    named = kinks.changed(_runs(line, judge))
    more = f" and {len(named) - 1} more" if len(named) > 1 else ""
    return f"{named[0]}{more}" if named else "an operation whose branches are not recorded"


def _runs(line: Line, judge: Tolerances) -> list[list[kinks.Branches]]:
    runs = []
    for t in (-judge.step, 0.0, judge.step):
        with line.at(t):
            try:
                runs.append(kinks.branches(judge.problem.value, judge.problem.root))
            except Exception:  # noqa: BLE001  (over the edge of the domain)
                return [[]]
    return runs
