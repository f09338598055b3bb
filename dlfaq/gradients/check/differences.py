"""Gradients against difference quotients, entry by entry and along a random direction.

The central difference (F(θ + h) − F(θ − h))/2h misses the derivative by h²F‴/6, and rounding of F
adds up to eps·|F|/h. What lies below a hundred times that rounding is not told from 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from dlfaq.gradients.check import kinks
from dlfaq.gradients.check.lines import Direction, Entry, Line
from dlfaq.gradients.check.patterns import pattern
from dlfaq.gradients.check.projection import direction
from dlfaq.gradients.check.report import GradientRow

if TYPE_CHECKING:
    from dlfaq.gradients.check.problem import Problem
    from dlfaq.gradients.check.report import Verdict

__all__ = ["CheckSettings", "compare"]

_BESIDE = (16, 256)  # steps away from a kink, where the gradients must agree again
_CLOSER = 8  # how often the step is divided by 8 before a gradient is called wrong
_EPS = torch.finfo(torch.float64).eps
_SEED = 0  # of the entries and directions that are picked


@dataclass(frozen=True)
class CheckSettings:
    """How gradients are compared; see `check_gradients`."""

    step: float
    rtol: float
    atol: float | None
    entries: int


def compare(problem: Problem, settings: CheckSettings) -> tuple[GradientRow, ...]:
    """The gradient of each variable against central differences."""
    gradients = problem.gradients()
    return tuple(
        _Variable(problem, settings, name, gradients[name]).row() for name in problem.variables
    )


class _Variable:
    """One variable under test."""

    def __init__(
        self, problem: Problem, settings: CheckSettings, name: str, gradient: Tensor
    ) -> None:
        self.problem, self.settings, self.name, self.gradient = problem, settings, name, gradient
        self.tensor = problem.variables[name]
        rounding = 100 * _EPS * problem.magnitude / settings.step
        self.atol = rounding if settings.atol is None else settings.atol

    def row(self) -> GradientRow:
        """Compare entries, search the rest if they agree, and judge."""
        generator = torch.Generator().manual_seed(_SEED)
        size = self.tensor.numel()
        picked = torch.randperm(size, generator=generator)[: self.settings.entries].sort().values
        lines = [self._entry(i) for i in picked.tolist()]
        judged = {
            line: (line.along(self.gradient), line.slope(self.settings.step)) for line in lines
        }
        wrong, verdict, note = self._judge(judged)
        if verdict != "wrong" and len(lines) < size:
            found = self._search(direction(self.tensor).flatten())
            if found is not None:
                judged[found] = (found.along(self.gradient), found.slope(self.settings.step))
                wrong, verdict, note = self._judge(judged)
        analytic, numeric = judged[wrong]
        return GradientRow(
            name=self.name,
            shape=tuple(self.tensor.shape),
            checked=len(judged),
            entries=size,
            relative_error=self._relative(
                _gap(analytic, numeric), [abs(value) for pair in judged.values() for value in pair]
            ),
            index=wrong.index,
            analytic=analytic,
            numeric=numeric,
            step=self.settings.step,
            dtype=str(self.tensor.dtype).removeprefix("torch."),
            verdict=verdict,
            note=note,
        )

    def _judge(self, judged: dict[Entry, tuple[float, float]]) -> tuple[Entry, Verdict, str]:
        """The entry to report, the verdict on all, and what kind of error or kink it is."""
        worst = sorted(judged, key=lambda line: _gap(*judged[line]), reverse=True)
        failing = [line for line in worst if not self._agree(*judged[line])]
        at_kinks = []
        for line in failing:
            if self._at_kink(line, judged[line][0]):
                at_kinks.append(line)
            elif (closer := self._closer(line, *judged[line])) is not None:
                judged[line] = (judged[line][0], closer)
            else:
                numeric = {line.index: slope for line, (_, slope) in judged.items()}
                return line, "wrong", pattern(self.problem, self.tensor, self.gradient, numeric)
        if at_kinks:
            return at_kinks[0], "kink", self._named(at_kinks[0])
        worst = sorted(judged, key=lambda line: _gap(*judged[line]), reverse=True)
        return worst[0], "agrees", self._too_small(judged)

    def _relative(self, gap: float, sizes: list[float]) -> float:
        """The gap relative to the largest number of the variable.

        A variable whose gradients are all below the rounding error has no size of its own.
        """
        largest = max(sizes)
        if not np.isfinite(gap):
            return np.inf
        return gap / (largest if largest > self.atol else self.atol / self.settings.rtol or 1.0)

    def _too_small(self, judged: dict[Entry, tuple[float, float]]) -> str:
        """A warning if no number stands out from rounding, so that any would have agreed."""
        gradients = max(abs(analytic) for analytic, _ in judged.values())
        largest = max(gradients, *(abs(numeric) for _, numeric in judged.values()))
        of_backward = 100 * _EPS * self.problem.magnitude  # rounding alone: as good as 0
        if largest > self.atol or gradients <= of_backward:
            return ""
        return (
            f"is below {self.atol:.1g} everywhere, what rounding leaves, and so was not told from "
            "0: try a larger step="
        )

    def _tolerance(self, analytic: float, numeric: float) -> float:
        return max(self.atol, self.settings.rtol * max(abs(analytic), abs(numeric)))

    def _agree(self, analytic: float, numeric: float) -> bool:
        # The tolerance of an infinite gradient would be infinite too.
        return _gap(analytic, numeric) < np.inf and (
            _gap(analytic, numeric) <= self._tolerance(analytic, numeric)
        )

    def _closer(self, line: Line, analytic: float, numeric: float) -> float | None:
        """A more exact slope that does agree, where the step is too long for the function.

        x³ at 0 has the difference quotient h², and sin 10⁴x bends within a step. The tolerance is
        that of the first look, and a step so short that rounding would fill it is not taken.
        """
        if not np.isfinite(analytic):
            return None
        tolerance = self._tolerance(analytic, numeric if np.isfinite(numeric) else analytic)
        noise = _EPS * self.problem.magnitude
        step = self.settings.step
        for _ in range(_CLOSER):
            closer = line.closer_slope(step)
            if _gap(analytic, closer) <= tolerance:
                return closer
            step /= 8
            if noise / step > tolerance / 10:
                return None
        return None

    def _agree_along(self, line: Line) -> bool:
        return self._agree(line.along(self.gradient), line.slope(self.settings.step))

    def _entry(self, position: int) -> Entry:
        index = tuple(int(i) for i in np.unravel_index(position, tuple(self.tensor.shape)))
        return Entry(self.problem, self.tensor, index)

    def _search(self, along: Tensor) -> Entry | None:
        """The entry on which a disagreement in a direction rests, by halving; None if none."""
        low, high = 0, len(along)

        def part(low: int, high: int) -> Direction:
            only = torch.zeros_like(along)
            only[low:high] = along[low:high]
            return Direction(self.problem, self.tensor, only.view_as(self.tensor))

        whole = part(low, high)
        if self._agree_along(whole) or self._at_kink(whole, whole.along(self.gradient)):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            gaps = [
                abs(half.along(self.gradient) - half.slope(self.settings.step))
                for half in (part(low, middle), part(middle, high))
            ]
            low, high = (low, middle) if gaps[0] >= gaps[1] else (middle, high)
        return self._entry(low)

    def _at_kink(self, line: Line, analytic: float) -> bool:
        """Whether the slopes to the two sides differ and the gradient is right for what it is.

        At a kink it must be one of these slopes or lie between them; and beside the kink, on both
        sides, it must agree with the difference quotient. A gradient given for one point only
        cannot be asked beside it: it must be one of the two slopes, and these must stay apart as h
        shrinks, which they do not where the function merely bends.
        """
        h = self.settings.step
        left, right = line.one_sided(h)
        jump = abs(right - left)
        slack = 1e-3 * jump + 2 * self.atol
        if jump <= slack or not min(left, right) - slack <= analytic <= max(left, right) + slack:
            return False
        if self.problem.given is not None:
            nearer = line.one_sided(h / 8)
            stays = abs(nearer[1] - nearer[0]) > jump / 2
            return stays and min(abs(analytic - left), abs(analytic - right)) <= slack
        return all(any(self._agree_at(line, side * d * h) for d in _BESIDE) for side in (-1, 1))

    def _agree_at(self, line: Line, t: float) -> bool:
        with line.at(t):
            analytic = line.along(self.problem.gradients()[self.name])
            return self._agree(analytic, line.slope(self.settings.step))

    def _named(self, line: Line) -> str:
        runs = []
        for t in (-self.settings.step, 0.0, self.settings.step):
            with line.at(t):
                runs.append(kinks.branches(self.problem.value, self.problem.root))
        named = kinks.changed(runs)
        more = f" and {len(named) - 1} more" if len(named) > 1 else ""
        return f"{named[0]}{more}" if named else "an operation whose branches are not recorded"


def _gap(analytic: float, numeric: float) -> float:
    gap = abs(analytic - numeric)
    return gap if np.isfinite(gap) else np.inf
