from __future__ import annotations

import numpy as np
import pytest

from dlfaq.claims import claim as claims
from dlfaq.claims.claim import claim, recorded
from dlfaq.errors import InputError
from dlfaq.replicate_values import Replicates

D = Replicates.of([1.0, 4.0, 9.0], arms=("A", "B"), seeds=(5, 6, 7), unit="points")
E = Replicates.of([2.0, 2.0, 2.0], arms=("C", "B"), seeds=(5, 6, 8))


@pytest.mark.parametrize(
    ("result", "values"),
    [
        (-D, [-1, -4, -9]),
        (100 * D, [100, 400, 900]),
        (D / np.array([1, 2, 3]), [1, 2, 3]),
        (np.float32(2) * D, [2, 8, 18]),
        (1 - D, [0, -3, -8]),
        (D > 2, [False, True, True]),
        (np.sqrt(D), [1, 2, 3]),
        (np.maximum(D, 2), [2, 4, 9]),
        (D[:2], [1, 4]),
        (D.copy(), [1, 4, 9]),
        (np.clip(D, 2, 5), [2, 4, 5]),
    ],
    ids=str,
)
def test_arithmetic_keeps_the_arms(result, values):
    assert result.tolist() == values
    assert result.arms == ("A", "B")


def test_in_place_arithmetic_keeps_the_arms():
    d = D.copy()
    d *= 2
    assert (d.tolist(), d.arms) == ([2, 8, 18], ("A", "B"))


@pytest.mark.parametrize(
    ("d", "no_effect", "signs"),
    [(D, 0, [3, 0, 0]), (D, 4, [1, 1, 1]), (-D, 0, [0, 0, 3]), (D - 9, 0, [0, 1, 2])],
    ids=["above", "a tie", "below", "two below"],
)
def test_signs_count_replicas_on_either_side_of_no_effect(d, no_effect, signs):
    assert d.signs(no_effect=no_effect) == signs


SHARE = Replicates.of([0.5, 0.25, 1.0], seeds=(5, 6, 7), unit="%")
RATIO = Replicates.of([2.0, 4.0, 1.0], seeds=(5, 6, 7), unit="×")


@pytest.mark.parametrize(
    ("result", "seeds", "unit"),
    [
        (-D, (5, 6, 7), "points"),
        (D + D, (5, 6, 7), "points"),
        (1 - SHARE, (5, 6, 7), "%"),
        (SHARE - SHARE, (5, 6, 7), "points"),
        (RATIO - 1, (5, 6, 7), ""),
        (100 * D, (5, 6, 7), ""),
        (D > 2, (5, 6, 7), ""),
        (np.log(RATIO), (5, 6, 7), ""),
        (D[1:], (6, 7), "points"),
        (D[np.array([True, False, True])], (5, 7), "points"),
        (D - E, (), ""),
        (D + np.ones((3, 1)), (), "points"),
    ],
    ids=lambda value: repr(value).replace("\n", " "),
)
def test_seeds_and_unit_follow_what_is_done_to_the_numbers(result, seeds, unit):
    assert (result.seeds, result.unit) == (seeds, unit)


def test_seeds_are_one_for_each_value():
    with pytest.raises(InputError, match="expected one value for each of 2 seeds"):
        Replicates.of([1.0, 2.0, 3.0], seeds=(5, 6))


def test_what_combines_two_comparisons_names_the_arms_of_both():
    assert (D - E).arms == ("A", "B", "C")
    assert (E - D).arms == ("C", "B", "A")


@pytest.mark.parametrize("number", [D.mean(), D[0], np.median(D), D.sum(), D.max()], ids=str)
def test_a_single_number_is_a_plain_one(number):
    assert type(number) is np.float64


def test_a_plain_array_can_be_had():
    assert type(np.asarray(D)) is np.ndarray


@pytest.mark.parametrize(
    ("measured", "arms"),
    [(-D, ("A", "B")), (D > 0, ("A", "B")), (np.asarray(D), ()), ([1.0, 2.0, 3.0], ())],
    ids=["difference", "how often", "plain", "list"],
)
def test_a_claim_writes_down_which_arms_it_compares(monkeypatch, measured, arms):
    monkeypatch.setattr(claims, "_RECORDED", [])
    monkeypatch.setenv("DLFAQ_RUNNER", "1")
    claim("It is so", measured, at_most=0.5, seeds=D.seeds)
    assert recorded()[-1][0].arms == arms


@pytest.mark.parametrize(
    "function",
    [
        lambda values: values[:, np.newaxis].tolist(),
        lambda values: np.vstack([values, values]).tolist(),
        lambda values: float(np.percentile(values, 25)),
    ],
    ids=["column", "vstack", "percentile"],
)
def test_what_numpy_and_matplotlib_make_of_an_array_is_made_of_replicates(function):
    plain = np.array([0.1, 0.2, 0.4])
    assert function(Replicates.of(plain, seeds=[1, 2, 3], unit="%")) == function(plain)
