"""A page's claims over exploration master seeds, as rule 6 of the protocol asks for them."""

from __future__ import annotations

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
    ends = [near_end(claim) for claim in claims]
    means = [claim["measured"] for claim in claims]
    mean = statistics.fmean(ends)
    spread = statistics.stdev(ends) if len(ends) > 1 else 0.0
    first = claims[0]
    upper = first["comparator"] == "at_most" or (
        first["comparator"] == "within" and mean > sum(first["threshold"]) / 2
    )
    tightest = mean + _SPREADS * spread if upper else mean - _SPREADS * spread
    held = sum(claim["holds"] for claim in claims)
    return (
        f"{first['page']}:{first['line']} {first['kind']}: {statement}\n"
        f"  measured {statistics.fmean(means):.4g} ({min(means):.4g} to {max(means):.4g})\n"
        f"  near end of the interval: mean {mean:.4g}, sd {spread:.3g}, "
        f"mean {'+' if upper else '-'} 5 sd {tightest:.4g}\n"
        f"  threshold in force: {first['comparator']} {first['threshold']}; "
        f"holds on {held} of {len(claims)} masters"
    )
