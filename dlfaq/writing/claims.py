"""Says of a claim that it does not hold: to a reader who runs the code, and in a build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlfaq.protocol import RATIO, as_written

if TYPE_CHECKING:
    from dlfaq.protocol import Claim

__all__ = ["not_held"]


def not_held(claim: Claim) -> str:
    """Say what was measured and what had been claimed."""
    digits = 12 if claim.interval is None else 3
    unit = claim.unit if claim.unit in {"", RATIO} else f" {claim.unit}"

    def shown(value: float) -> str:
        return f"{as_written(value, claim.unit):.{digits}g}{unit}"

    measured = f"measured {shown(claim.measured)}"
    if claim.interval is not None:
        low, high = map(shown, claim.interval)
        measured += f", 95 % interval {low} to {high} over {claim.replicas} replicas"
    claimed = " to ".join(map(shown, claim.thresholds))
    words = "from" if len(claim.thresholds) > 1 else claim.comparator.replace("_", " ")
    says = claim.statement.replace("{}", shown(claim.measured))
    return f"{says!r} does not hold: {measured}; claimed {words} {claimed}"
