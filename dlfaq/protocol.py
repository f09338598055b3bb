"""What the library and the engine agree on: units, kinds, labels, seeds, and the record of a claim.

A claim is a `Claim` from the moment it is judged to the moment it is drawn. The library fills it,
JSON carries it, the site draws it. Nothing here needs more than the standard library, so that the
engine reads claims without NumPy.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from dlfaq.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BUILD_MASTER",
    "DIRECTIONAL",
    "EXPLORATION",
    "KINDS",
    "LABEL",
    "OFFSETS",
    "PERCENT",
    "POINTS",
    "RATIO",
    "SCORED",
    "SEEDS_PER_MASTER",
    "Claim",
    "Comparator",
    "Kind",
    "Statistic",
    "Verdict",
    "as_written",
    "first_seed",
    "seed_offset",
]

RATIO = "×"
"""The unit of ratios, which are averaged by their logarithms and compared with 1."""

POINTS = "points"
"""The unit of differences of shares; numbers are fractions, written times 100."""

PERCENT = "%"
"""The unit of a share; numbers are fractions, written times 100."""


def as_written(value: float, unit: str) -> float:
    """The number that stands before its unit: a fraction times 100 for "points" and "%"."""
    return value * 100 if unit in {POINTS, PERCENT} else value


Kind: TypeAlias = Literal[
    "identity", "prediction", "ordering", "effect", "equivalence", "null", "failure rate"
]
Statistic: TypeAlias = Literal["value", "mean", "geometric mean", "failure rate"]
Comparator: TypeAlias = Literal["at_least", "at_most", "within", "equals"]
Verdict: TypeAlias = Literal["holds", "refuted", "inconclusive"]

KINDS: tuple[Kind, ...] = (
    "identity",
    "prediction",
    "ordering",
    "effect",
    "equivalence",
    "null",
    "failure rate",
)

DIRECTIONAL: tuple[Kind, ...] = ("ordering", "effect", "failure rate")
"""Kinds of claims that say which way something goes, unlike those that two things are equal."""

LABEL = re.compile(r"[a-z][a-z0-9-]*")
"""What a label looks like, of a snippet and of a claim."""

SEEDS_PER_MASTER = 100
SCORED = 64
"""Replicas of a master from 0 to here are scored, the rest tune."""

BUILD_MASTER = 10
OFFSETS = range(-BUILD_MASTER, 40_000_001)
"""Offsets count masters. Seeds stay below 2³², which is all that np.random.seed takes."""

EXPLORATION = range(-BUILD_MASTER, 0)
"""The offsets whose masters pilots use: 0 to 9."""


def first_seed(offset: int) -> int:
    """The seed of the first replica of the build's master, shifted by so many masters."""
    return SEEDS_PER_MASTER * (BUILD_MASTER + offset)


def seed_offset(text: str) -> int:
    """The seed offset that DLFAQ_SEED_OFFSET or the command line gives.

    Raises:
        InputError: it is not a whole number of the range.
    """
    if not re.fullmatch(r"-?\d{1,8}", text) or int(text) not in OFFSETS:
        raise InputError(
            expected="a seed offset (DLFAQ_SEED_OFFSET, --seed-offset) "
            f"from {OFFSETS[0]} to {OFFSETS[-1]:,}",
            got=repr(text),
            cure="leave it out for 0, or write for example 1",
        )
    return int(text)


@dataclass(frozen=True)
class Claim:
    """One claim or estimate, measured.

    Numbers are in base units: fractions for the units "points" and "%", ratios for "×".

    Attributes:
        statement: the sentence, unique on its page; `code` stands in backticks, `{}` where the
            measured number is drawn.
        kind: what the measurement and its threshold make of it.
        statistic: what `measured` is of the replicas.
        comparator: the argument of `claim` that gave the threshold.
        low: the least value that holds; -∞ where the threshold is open below.
        high: the largest value that holds; ∞ where the threshold is open above.
        measured: the statistic.
        interval: its two-sided 95 % interval; None where it carries no chance.
        standard_error: that of `measured`; of its logarithm for the unit "×"; None without chance.
        p_value: one-sided, that the truth is on the wrong side; of two margins the larger.
        failure_chance: that the claim does not hold on as many fresh seeds.
        seeds: those of the replicas, in order.
        unit: "points", "%", "×", "" or the name of a unit.
        label: the name by which a page places the claim.
        gated: whether a build fails where it does not hold; an estimate is not gated.
        fails_when: the case in which it is known to break, in words.
        arms: names of the arms of a comparison that it is about; () for anything else.
        signs: of such a comparison, how many replicas lie above no effect, on it, and below.
        line: the line that makes it, of the chain while it runs and of the page afterwards; 0
            where neither is known.
    """

    statement: str
    kind: Kind
    statistic: Statistic
    comparator: Comparator
    low: float
    high: float
    measured: float
    interval: tuple[float, float] | None = None
    standard_error: float | None = None
    p_value: float | None = None
    failure_chance: float | None = None
    seeds: tuple[int, ...] = ()
    unit: str = ""
    label: str | None = None
    gated: bool = True
    fails_when: str | None = None
    arms: tuple[str, ...] = ()
    signs: tuple[int, int, int] | None = None
    line: int = 0

    @property
    def replicas(self) -> int:
        """How many; 0 where there is no chance."""
        return len(self.seeds)

    @property
    def threshold(self) -> float | list[float]:
        """One number, or for `within` and `equals` the lower and upper end."""
        if self.comparator == "at_least":
            return self.low
        return self.high if self.comparator == "at_most" else [self.low, self.high]

    @property
    def thresholds(self) -> list[float]:
        """The threshold as a list of one or two numbers."""
        limit = self.threshold
        return limit if isinstance(limit, list) else [limit]

    @property
    def ends(self) -> tuple[float, float]:
        """What decides: the ends of the interval, or the number twice where it has none."""
        return self.interval or (self.measured, self.measured)

    def holds(self) -> bool:
        """Whether the number, or all of its interval, is on the right side of the threshold."""
        low, high = self.ends
        if self.kind == "ordering":  # a tie is no order
            return self.low < low and high < self.high
        return self.low <= low and high <= self.high

    def inverse_holds(self) -> bool:
        """Whether it would hold with its comparison inverted; one that holds both ways is empty.

        "At least" becomes "at most" and the other way round; "within" and "equals" become "wholly
        outside", ends excluded.
        """
        if self.comparator in {"at_least", "at_most"}:
            low = -math.inf if self.comparator == "at_least" else self.high
            high = self.low if self.comparator == "at_least" else math.inf
            return replace(self, low=low, high=high).holds()
        outside = replace(self, kind="ordering")
        below = replace(outside, low=-math.inf, high=self.low)
        return below.holds() or replace(outside, low=self.high, high=math.inf).holds()

    @property
    def verdict(self) -> Verdict:
        """Refuted: all of the interval is on the wrong side; inconclusive: it reaches across."""
        if self.holds():
            return "holds"
        return "refuted" if self.inverse_holds() else "inconclusive"

    @property
    def fails(self) -> bool:
        """Whether it ends a build."""
        return self.gated and not self.holds()

    @property
    def margins(self) -> list[float]:
        """How far `measured` is from each threshold, positive on the side that holds.

        In standard errors (of the logarithm for the unit "×"); in the unit where there is no
        chance.
        """
        ends = ((1, self.low), (-1, self.high))
        return [side * self._beyond(end) for side, end in ends if math.isfinite(end)]

    @property
    def margin(self) -> float:
        """The least of the margins."""
        return min(self.margins)

    def _beyond(self, end: float) -> float:
        if self.standard_error is None:
            return self.measured - end
        distance = (
            math.log(self.measured) - math.log(end) if self.unit == RATIO else self.measured - end
        )
        if self.standard_error > 0:
            return distance / self.standard_error
        # Replicas that agree exactly have no standard error.
        return math.copysign(math.inf, distance) if distance else 0.0

    def to_json(self) -> dict[str, Any]:
        """The claim as JSON has it, its ends as `threshold`."""
        data = asdict(self)
        del data["low"], data["high"]
        data["threshold"] = self.threshold
        return {k: list(value) if isinstance(value, tuple) else value for k, value in data.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Claim:
        """The claim that `to_json` gave.

        Raises:
            TypeError: a field is missing or unknown.
        """
        known = {field.name for field in fields(cls)} - {"low", "high"} | {"threshold"}
        if known != data.keys():
            wrong = ", ".join(sorted(known ^ data.keys()))
            raise TypeError(f"a claim has other fields: {wrong}")
        limit, comparator = data["threshold"], data["comparator"]
        low, high = limit if isinstance(limit, list) else (limit, limit)
        given = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in data.items()
            if name != "threshold"
        }
        return cls(
            low=-math.inf if comparator == "at_most" else low,
            high=math.inf if comparator == "at_least" else high,
            **given,  # type: ignore[arg-type]
        )
