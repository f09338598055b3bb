"""Does the gradient along one line agree with the difference quotient there?

The central difference (F(θ + h) − F(θ − h))/2h misses the derivative by h²F‴/6, and rounding of F
adds up to eps·|F|/h. So a disagreement counts only where shorter steps settle on another slope.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from math import floor, inf, isfinite, log2
from typing import TYPE_CHECKING, Literal

import torch

from dlfaq.gradients.check import corners
from dlfaq.gradients.check.rounding import scatter

if TYPE_CHECKING:
    from dlfaq.gradients.check.lines import Line
    from dlfaq.gradients.check.problem import Problem

__all__ = ["CheckSettings", "Judge", "Seen"]

_EPS = torch.finfo(torch.float64).eps
_SAFETY = 100  # of the rounding of F to what it may do to a difference quotient
_SEEN_SAFETY = 20  # the same where the rounding itself was seen
_SHORTER = 14  # how often the step is divided by 8 before a gradient is called wrong
_LONGER = 5  # how often it is multiplied by 8 where rounding hides the gradient
_FINE = 1e-6  # what changes over so short a step is decided at this very point
_STILL = 1e-2  # of the gradient: where F moves by less, lower precision may have swallowed it
_SETTLED = 1e-2  # of a slope: how near two over different steps must be to be one
_ALONG = 1e-2  # of rtol, along many entries at once: what of the many is off must stand out


@dataclass(frozen=True)
class CheckSettings:
    """How gradients are compared; see `check_gradients`."""

    step: float
    rtol: float
    atol: float | None
    entries: int | None


@dataclass(frozen=True)
class Seen:
    """What one line showed.

    Attributes:
        verdict: "agrees"; "kink"; "wrong"; "unsettled", where the quotients have no limit that
            could be told; or "open", if nobody looked closely.
        analytic: the derivative by the gradient.
        numeric: the difference quotient that was decisive.
        tolerance: how far apart the two may be.
        step: h of that quotient.
        edge: whether the function ends within a step of the usual length.
        several: whether several kinks meet there.
    """

    verdict: Literal["agrees", "kink", "wrong", "unsettled", "open"]
    analytic: float
    numeric: float
    tolerance: float
    step: float
    edge: bool = False
    several: bool = False

    @property
    def gap(self) -> float:
        """|a − n|, infinite where one of them is not finite."""
        gap = abs(self.analytic - self.numeric)
        return gap if isfinite(gap) else inf


@dataclass(frozen=True)
class Judge:
    """Tolerances for one variable.

    Attributes:
        problem: what is checked.
        step: h.
        rtol: the relative difference that counts as agreement.
        rounding: of one evaluation of F, absolute, with its safety factor.
        atol: the user's absolute tolerance, in place of rounding/step.
        coarse: whether something was computed in less than double precision.
        backward: what the rounding of the backward pass may add to the gradient.
    """

    problem: Problem
    step: float
    rtol: float
    rounding: float
    atol: float | None
    coarse: bool = False
    backward: float = 0.0

    @classmethod
    def of(
        cls, problem: Problem, settings: CheckSettings, along: Line, *, backward: float = 0.0
    ) -> Judge:
        """The usual tolerances, or those that lower precision inside leaves to this variable.

        Args:
            problem: what is checked.
            settings: what is asked.
            along: a line on which it is seen how far rounding scatters F.
            backward: how far it scatters the gradient.
        """
        usual = cls(
            problem=problem,
            step=settings.step,
            rtol=settings.rtol,
            rounding=_SAFETY * _EPS * problem.size,
            atol=settings.atol,
            backward=_SEEN_SAFETY * backward,
        )
        eps = problem.traits.eps
        if eps <= _EPS:
            return usual
        step = max(settings.step, eps ** (1 / 3))
        seen = scatter(along, step)
        if seen is None:  # it moves by so few of its steps that none shows, if it moves at all
            seen = eps * problem.size if along.analytic else 0.0
        rounding = _SEEN_SAFETY * seen
        if rounding <= usual.rounding:  # what is narrow does not depend on this variable
            return usual
        return replace(
            usual, step=step, rtol=max(usual.rtol, 50 * eps), rounding=rounding, coarse=True
        )

    @property
    def floor(self) -> float:
        """The difference below which nothing is told from rounding."""
        return self.rounding / self.step + self.backward if self.atol is None else self.atol

    def tolerance(self, *sizes: float, along: float | None = None) -> float:
        """max(atol, rtol·size), or their sum along a direction of that many entries' size."""
        if along is not None:
            rtol = self.rtol if self.coarse else self.rtol * _ALONG
            return self.floor + rtol * along
        return max(self.floor, self.rtol * max((abs(s) for s in sizes if isfinite(s)), default=0))

    @property
    def _swallowed(self) -> float:
        """The slope that lower precision elsewhere may swallow over the usual step.

        Over a step that suits that precision a steeper one would have been seen to move F.
        """
        traits = self.problem.traits
        if self.coarse or not traits.narrow:
            return 0.0
        return float(traits.eps ** (2 / 3)) * self.problem.size

    def glance(self, line: Line, *, along: float | None = None) -> Seen:
        """Compare with one central difference: it agrees, or the question is open."""
        analytic, numeric = line.analytic, line.slope(self.step)
        tolerance = self.tolerance(analytic, numeric, along=along)
        seen = Seen("open", analytic, numeric, tolerance, self.step)
        return replace(seen, verdict="agrees") if seen.gap <= tolerance else seen

    def look(self, line: Line, *, along: float | None = None) -> Seen:
        """Compare along a line.

        Args:
            line: where.
            along: of a direction, the size that a derivative along it has.
        """
        seen = self.glance(line, along=along)
        return seen if seen.verdict == "agrees" else self._closely(line, seen, along=along)

    def _closely(self, line: Line, seen: Seen, *, along: float | None) -> Seen:
        """What it is that one difference does not agree with: a kink, a bend, rounding, a fault."""
        if along is None and not self.coarse and corners.at_kink(line, self):
            return replace(seen, verdict="kink")
        shorter = self._shorter(line, seen)
        if shorter.verdict == "agrees":
            return shorter
        if along is not None:
            left, right = line.one_sided(self.step)
            # A fault of the size of the kink may hide in it.
            if seen.gap <= abs(right - left) or corners.at_kink(line, self):
                return replace(seen, verdict="kink", tolerance=max(abs(right - left), seen.gap))
        measured = _SEEN_SAFETY * (scatter(line, self.step) or 0.0)
        if self.atol is None and measured > self.rounding:
            noisy = replace(self, rounding=measured)
            tolerance = noisy.tolerance(seen.analytic, seen.numeric, along=along)
            nearest = min((seen, shorter), key=lambda found: found.gap)
            if nearest.gap <= tolerance:
                return replace(nearest, verdict="agrees", tolerance=tolerance)
        return shorter

    def _shorter(self, line: Line, first: Seen) -> Seen:
        """Look over ever shorter steps, to one side where the function ends on the other.

        x³ at 0 has the difference quotient h², and sin 10⁴x bends within a step. The tolerance is
        that of the first look, and a step so short that rounding would fill it is not taken.
        """
        tolerance = first.tolerance
        unit = self.rounding / _SAFETY
        slopes: list[tuple[float, float]] = []  # step and quotient
        edge = not isfinite(first.numeric)
        for side in (0, -1, 1):
            step = 2.0 ** floor(log2(self.step))  # θ ± step is exact, and so both are as far
            for _ in range(_SHORTER):
                slope = line.closer_side(step, side) if side else line.closer_slope(step)
                if isfinite(slope):
                    slopes.append((step, slope))
                    if abs(first.analytic - slope) <= tolerance:
                        return replace(first, verdict="agrees", numeric=slope, step=step, edge=edge)
                size = abs(slope) if isfinite(slope) else 0.0
                step /= 8
                # At an edge only the shortest steps are within, whatever rounding does to them.
                room = max(tolerance, self.rtol * size) * (2 if edge else 0.1)
                if unit / step > room:
                    break
            if slopes:
                break
        return self._settled(line, replace(first, edge=edge), slopes)

    def _settled(self, line: Line, first: Seen, slopes: list[tuple[float, float]]) -> Seen:
        """Whether the quotients, which do not agree with the gradient, agree with each other."""
        if isfinite(first.numeric):
            slopes = [(first.step, first.numeric), *slopes]
        if len(slopes) < 2:  # noqa: PLR2004  (one alone has nothing to agree with)
            return replace(first, verdict="unsettled")
        doubt, step, slope, spread = min(
            (3 * abs(b - a) + self.rounding / step / 10, step, b, abs(b - a))
            for (_, a), (step, b) in pairwise(slopes)
        )
        found = replace(first, numeric=slope, step=step)
        if self.coarse:
            left, right = line.one_sided(self.step)
            doubt += abs(right - left)
        settled = found.gap > found.tolerance + doubt + self._swallowed and (
            spread <= _SETTLED * abs(slope) + found.tolerance + self.rounding / step
        )
        if self.problem.traits.narrow and abs(slope) <= _STILL * abs(found.analytic):
            settled = False  # flat to float32, as where tanh is 1, it need not be flat
        if not isfinite(found.analytic):  # a slope that grows without end is no other slope
            settled = spread <= _SETTLED * abs(slope)
        if settled and self.problem.given is not None and corners.several_at_once(line, self):
            return replace(found, verdict="unsettled", several=True)
        if settled and self.coarse and corners.ties(line, replace(self, step=_FINE)):
            settled = False
        return replace(found, verdict="wrong" if settled else "unsettled")

    def longer(self, line: Line, along: float) -> Seen | None:
        """The look over a longer step that tells most, for a gradient that rounding hides."""
        best, before = None, None
        step = self.step
        for _ in range(_LONGER):
            step *= 8
            slope = line.closer_slope(step)
            if not isfinite(slope):
                return best
            tolerance = 3 * self.rounding / step + self.backward + self.rtol * along
            seen = Seen("agrees", line.analytic, slope, tolerance, step)
            if seen.gap <= tolerance:
                best = seen
            elif (
                before is not None
                and seen.gap > tolerance + abs(slope - before) / _SETTLED + self._swallowed
            ):
                return replace(seen, verdict="wrong")
            elif before is not None:
                return best  # it is not a straight line over such a step
            before = slope
        return best
