"""How firmly a claim holds: what can be said of all claims together, where each is judged alone.

With many claims some hold by luck and some fail by bad luck. Their p-values tell which survive a
correction for their number, their chances of failure how many would fail on fresh seeds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from dlfaq.claims.intervals import failure_rate_interval
from dlfaq.claims.verdict import RATIO

if TYPE_CHECKING:
    from dlfaq.claims.verdict import Evidence, Threshold

__all__ = ["Firmness", "firmness"]

_QUANTILE = 0.975  # of the two-sided 95 % interval that decides


@dataclass(frozen=True)
class Firmness:
    """What chance could do to a claim; None for an identity, which carries none.

    Attributes:
        standard_error: that of what was measured, in its unit; of its logarithm for the unit "×".
        p_value: one-sided, that the truth is on the wrong side of the threshold; of two margins
            the larger.
        failure_chance: that the claim does not hold on as many fresh seeds.
    """

    standard_error: float | None = None
    p_value: float | None = None
    failure_chance: float | None = None


def firmness(evidence: Evidence, threshold: Threshold, unit: str) -> Firmness:
    r"""Find out how firmly a claim holds.

    For means, with the margin $m = (\bar x - \Delta) / (s / \sqrt n)$ of each end $\Delta$:
    $p = P(t_{n-1} > m)$, and the chance of failure is
    $P(t_{n-1} < (q - m) / \sqrt{2 + q^2 / 2(n-1)})$ with $q = t_{.975,\,n-1}$: both the mean here
    and the one on fresh seeds miss the truth by one standard error, and the fresh spread varies.

    For failure rates: the exact binomial p-value, Agresti and Coull's standard error, and the
    chance that as many fresh runs, beta-binomial after what was seen, break the exact bound.

    Source:
        Agresti and Coull (1998), Approximate is better than "exact", The American Statistician 52.
    """
    if evidence.interval is None:
        return Firmness()
    if evidence.statistic == "failure rate":
        return _of_share(evidence.measured, len(evidence.seeds), threshold)
    values = [threshold.low, evidence.measured, threshold.high, *evidence.interval]
    if unit == RATIO:
        with np.errstate(divide="ignore"):  # no threshold from below is -∞, or 0 for ratios
            values = [float(np.log(max(value, 0.0))) for value in values]
    return _of_mean(*values, replicas=len(evidence.seeds))


def _of_mean(
    bottom: float, mean: float, top: float, low: float, high: float, *, replicas: int
) -> Firmness:
    freedom = replicas - 1
    quantile = float(stats.t.ppf(_QUANTILE, freedom))
    error = (high - low) / 2 / quantile
    margins = [_ratio(mean - bottom, error), _ratio(top - mean, error)]
    spread = math.sqrt(2 + quantile**2 / (2 * freedom))
    return Firmness(
        standard_error=error,
        p_value=max(float(stats.t.sf(margin, freedom)) for margin in margins),
        failure_chance=min(
            1.0, sum(float(stats.t.cdf((quantile - m) / spread, freedom)) for m in margins)
        ),
    )


def _ratio(distance: float, error: float) -> float:
    """How many standard errors; replicas that agree exactly have none."""
    if error > 0:
        return distance / error
    return math.copysign(math.inf, distance) if distance else 0.0


def _of_share(share: float, replicas: int, threshold: Threshold) -> Firmness:
    count = round(share * replicas)
    near = (count + 2) / (replicas + 4)
    tests = [(threshold.low, "greater"), (threshold.high, "less")]
    fresh = np.arange(replicas + 1)
    chances = stats.betabinom.pmf(fresh, replicas, count + 0.5, replicas - count + 0.5)
    intervals = [failure_rate_interval(np.arange(replicas) < one) for one in fresh]
    breaks = [not threshold.low <= one.low <= one.high <= threshold.high for one in intervals]
    return Firmness(
        standard_error=math.sqrt(near * (1 - near) / (replicas + 4)),
        p_value=max(
            float(stats.binomtest(count, replicas, end, alternative=side).pvalue)
            for end, side in tests
            if math.isfinite(end)
        ),
        failure_chance=float(chances[breaks].sum()),
    )
