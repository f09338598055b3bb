"""What a claim record holds: the shape that the lab writes and the site reads."""

from __future__ import annotations

from typing import TypedDict

__all__ = ["ClaimRecord"]


class ClaimRecord(TypedDict, total=False):
    """One claim, measured.

    Numbers are in base units: fractions for the unit "points", ratios for "×".

    Attributes:
        statement: the sentence; `code` stands in backticks.
        label: the name by which a page places the claim.
        kind: identity, ordering, effect, equivalence, null or failure rate.
        statistic: value, mean, geometric mean or failure rate.
        comparator: at_least, at_most or within.
        threshold: a number, or for within [low, high].
        measured: the statistic.
        interval: its two-sided 95 % interval; None for an identity.
        replicas: how many.
        seeds: theirs.
        unit: "points", "×", "" or the name of a unit.
        holds: whether all of the interval is on the right side.
        verdict: holds, refuted (all of it is on the wrong side) or inconclusive.
        gated: whether a build fails where it does not hold; an estimate is not gated.
        fails_when: what would make it fail, in words.
        arms: names of the arms of a comparison that it is about; None for anything else.
        signs: of such a comparison, how many replicas lie above no effect, on it, and below.
    """

    statement: str
    label: str | None
    kind: str
    statistic: str
    comparator: str
    threshold: float | list[float]
    measured: float
    interval: list[float] | None
    replicas: int
    seeds: list[int]
    unit: str
    holds: bool
    verdict: str
    gated: bool
    fails_when: str | None
    arms: list[str] | None
    signs: list[int] | None
