"""What chance could do to a claim, where each is judged alone.

With many claims some hold by luck and some fail by bad luck. Their p-values tell which survive a
correction for their number, their chances of failure how many would fail on fresh seeds.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from dlfaq.claims.intervals import failure_rate_interval
from dlfaq.protocol import RATIO

if TYPE_CHECKING:
    from dlfaq.protocol import Claim

__all__ = ["with_chances"]

_QUANTILE = 0.975  # of the two-sided 95 % interval that decides


def with_chances(claim: Claim) -> Claim:
    r"""The claim with its standard error, p-value and chance of failure; it has an interval.

    For means, with the margin $m = (\bar x - \Delta) / (s / \sqrt n)$ of each end $\Delta$:
    $p = P(t_{n-1} > m)$, and the chance of failure is
    $P(t_{n-1} < (q - m) / \sqrt{2 + q^2 / 2(n-1)})$ with $q = t_{.975,\,n-1}$: both the mean here
    and the one on fresh seeds miss the truth by one standard error, and the fresh spread varies.

    For failure rates: the exact binomial p-value, Agresti and Coull's standard error, and the
    chance that as many fresh runs, beta-binomial after what was seen, break the exact bound.

    Source:
        Agresti and Coull (1998), Approximate is better than "exact", The American Statistician 52.
    """
    return _of_share(claim) if claim.statistic == "failure rate" else _of_mean(claim)


def _of_mean(claim: Claim) -> Claim:
    with np.errstate(divide="ignore"):  # a ratio may be too small for floating point
        low, high = np.log(claim.ends) if claim.unit == RATIO else claim.ends
    freedom = claim.replicas - 1
    quantile = float(stats.t.ppf(_QUANTILE, freedom))
    claim = replace(claim, standard_error=float(high - low) / 2 / quantile)
    spread = math.sqrt(2 + quantile**2 / (2 * freedom))
    fails = (float(stats.t.cdf((quantile - m) / spread, freedom)) for m in claim.margins)
    return replace(
        claim,
        p_value=max(float(stats.t.sf(margin, freedom)) for margin in claim.margins),
        failure_chance=min(1.0, sum(fails)),
    )


def _of_share(claim: Claim) -> Claim:
    replicas = claim.replicas
    count = round(claim.measured * replicas)
    near = (count + 2) / (replicas + 4)
    tests = [(claim.low, "greater"), (claim.high, "less")]
    fresh = np.arange(replicas + 1)
    chances = stats.betabinom.pmf(fresh, replicas, count + 0.5, replicas - count + 0.5)
    intervals = [failure_rate_interval(np.arange(replicas) < one) for one in fresh]
    breaks = [not claim.low <= one.low <= one.high <= claim.high for one in intervals]
    return replace(
        claim,
        standard_error=math.sqrt(near * (1 - near) / (replicas + 4)),
        p_value=max(
            float(stats.binomtest(count, replicas, end, alternative=side).pvalue)
            for end, side in tests
            if math.isfinite(end)
        ),
        failure_chance=float(chances[breaks].sum()),
    )
