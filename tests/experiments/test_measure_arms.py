"""Arms that a function measures: pairing, what is claimed of them, and the placebo."""

from __future__ import annotations

import numpy as np
import pytest

from dlfaq import measure_arms, seeds
from dlfaq.claims import claim as claims
from dlfaq.claims.claim import claim, recorded
from dlfaq.errors import InputError


@pytest.fixture(autouse=True)
def _no_placebo(monkeypatch):
    monkeypatch.delenv("DLFAQ_PLACEBO", raising=False)


def low(seed):
    return np.random.default_rng(seed).normal(0, 1)


def high(seed):
    """What `low` gives with this seed, and 5."""
    return low(seed) + 5


def path(seed):
    return [low(seed), 2.0, 3.0]


def test_each_arm_is_measured_on_the_seeds_of_the_others():
    runs = measure_arms({"high": high, "low": low}, replicas=8)
    assert runs.seeds == seeds(8)
    assert runs["low"].tolist() == [low(seed) for seed in seeds(8)]
    difference = runs.difference("high", "low")
    assert difference == pytest.approx(np.full(8, 5.0))
    assert difference.arms == ("high", "low")


def test_a_ratio_of_a_quantity_of_what_was_measured():
    runs = measure_arms({"a": path, "b": lambda seed: [1.0, 1.0, seed]}, replicas=4)
    ratio = runs.ratio("a", "b", of=lambda measured: measured[:, 1])
    assert (ratio.tolist(), ratio.arms) == ([2.0] * 4, ("a", "b"))


def test_in_a_placebo_all_arms_are_the_last_on_seeds_of_their_own(monkeypatch):
    monkeypatch.setenv("DLFAQ_PLACEBO", "1")
    runs = measure_arms({"high": high, "low": low}, replicas=8)
    assert runs["high"].tolist() == [low(seed) for seed in seeds(8)]
    assert runs["low"].tolist() == [low(seed) for seed in seeds(8, arm=1)]


def test_an_effect_is_gone_in_a_placebo(monkeypatch):
    monkeypatch.setattr(claims, "_RECORDED", [])
    monkeypatch.setenv("DLFAQ_RUNNER", "1")
    for placebo, statement in (("0", "It is higher"), ("1", "It is no higher")):
        monkeypatch.setenv("DLFAQ_PLACEBO", placebo)
        runs = measure_arms({"high": high, "low": low})
        claim(statement, runs.difference("high", "low"), at_least=1, seeds=runs.seeds)
    assert [(made.holds(), made.arms) for made, _ in recorded()] == [
        (True, ("high", "low")),
        (False, ("high", "low")),
    ]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: measure_arms({}), "expected at least one arm"),
        (lambda: measure_arms({"a": low})["b"], "expected an arm among a; got 'b'"),
        (
            lambda: measure_arms({"a": path, "b": path}, replicas=4).difference("a", "b"),
            r"one number for each of the 4 replicas; got shape \(4, 3\)",
        ),
        (lambda: measure_arms({"a": low}, replicas=65), "from 1 to 64 replicas"),
    ],
    ids=["no arm", "no such arm", "several numbers", "too many"],
)
def test_what_is_refused_says_why(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()
