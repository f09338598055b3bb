"""Turns the comparison of a claim round: a claim that holds both ways says nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dlfaq.claims.verdict import Evidence, Threshold

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["inverse_holds"]


def inverse_holds(record: Mapping[str, Any]) -> bool:
    """Whether a recorded claim would hold with its comparison inverted, by the same judge.

    "At least" becomes "at most" and the other way round; "within" becomes "wholly outside", ends
    excluded.

    Example:
        >>> claim = {"kind": "identity", "statistic": "value", "interval": None, "seeds": []}
        >>> inverse_holds({**claim, "measured": 3, "comparator": "at_least", "threshold": 2})
        False
    """
    interval = record["interval"]
    evidence = Evidence(
        kind=record["kind"],
        statistic=record["statistic"],
        measured=record["measured"],
        interval=None if interval is None else (interval[0], interval[1]),
        seeds=record["seeds"],
    )
    limit = record["threshold"]
    if record["comparator"] == "at_least":
        return evidence.holds(_at_most(limit))
    if record["comparator"] == "at_most":
        return evidence.holds(_at_least(limit))
    low, high = limit
    strictly = replace(evidence, kind="ordering")
    return strictly.holds(_at_most(low)) or strictly.holds(_at_least(high))


def _at_least(limit: float) -> Threshold:
    return Threshold.of(limit, None, None, "")


def _at_most(limit: float) -> Threshold:
    return Threshold.of(None, limit, None, "")
