"""Says how far a claim is from failing, and which claims survive a correction for their number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["DIRECTIONAL", "margin", "margins", "survives_holm"]

#: Kinds of claims that say which way something goes, unlike those that two things are equal.
DIRECTIONAL = ("ordering", "effect", "failure rate")

_LEVEL = 0.05


def margins(claim: Mapping[str, Any]) -> list[float]:
    """How far what was measured is from each threshold, positive on the side that holds.

    In standard errors (of the logarithm for unit "×"); for an identity, which has none, in its
    unit.
    """
    measured, limit = claim["measured"], claim["threshold"]
    low = limit if claim["comparator"] == "at_least" else None
    high = limit if claim["comparator"] == "at_most" else None
    if claim["comparator"] == "within":
        low, high = limit
    error = claim["standard_error"]

    def distance(greater: float, smaller: float) -> float:
        if error is None:
            return greater - smaller
        if claim["unit"] == "×":
            greater, smaller = math.log(greater), math.log(smaller)
        return _ratio(greater - smaller, error)

    found = [] if low is None else [distance(measured, low)]
    return found if high is None else [*found, distance(high, measured)]


def margin(claim: Mapping[str, Any]) -> float:
    """The least of a claim's `margins`."""
    return min(margins(claim))


def survives_holm(p_values: Sequence[float]) -> list[bool]:
    """Which hypotheses Holm's method rejects at a familywise error rate of 5 %.

    The i-th smallest of m p-values (i from 0) is held against .05/(m - i), until the first that
    fails.

    Source:
        Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal
        of Statistics 6(2).
    """
    survives = [False] * len(p_values)
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[index] > _LEVEL / (len(p_values) - rank):
            break
        survives[index] = True
    return survives


def _ratio(distance: float, error: float) -> float:
    """Replicas that agree exactly have no standard error."""
    if error > 0:
        return distance / error
    return math.copysign(math.inf, distance) if distance else 0.0
