"""Gradients against difference quotients: all entries at once along random directions, some alone.

A direction costs two values of F however many entries there are, and shows any error that is not
small beside all the others; entries one by one show smaller ones and where they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import TYPE_CHECKING

import numpy as np
import torch

from dlfaq.gradients.check import corners
from dlfaq.gradients.check.judge import CheckSettings, Judge, Seen
from dlfaq.gradients.check.lines import Direction, Entry
from dlfaq.gradients.check.patterns import pattern
from dlfaq.gradients.check.problem import BackwardFailed
from dlfaq.gradients.check.projection import direction
from dlfaq.gradients.check.reals import reals
from dlfaq.gradients.check.report import GradientRow
from dlfaq.gradients.check.rounding import gradient_scatter
from dlfaq.gradients.check.symmetry import symmetric_lines
from dlfaq.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from dlfaq.gradients.check.problem import Problem
    from dlfaq.gradients.check.report import Verdict

__all__ = ["compare", "entries_each"]

_DIRECTIONS = 2
_HIDDEN = 20.0  # by how much a direction may hide the error of one entry, or of all
_MOST = 200  # entries of a variable that are compared one by one, if nobody asks for more
_WORK = 2e9  # numbers computed for them altogether, some seconds
_COARSE = 0.1  # a resolution that longer steps are to better
_MARGIN = 1.5  # above the tolerance, where a disagreement is sure to be called one
_NO_VERDICT = 0.5  # where not even half a gradient would be missed


def entries_each(problem: Problem, settings: CheckSettings) -> int:
    """How many entries of each variable to compare one by one."""
    if settings.entries is not None:
        return settings.entries
    sizes = sum(leaf.numel() for leaf in problem.variables.values())
    affordable = _WORK / (2 * (problem.traits.work + sizes + 1)) / len(problem.variables)
    return int(min(_MOST, max(2, affordable)))


def compare(
    problem: Problem, settings: CheckSettings, *, over: Callable[[str], bool] = lambda _: False
) -> tuple[GradientRow, ...]:
    """The gradient of each variable against central differences.

    Args:
        problem: the function and its variables.
        settings: how close they are to come.
        over: asked before each variable, by name, whether to stop.
    """
    each = entries_each(problem, settings)
    try:
        gradients: Mapping[str, Tensor] = problem.gradients()
    except BackwardFailed as failed:
        return tuple(_failed(problem, settings, name, str(failed)) for name in problem.variables)
    rows = []
    off = gradient_scatter(problem) if problem.traits.narrow else {}
    for name in problem.variables:
        if over(name):
            continue
        try:
            variable = _Variable(
                problem, settings, name, gradients[name], each, off=off.get(name, 0.0)
            )
            rows.append(variable.row())
        except BackwardFailed as failed:  # beside a kink
            rows.append(_failed(problem, settings, name, str(failed)))
    return tuple(rows)


def _failed(problem: Problem, settings: CheckSettings, name: str, why: str) -> GradientRow:
    tensor = reals(problem.variables[name])
    return GradientRow(
        name=name,
        shape=tuple(tensor.shape),
        checked=0,
        entries=tensor.numel(),
        relative_error=inf,
        index=(0,) * tensor.ndim,
        analytic=float("nan"),
        numeric=float("nan"),
        step=settings.step,
        dtype=str(tensor.dtype).removeprefix("torch."),
        verdict="wrong",
        note=f"was not computed: {why}",
        resolution=inf,
    )


@dataclass
class _Found:
    """What is known of a variable so far: its entries, and the directions."""

    entries: dict[Entry, Seen]
    along: list[Seen]
    note: str = ""

    def worst(self, *verdicts: str) -> Entry | None:
        """The entry of the largest difference among those of these verdicts."""
        of = [entry for entry, seen in self.entries.items() if seen.verdict in verdicts]
        return max(of, key=lambda entry: self.entries[entry].gap, default=None)


class _Variable:
    """One variable under test."""

    def __init__(
        self,
        problem: Problem,
        settings: CheckSettings,
        name: str,
        gradient: Tensor,
        each: int,
        *,
        off: float,
    ) -> None:
        self.problem, self.name, self.gradient = problem, name, gradient
        self.tensor = reals(problem.variables[name])
        self.each = each
        self.judge = Judge.of(problem, settings, self._direction(0), backward=off)

    def row(self) -> GradientRow:
        """Compare entries, search the rest if they agree, and judge."""
        size = self.tensor.numel()
        movable = self.tensor.isfinite().flatten().nonzero().flatten()
        stream = generator(0, "gradient check: entries")
        order = torch.randperm(len(movable), generator=stream)[: self.each]
        picked = movable[order].sort().values.tolist()
        found = _Found({}, [])
        for position in picked:
            entry = self._entry(position)
            entry.check_moves(self.judge.step)
            found.entries[entry] = self.judge.glance(entry)
        self._examine(found)
        if len(picked) < len(movable) and found.worst("wrong") is None:
            self._search(found)
        kinked = [entry for entry, seen in found.entries.items() if seen.verdict == "kink"]
        if kinked and (self.problem.single or self.problem.given is not None):
            self._together(found, kinked)
        if self._only_symmetric(found):
            found = self._symmetric()
        hidden = self._resolution(found, size) > _COARSE and bool(self.gradient.any())
        if hidden and not self.judge.coarse and found.worst("wrong", "kink", "unsettled") is None:
            self._longer(found)
        return self._row(found, size)

    def _examine(self, found: _Found) -> None:
        """Look closely at what does not agree at first sight, until one is wrong."""
        doubted = [entry for entry, seen in found.entries.items() if seen.verdict == "open"]
        for entry in sorted(doubted, key=lambda entry: found.entries[entry].gap, reverse=True):
            found.entries[entry] = self.judge.look(entry)
            if found.entries[entry].verdict == "wrong":
                return

    def _entry(self, position: int) -> Entry:
        index = tuple(int(i) for i in np.unravel_index(position, tuple(self.tensor.shape)))
        return Entry(self.problem, self.name, self.gradient, index=index)

    def _direction(self, number: int, only: slice = slice(None)) -> Direction:
        along = direction(self.tensor, number)
        part = torch.zeros_like(along)
        part.view(-1)[only] = along.view(-1)[only]
        return Direction(self.problem, self.name, self.gradient, direction=part)

    def _along(self) -> float:
        """The usual size of a derivative along a direction."""
        finite = torch.nan_to_num(self.gradient, nan=0.0, posinf=0.0, neginf=0.0)
        scale: float = self.tensor.numel() ** -0.25
        return float(finite.norm()) * scale

    def _search(self, found: _Found) -> None:
        """Look along directions, and for the entry on which a disagreement rests."""
        for number in range(_DIRECTIONS):
            seen = self.judge.look(self._direction(number), along=self._along())
            found.along.append(seen)
            if seen.verdict == "wrong":
                entry = self._entry(self._halved(number))
                found.entries[entry] = self.judge.look(entry)
                return

    def _halved(self, number: int) -> int:
        low, high = 0, self.tensor.numel()
        while high - low > 1:
            middle = (low + high) // 2
            gaps = []
            for half in (slice(low, middle), slice(middle, high)):
                line = self._direction(number, half)
                gap = abs(line.analytic - line.slope(self.judge.step))
                gaps.append(gap if isfinite(gap) else inf)
            low, high = (low, middle) if gaps[0] >= gaps[1] else (middle, high)
        return low

    def _together(self, found: _Found, kinked: list[Entry]) -> None:
        outside = corners.outside_together(kinked, self.judge, self.gradient)
        if outside is None:
            return
        analytic, numeric = outside
        worst = kinked[0]
        found.entries[worst] = replace(found.entries[worst], verdict="wrong")
        found.note = (
            f"allows each entry at the kink alone but not all together: moved at once, F changes "
            f"by {numeric:.4g} a step, the gradient says {analytic:.4g}"
        )

    def _only_symmetric(self, found: _Found) -> bool:
        return (
            self.problem.traits.triangle
            and (found.worst("wrong") is not None or any(s.verdict == "wrong" for s in found.along))
            and bool(symmetric_lines(self.problem, self.name, self.gradient, 1))
        )

    def _symmetric(self) -> _Found:
        """Entries and their mirror images moved together, as the function takes for granted."""
        lines = symmetric_lines(self.problem, self.name, self.gradient, self.each)
        found = _Found({entry: self.judge.look(line) for entry, line in lines}, [])
        found.note = (
            "is that along symmetric changes, as the function reads one triangle of its argument"
        )
        return found

    def _longer(self, found: _Found) -> None:
        """Over longer steps rounding hides less."""
        for number in range(_DIRECTIONS):
            seen = self.judge.longer(self._direction(number), self._along())
            if seen is None:
                return
            found.along.append(seen)

    def _resolution(self, found: _Found, size: int) -> float:
        """The smallest error of an entry that would have been seen, in parts of the largest entry.

        Of what was compared one by one its tolerance; of what was not, that along a direction,
        which may hide some of it.
        """
        largest = float(self.gradient.abs().max())
        if not 0 < largest < inf:
            return inf
        scale: float = size**-0.25
        alone = [seen.tolerance for seen in found.entries.values() if seen.verdict == "agrees"]
        along = [
            _HIDDEN / scale * seen.tolerance
            for seen in found.along
            if seen.verdict in {"agrees", "kink"}
        ]
        every = len(found.entries) == size or "symmetric" in found.note
        if every and alone:
            unseen = _MARGIN * min([max(alone), *along])
        else:
            unseen = _MARGIN * min(along, default=max(alone, default=inf))
        # The true one may be smaller than the one under test, by as much as goes unseen.
        return unseen / (largest - unseen) if unseen < largest else inf

    def _largest(self, found: _Found) -> float:
        seen = [abs(x) for s in found.entries.values() for x in (s.analytic, s.numeric)]
        return max([*(x for x in seen if isfinite(x)), float(self.gradient.abs().max())], default=0)

    def _row(self, found: _Found, size: int) -> GradientRow:
        verdict, entry, note = self._verdict(found)
        seen = found.entries[entry] if entry is not None else found.along[0]
        resolution = self._resolution(found, size)
        if verdict == "agrees" and self.judge.coarse and resolution > _NO_VERDICT:
            verdict, note = "undecided", "is computed too coarsely to be told from a wrong one"
        return GradientRow(
            name=self.name,
            shape=tuple(self.tensor.shape),
            checked=len(found.entries),
            entries=size,
            relative_error=self._relative(found, seen),
            index=entry.index if entry is not None else (),
            analytic=seen.analytic,
            numeric=seen.numeric,
            step=seen.step if seen.edge or self.judge.coarse else self.judge.step,
            dtype=str(self.tensor.dtype).removeprefix("torch."),
            verdict=verdict,
            note=note + self._hooked(verdict) or self._too_small(found, verdict, resolution),
            resolution=resolution,
            zero=not self.gradient.any(),
        )

    def _verdict(self, found: _Found) -> tuple[Verdict, Entry | None, str]:
        """The verdict on all, the entry to report, and what kind of error or kink it is."""
        wrong = found.worst("wrong")
        spread = next((seen for seen in found.along if seen.verdict == "wrong"), None)
        if wrong is not None or spread is not None:
            return self._wrong(found, wrong, spread)
        unsettled = found.worst("unsettled")
        if unsettled is not None:
            return "undecided", unsettled, self._why_unsettled(found.entries[unsettled])
        kink = found.worst("kink")
        if kink is not None:
            return "kink", kink, corners.kink_named(kink, self.judge)
        entry = found.worst("agrees")
        edges = [seen for seen in found.entries.values() if seen.edge]
        if edges and not found.note:
            step = min(seen.step for seen in edges)
            return "agrees", entry, f"is at the edge of the domain; step={step:.2g} was taken there"
        return "agrees", entry, found.note

    def _wrong(
        self, found: _Found, wrong: Entry | None, spread: Seen | None
    ) -> tuple[Verdict, Entry | None, str]:
        """The same where an entry or a direction disagrees."""
        if self.problem.traits.implicit:
            drawn = ", ".join(name.strip("_") for name in self.problem.traits.implicit)
            note = (
                f"is implicit in {drawn}: it keeps the place of a draw in its distribution, which "
                "moving the parameter under the same random numbers does not"
            )
            return "undecided", wrong or found.worst("agrees"), note
        if wrong is None and spread is not None:
            note = (
                f"is off along a random direction of all entries, {spread.analytic:.8g} where "
                f"differences say {spread.numeric:.8g}; no single entry shows it"
            )
            return "wrong", found.worst("agrees", "kink", "unsettled"), note
        numeric = {
            entry.index: seen.numeric
            for entry, seen in found.entries.items()
            if seen.verdict != "kink" and (isfinite(seen.numeric) or entry is wrong)
        }
        note = found.note or pattern(self.problem, self.name, self.gradient, numeric)
        return "wrong", wrong, note

    def _hooked(self, verdict: Verdict) -> str:
        hooks = self.problem.variables[self.name]._backward_hooks  # noqa: SLF001
        return " (a hook is registered on it)" if hooks and verdict == "wrong" else ""

    def _why_unsettled(self, seen: Seen) -> str:
        if seen.several:
            return (
                "cannot be judged: several kinks meet at this point, and a choice at each may lead "
                "outside the slopes of the two sides; move the numbers that are tied apart"
            )
        if seen.edge:
            return (
                f"is at the edge of the domain: differences settle on no slope there, down to "
                f"step={seen.step:.2g}"
            )
        if self.judge.coarse:
            return "cannot be judged: in the lower precision differences settle on no slope"
        return "cannot be judged: differences settle on no slope, as beside a jump"

    def _relative(self, found: _Found, seen: Seen) -> float:
        """The gap relative to the largest number of the variable.

        A variable whose gradients are all below the rounding error has no size of its own.
        """
        largest = self._largest(found)
        if not isfinite(seen.gap):
            return inf
        floor = self.judge.floor
        return seen.gap / (largest if largest > floor else floor / self.judge.rtol or 1.0)

    def _too_small(self, found: _Found, verdict: Verdict, resolution: float) -> str:
        """A warning if no number stands out from rounding, so that any would have agreed."""
        largest = self._largest(found)
        of_backward = self.judge.rounding  # rounding alone: as good as 0
        if verdict != "agrees" or resolution < 1 or largest <= of_backward:
            return ""
        return (
            f"is below {self.judge.floor:.1g} everywhere, what rounding leaves, and so was not "
            "told from 0: try a larger step="
        )
