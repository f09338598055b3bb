"""A page's claims over exploration master seeds, as rule 6 of the protocol asks for them."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["near_end", "pilot_table"]

_SPREADS = 5


def near_end(claim: dict[str, Any]) -> float:
    """The end of a claim's interval that is nearest to its threshold: what decides it."""
    low, high = claim["interval"] or (claim["measured"], claim["measured"])
    if claim["comparator"] == "at_least":
        return float(low)
    if claim["comparator"] == "at_most":
        return float(high)
    bottom, top = claim["threshold"]
    return float(low) if low - bottom < top - high else float(high)


def pilot_table(runs: Sequence[Sequence[dict[str, Any]]]) -> str:
    """For each claim: mean and spread over masters, where rule 6 puts the threshold, where it is.

    Args:
        runs: the claims of the page, one list for each master seed.
    """
    by_statement: dict[str, list[dict[str, Any]]] = {}
    for claims in runs:
        for claim in claims:
            by_statement.setdefault(claim["statement"], []).append(claim)
    blocks = [_block(statement, claims) for statement, claims in by_statement.items()]
    return "\n\n".join(blocks)


def _block(statement: str, claims: list[dict[str, Any]]) -> str:
    first = claims[0]
    ratio = first["unit"] == "×"
    ends = [math.log(near_end(claim)) if ratio else near_end(claim) for claim in claims]
    mean = statistics.fmean(ends)
    spread = statistics.stdev(ends) if len(ends) > 1 else 0.0
    upper = _fails_above(first, math.exp(mean) if ratio else mean)
    tightest = mean + _SPREADS * spread if upper else mean - _SPREADS * spread
    measured = [claim["measured"] for claim in claims]
    held = sum(claim["holds"] for claim in claims)
    scale = " (sd of logs)" if ratio else ""
    if ratio:
        mean, tightest = math.exp(mean), math.exp(tightest)
    return (
        f"{first['page']}:{first['line']} {first['kind']}: {statement}\n"
        f"  measured {statistics.fmean(measured):.4g} ({min(measured):.4g} to {max(measured):.4g})\n"
        f"  near end of the interval: mean {mean:.4g}, sd {spread:.3g}{scale}, "
        f"mean {'+' if upper else '-'} {_SPREADS} sd: {tightest:.4g}\n"
        f"  threshold in force: {first['comparator']} {first['threshold']}; "
        f"holds on {held} of {len(claims)} masters"
    )


def _fails_above(claim: dict[str, Any], end: float) -> bool:
    """Whether a claim would fail by growing: the near end is its upper one."""
    if claim["comparator"] == "within":
        return end > sum(claim["threshold"]) / 2
    return bool(claim["comparator"] == "at_most")
