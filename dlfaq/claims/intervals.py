"""Two-sided 95 % confidence intervals over replicas, the only test statistics a claim is judged on.

One interval serves the card, the chart and the verdict of a claim: `mean_interval` for values and
paired differences, `geometric_mean_interval` for ratios, `failure_rate_interval` for shares of
runs. A percentile bootstrap is not among them: at 16 replicas it covers about 92 %.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from dlfaq.errors import InputError

__all__ = ["Interval", "failure_rate_interval", "geometric_mean_interval", "mean_interval"]

_CONFIDENCE = 0.95
_FEWEST = 2  # one replica has no spread


@dataclass(frozen=True)
class Interval:
    """An estimate with its two-sided 95 % confidence interval.

    Attributes:
        estimate: the point estimate, in the unit of the values.
        low: lower end of the interval, in the same unit.
        high: upper end of the interval, in the same unit.
        replicas: how many independent replicas it rests on.

    Example:
        >>> interval = mean_interval([1.0, 2.0, 3.0])
        >>> print(f"{interval.estimate} from {interval.low:.2f} to {interval.high:.2f}")
        2.0 from -0.48 to 4.48
    """

    estimate: float
    low: float
    high: float
    replicas: int


def mean_interval(values: npt.ArrayLike) -> Interval:
    r"""Student's t interval of a mean: $\bar x \pm t_{.975,\,n-1}\, s/\sqrt n$.

    Args:
        values: shape (n,), one finite number per replica.

    Raises:
        InputError: fewer than two replicas, or a number or an end that is not finite.

    Example:
        >>> mean_interval([1.0, 2.0, 3.0]).estimate
        2.0
    """
    x = _replicas(values).astype(np.float64)
    if not np.isfinite(x).all():
        raise InputError(
            expected="finite numbers",
            got=f"{np.count_nonzero(~np.isfinite(x))} of {x.size} that are NaN or infinite",
            cure="say what a failed run counts as, or claim the share of failures (booleans)",
        )
    with warnings.catch_warnings():  # replicas that agree, or near the largest number there is
        warnings.simplefilter("ignore", RuntimeWarning)
        interval = stats.ttest_1samp(x, 0).confidence_interval(_CONFIDENCE)
        mean = float(x.mean())
    return _checked(Interval(mean, float(interval.low), float(interval.high), x.size))


def geometric_mean_interval(ratios: npt.ArrayLike) -> Interval:
    r"""Student's t interval of a geometric mean: $\exp$ of the `mean_interval` of the logarithms.

    Args:
        ratios: shape (n,), one positive ratio per replica.

    Raises:
        InputError: fewer than two replicas, or a ratio that is not a positive finite number.

    Example:
        >>> round(geometric_mean_interval([1.0, 2.0, 4.0]).estimate, 6)
        2.0
    """
    x = _replicas(ratios).astype(np.float64)
    if (x <= 0).any():
        raise InputError(
            expected="positive ratios",
            got=f"{float(x.min()):.3g}",
            cure="claim the difference instead, where a ratio has no sign or no meaning",
        )
    logs = mean_interval(np.log(x))
    with np.errstate(over="ignore"):
        low, estimate, high = np.exp([logs.low, logs.estimate, logs.high])
    return _checked(Interval(float(estimate), float(low), float(high), x.size))


def failure_rate_interval(failed: npt.ArrayLike) -> Interval:
    """Exact binomial interval of a share, which covers at least 95 % whatever the true rate is.

    Args:
        failed: shape (n,), boolean, True where the replica failed (or did what the claim counts).

    Raises:
        InputError: fewer than two replicas, or values that are not booleans.

    Example:
        >>> round(failure_rate_interval([True] + [False] * 31).high, 3)  # one failure in 32
        0.162

    Source:
        Clopper and Pearson (1934), The use of confidence or fiducial limits, Biometrika 26(4).
    """
    x = _replicas(failed)
    if x.dtype != np.bool_:
        raise InputError(
            expected="a boolean array",
            got=f"an array of {x.dtype}",
            cure="write the comparison, such as accuracy < 0.5",
        )
    test = stats.binomtest(int(x.sum()), x.size)
    interval = test.proportion_ci(_CONFIDENCE, method="exact")
    return Interval(float(x.mean()), float(interval.low), float(interval.high), x.size)


def _checked(interval: Interval) -> Interval:
    if not np.isfinite([interval.low, interval.estimate, interval.high]).all():
        raise InputError(
            expected="an interval within the range of floating point",
            got=f"{interval.low:.3g} to {interval.high:.3g}",
            cure="measure in a larger unit, or claim the logarithm",
        )
    return interval


def _replicas(values: npt.ArrayLike) -> npt.NDArray[np.generic]:
    x = np.asarray(values)
    if x.ndim != 1 or x.size < _FEWEST:
        raise InputError(
            expected="one number for each of two or more replicas, shape (n,)",
            got=f"shape {x.shape}",
            cure="reduce each replica to its one number, and run at least two",
        )
    return x
