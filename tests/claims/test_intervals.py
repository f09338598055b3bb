"""Intervals against published tables, brute force and their own promise of coverage."""

from __future__ import annotations

from math import comb, exp, log

import numpy as np
import pytest

from dlfaq.claims.intervals import failure_rate_interval, geometric_mean_interval, mean_interval
from dlfaq.errors import InputError

# Upper 97.5 % points of Student's t by degrees of freedom: NIST/SEMATECH e-Handbook, 1.3.6.7.2.
T_TABLE = {1: 12.706, 3: 3.182, 7: 2.365, 15: 2.131, 31: 2.040}


@pytest.mark.parametrize("n", [f + 1 for f in T_TABLE], ids=lambda n: f"{n} replicas")
def test_mean_interval_has_the_tabled_t(n: int) -> None:
    half = n // 2
    interval = mean_interval([0.0] * half + [1.0] * half)  # mean 1/2, s² = n / (4 (n - 1))
    standard_error = (n / (4 * (n - 1)) / n) ** 0.5
    assert interval.estimate == pytest.approx(0.5)
    assert (interval.high - 0.5) / standard_error == pytest.approx(T_TABLE[n - 1], abs=5e-4)
    assert (0.5 - interval.low) / standard_error == pytest.approx(T_TABLE[n - 1], abs=5e-4)
    assert interval.replicas == n


def test_replicas_that_agree_have_an_interval_of_no_width() -> None:
    interval = mean_interval([3.0, 3.0, 3.0])
    assert (interval.low, interval.estimate, interval.high) == (3, 3, 3)


def test_geometric_mean_interval_is_symmetric_in_logs() -> None:
    interval = geometric_mean_interval([10.0, 1000.0])  # logs to base 10: 1 and 3, s = √2, n = 2
    half = T_TABLE[1] * 2**0.5 / 2**0.5 * log(10)
    assert interval.estimate == pytest.approx(100)
    assert interval.high == pytest.approx(100 * exp(half), rel=2e-3)
    assert interval.low == pytest.approx(100 * exp(-half), rel=2e-3)


def test_ratio_and_its_inverse_have_inverse_intervals() -> None:
    ratios = np.array([2.0, 3.0, 5.0, 4.0])
    there, back = geometric_mean_interval(ratios), geometric_mean_interval(1 / ratios)
    assert (1 / back.high, 1 / back.low) == pytest.approx((there.low, there.high))


def test_failure_rate_interval_as_published() -> None:
    # 5 of 10: 18.7 % to 81.3 %, the classical Clopper-Pearson table.
    interval = failure_rate_interval([True, False] * 5)
    assert (interval.low, interval.high) == pytest.approx((0.187, 0.813), abs=5e-4)


def _tail(n: int, counts: range, p: float) -> float:
    return sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in counts)


@pytest.mark.parametrize("failures", [1, 8, 31], ids=lambda k: f"{k} of 32")
def test_failure_rate_interval_ends_where_each_tail_is_one_fortieth(failures: int) -> None:
    interval = failure_rate_interval([i < failures for i in range(32)])
    assert _tail(32, range(failures, 33), interval.low) == pytest.approx(0.025)
    assert _tail(32, range(failures + 1), interval.high) == pytest.approx(0.025)


def test_no_failure_and_nothing_but_failures_reach_the_ends() -> None:
    none, every = failure_rate_interval([False] * 32), failure_rate_interval([True] * 32)
    assert (none.low, none.high) == (0, pytest.approx(1 - 0.025 ** (1 / 32)))
    assert (every.low, every.high) == (pytest.approx(0.025 ** (1 / 32)), 1)


@pytest.mark.parametrize(
    ("interval_of", "exponent"),
    [(mean_interval, lambda x: x), (geometric_mean_interval, np.exp)],
    ids=["mean", "geometric mean"],
)
def test_t_intervals_cover_95_percent(interval_of, exponent) -> None:
    rng = np.random.default_rng(0)
    truth = exponent(1.0)
    draws = [interval_of(exponent(rng.normal(1.0, 2.0, 16))) for _ in range(4000)]
    covered = np.mean([i.low <= truth <= i.high for i in draws])
    assert covered == pytest.approx(0.95, abs=4 * (0.95 * 0.05 / 4000) ** 0.5)


def test_failure_rate_interval_covers_at_least_95_percent_at_every_rate() -> None:
    n = 16
    intervals = [failure_rate_interval([i < k for i in range(n)]) for k in range(n + 1)]
    for rate in np.linspace(0.01, 0.99, 99):
        covering = [k for k, i in enumerate(intervals) if i.low <= rate <= i.high]
        assert sum(_tail(n, range(k, k + 1), rate) for k in covering) >= 0.95


@pytest.mark.parametrize(
    ("interval_of", "values", "got"),
    [
        (mean_interval, [1.0], r"shape \(1,\)"),
        (mean_interval, [], r"shape \(0,\)"),
        (mean_interval, [[1.0, 2.0]], r"shape \(1, 2\)"),
        (mean_interval, [1.0, float("nan"), 2.0], "1 of 3 that are NaN or infinite"),
        (geometric_mean_interval, [1.0, float("inf")], "1 of 2 that are NaN or infinite"),
        (geometric_mean_interval, [1.0, 0.0], "got 0"),
        (geometric_mean_interval, [1.0, -2.0], "got -2"),
        (failure_rate_interval, [1, 0], "an array of int64"),
        (failure_rate_interval, [True], r"shape \(1,\)"),
    ],
    ids=str,
)
def test_what_has_no_interval_is_refused(interval_of, values, got) -> None:
    with pytest.raises(InputError, match=got):
        interval_of(values)
