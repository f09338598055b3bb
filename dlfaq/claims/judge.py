"""Makes a claim of a measurement and a threshold: its kind, its interval, its chances.

What is measured is either one number, or a number or a boolean for each of many replicas. Only the
latter carries chance, and is judged on its 95 % interval.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dlfaq.claims.chance import with_chances
from dlfaq.claims.intervals import failure_rate_interval, geometric_mean_interval, mean_interval
from dlfaq.errors import InputError
from dlfaq.protocol import PERCENT, RATIO, Claim
from dlfaq.replicate_values import Replicates

if TYPE_CHECKING:
    from dlfaq.claims.intervals import Interval
    from dlfaq.claims.measurement import Measurement
    from dlfaq.claims.threshold import Threshold
    from dlfaq.protocol import Kind, Statistic

__all__ = ["judge"]


def judge(
    statement: str,
    measured: Measurement,
    threshold: Threshold,
    *,
    null: bool = False,
    predicted: bool = False,
    **about: Any,  # noqa: ANN401 - what else a Claim holds
) -> Claim:
    """The claim that a statement, a measurement and a threshold make.

    Raises:
        InputError: too few replicas or seeds, or a kind that the measurement cannot have.
    """
    kind, statistic, unit = _kind(measured, threshold)
    if null and kind != "equivalence":
        raise InputError(
            expected="`within` margins and numbers over replicas for a null",
            got=f"a claim of kind {kind}",
            cure="say within which margins there is no effect, or leave null out",
        )
    if predicted and kind != "identity":
        raise InputError(
            expected="a number for a prediction",
            got=f"a claim of kind {kind}",
            cure="leave predicted out: what was measured over replicas was not predicted",
        )
    if threshold.comparator == "equals" and kind != "identity":
        raise InputError(
            expected="a number for `equals`",
            got=f"a claim of kind {kind}",
            cure="what chance moves equals nothing; say within which margins it lies",
        )
    claim = Claim(
        statement,
        "null" if null else "prediction" if predicted else kind,
        statistic,
        *threshold,
        measured=0.0,
        unit=unit,
        **about,
    )
    if kind == "identity":
        return replace(claim, measured=float(measured.values.item()))
    interval = _interval(measured, statistic)
    claim = replace(
        claim,
        measured=interval.estimate,
        interval=(interval.low, interval.high),
        seeds=_different(measured),
        arms=measured.arms,
        signs=_signs(measured) if _compares(measured) else None,
    )
    return with_chances(claim)


def _kind(measured: Measurement, threshold: Threshold) -> tuple[Kind, Statistic, str]:
    """The kind of the claim, what is computed over the replicas, and the unit of that."""
    unit = measured.unit
    if measured.values.ndim == 0:
        return "identity", "value", unit
    if measured.values.dtype == np.bool_:
        _check_share(threshold, unit)
        return "failure rate", "failure rate", PERCENT
    statistic: Statistic = "geometric mean" if unit == RATIO else "mean"
    if threshold.comparator == "within":
        return "equivalence", statistic, unit
    no_effect = 1 if unit == RATIO else 0
    return ("ordering" if no_effect in threshold[1:] else "effect"), statistic, unit


def _interval(measured: Measurement, statistic: Statistic) -> Interval:
    if statistic == "failure rate":
        return failure_rate_interval(measured.values)
    if statistic == "geometric mean":
        return geometric_mean_interval(measured.values)
    return mean_interval(measured.values)


def _compares(measured: Measurement) -> bool:
    """Whether the numbers are a difference or a ratio of arms, so that their sign says a winner."""
    is_share = measured.unit == PERCENT or measured.values.dtype == np.bool_
    return len(measured.arms) > 1 and not is_share


def _signs(measured: Measurement) -> tuple[int, int, int]:
    no_effect = 1 if measured.unit == RATIO else 0
    above, ties, below = Replicates.of(measured.values).signs(no_effect=no_effect)
    return above, ties, below


def _check_share(threshold: Threshold, unit: str) -> None:
    ends = [end for end in threshold[1:] if np.isfinite(end)]
    if unit not in {"", PERCENT} or not all(0 < end < 1 for end in ends):
        shown = ", ".join(f"{end:g}" for end in ends)
        raise InputError(
            expected="a share between 0 and 1 as threshold, and no unit but %, for booleans",
            got=f"{shown} {unit}".strip(),
            cure="claim a share that 95 % intervals can reach: none of 32 means at most 0.11",
        )


def _different(measured: Measurement) -> tuple[int, ...]:
    listed, replicas = measured.seeds, measured.values.size
    if len(listed) != replicas or len(set(listed)) != replicas:
        raise InputError(
            expected=f"{replicas} different seeds, one for each replica",
            got=f"{len(listed)}, {len(set(listed))} of them different",
            cure="pass the seeds the replicas were run with, such as seeds=seeds(16)",
        )
    return listed
