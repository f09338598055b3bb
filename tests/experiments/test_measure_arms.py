"""Arms that a function measures: pairing, what is claimed of them, and the placebo."""

from __future__ import annotations

import numpy as np
import pytest

from dlfaq import measure_arms, seeds
from dlfaq.claims import claim as claims
from dlfaq.claims.claim import claim, recorded
from dlfaq.errors import InputError

ARMS = {"high": {"more": 5}, "low": {}}


@pytest.fixture(autouse=True)
def _no_placebo(monkeypatch):
    monkeypatch.delenv("DLFAQ_PLACEBO", raising=False)


def level(seed, more=0):
    return np.random.default_rng(seed).normal(0, 1) + more


def path(seed, last=3.0):
    return [level(seed), 2.0, last]


def test_each_arm_is_measured_on_the_seeds_of_the_others():
    runs = measure_arms(level, arms=ARMS, replicas=8)
    assert runs.seeds == seeds(8)
    assert runs["low"].tolist() == [level(seed) for seed in seeds(8)]
    difference = runs.difference("high", "low")
    assert difference == pytest.approx(np.full(8, 5.0))
    assert (difference.arms, difference.unit) == (("high", "low"), "")
    assert difference.seeds == tuple(seeds(8))


def test_a_ratio_of_a_quantity_of_what_was_measured():
    runs = measure_arms(path, arms={"a": {}, "b": {"last": 6.0}}, replicas=4)
    ratio = runs.ratio("b", "a", of=lambda measured: measured[:, 2])
    assert (ratio.tolist(), ratio.arms, ratio.unit) == ([2.0] * 4, ("b", "a"), "×")


def test_a_difference_in_a_unit_of_its_own():
    runs = measure_arms(level, arms=ARMS, replicas=4)
    assert runs.difference("high", "low", unit="steps").unit == "steps"


def test_in_a_placebo_all_arms_are_the_last_on_seeds_of_their_own(monkeypatch):
    monkeypatch.setenv("DLFAQ_PLACEBO", "1")
    runs = measure_arms(level, arms=ARMS, replicas=8)
    assert runs["high"].tolist() == [level(seed) for seed in seeds(8)]
    assert runs["low"].tolist() == [level(seed) for seed in seeds(8, placebo_arm=1)]


def test_an_effect_is_gone_in_a_placebo(monkeypatch):
    monkeypatch.setattr(claims, "_RECORDED", [])
    monkeypatch.setenv("DLFAQ_RUNNER", "1")
    for placebo, statement in (("0", "It is higher"), ("1", "It is no higher")):
        monkeypatch.setenv("DLFAQ_PLACEBO", placebo)
        runs = measure_arms(level, arms=ARMS)
        claim(statement, runs.difference("high", "low"), at_least=1, seeds=runs.seeds)
    assert [(made.holds(), made.arms) for made, _ in recorded()] == [
        (True, ("high", "low")),
        (False, ("high", "low")),
    ]


def test_the_table_has_a_mean_per_arm_or_the_shape_of_what_was_measured():
    runs = measure_arms(
        lambda seed, scale: scale * (seed % 2), arms={"a": {"scale": 4}}, replicas=2
    )
    # Of 0 and 4: 2 ± 12.71 · √8/√2, with t(.975, 1) = 12.71
    assert repr(runs).splitlines()[1].split() == ["a", "2", "[-23.41,", "27.41]"]
    paths = measure_arms(path, arms={"a": {}}, replicas=2)
    assert repr(paths).splitlines()[1] == "a    arrays of shape (3,)"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: measure_arms(level, arms={}), "expected at least one arm"),
        (lambda: measure_arms(level, arms=ARMS)["b"], "expected an arm among high, low; got 'b'"),
        (
            lambda: measure_arms(path, arms=ARMS | {"high": {}}, replicas=4).difference(
                "high", "low"
            ),
            r"one number for each of the 4 replicas; got shape \(4, 3\)",
        ),
        (lambda: measure_arms(level, arms=ARMS, replicas=65), "from 1 to 64 replicas"),
        (lambda: measure_arms(ARMS, arms=ARMS), "a function of a seed .*; got a dict; write"),
        (
            lambda: measure_arms(level, arms={"a": level}),
            "for each arm its settings by name; got <function level .* for 'a'; write arms",
        ),
        (
            lambda: measure_arms(lambda seed: [0] * (seed % 3), arms={"a": {}}),
            r"one shape for 'a', whatever the seed; got \(0,\), \(1,\), \(2,\); reduce",
        ),
    ],
    ids=[
        "no arm",
        "no such arm",
        "several numbers",
        "too many",
        "no function",
        "no settings",
        "several shapes",
    ],
)
def test_what_is_refused_says_why(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()
