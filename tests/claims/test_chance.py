"""What chance could do to a claim, against SciPy's own tests and against fresh replicas."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from dlfaq.claims.judge import judge
from dlfaq.claims.measurement import read_measurement
from dlfaq.claims.threshold import read_threshold

if TYPE_CHECKING:
    from dlfaq.protocol import Claim

VALUES = np.random.default_rng(0).normal(1, 0.5, 16)


def of(measured, unit="", **threshold) -> Claim:
    seeds = range(len(measured)) if np.ndim(measured) else None
    numbers = read_measurement(measured, seeds, unit)
    return judge("It is so", numbers, read_threshold(**threshold, unit=unit))


def t_test(values, limit, side) -> float:
    return stats.ttest_1samp(values, limit, alternative=side).pvalue


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (of(VALUES, at_least=0.7), t_test(VALUES, 0.7, "greater")),
        (of(VALUES, at_least=1.5), t_test(VALUES, 1.5, "greater")),
        (of(VALUES, at_most=1.3), t_test(VALUES, 1.3, "less")),
        (of(VALUES, within=(0.5, 1.2)), t_test(VALUES, 1.2, "less")),  # the nearer margin
        (of(np.exp(VALUES), "×", at_least=2), t_test(VALUES, math.log(2), "greater")),
        (of(np.exp(VALUES), "×", at_most=4), t_test(VALUES, math.log(4), "less")),
        (of(VALUES < 0.6, at_most=0.6), stats.binom.cdf((VALUES < 0.6).sum(), 16, 0.6)),
        (of(VALUES < 1.4, at_least=0.5), stats.binom.sf((VALUES < 1.4).sum() - 1, 16, 0.5)),
    ],
    ids=["from below", "fails", "from above", "within", "ratio", "ratio above", "rare", "frequent"],
)
def test_p_value_is_that_of_the_one_sided_test(found, expected) -> None:
    assert found.p_value == pytest.approx(expected, rel=1e-9)


def test_standard_error_is_that_of_the_mean_and_of_logs_for_ratios() -> None:
    assert of(VALUES, at_least=0).standard_error == pytest.approx(stats.sem(VALUES))
    assert of(np.exp(VALUES), "×", at_least=1).standard_error == pytest.approx(stats.sem(VALUES))


def test_standard_error_of_no_failures_is_not_zero() -> None:
    # Agresti and Coull: two successes and two failures more, (2/36)(34/36)/36.
    assert of([False] * 32, at_most=0.2).standard_error == pytest.approx((2 * 34 / 36**3) ** 0.5)


def test_an_identity_carries_no_chance() -> None:
    found = of(2.0, at_least=1)
    assert (found.standard_error, found.p_value, found.failure_chance) == (None, None, None)


@pytest.mark.parametrize(
    ("value", "p_value"), [(2.0, 0.0), (1.0, 0.5), (0.0, 1.0)], ids=["above", "at", "below"]
)
def test_replicas_that_agree_exactly_leave_no_doubt(value, p_value) -> None:
    found = of([value] * 4, at_least=1)
    assert (found.standard_error, found.p_value) == (0, p_value)


@pytest.mark.parametrize("replicas", [16, 32])
def test_chance_of_failure_is_how_often_fresh_seeds_fail(replicas) -> None:
    # Experiments whose true effect is anywhere: among those with nearly the same margin here, the
    # share that fails on fresh replicas.
    draw = np.random.default_rng(1)
    effects = draw.uniform(-6, 16, 400_000) / replicas**0.5

    def margin_and_verdict():
        means = effects + draw.normal(size=effects.size) / replicas**0.5
        spreads = np.sqrt(draw.chisquare(replicas - 1, effects.size) / (replicas - 1))
        margins = means / (spreads / replicas**0.5)
        return margins, margins > stats.t.ppf(0.975, replicas - 1)

    (here, _), (_, holds) = margin_and_verdict(), margin_and_verdict()
    shape = np.arange(replicas) - (replicas - 1) / 2
    shape /= stats.sem(shape)  # mean 0, standard error 1
    for margin in (2.5, 3.5, 4.5):
        near = np.abs(here - margin) < 0.1
        predicted = of(shape + margin, at_least=0).failure_chance
        assert predicted == pytest.approx(1 - holds[near].mean(), abs=0.03)


def test_chance_of_failure_of_a_share() -> None:
    # Jeffreys' prior updated by 0 of 32, then 32 fresh runs: as simulated, run by run.
    draw = np.random.default_rng(2)
    rates = draw.beta(0.5, 32.5, 100_000)
    fresh = draw.binomial(32, rates)
    bound = stats.beta.ppf(0.975, fresh + 1, 32 - fresh)
    found = of([False] * 32, at_most=0.15).failure_chance
    assert found == pytest.approx((bound > 0.15).mean(), abs=0.005)
