from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.text import Text

from dlfaq import Dataset, Examples, compare, fit_many, seeds, tuning_seeds
from dlfaq.claims.claim import claim, recorded
from dlfaq.claims.intervals import mean_interval
from dlfaq.errors import InputError
from dlfaq.experiments import compare as module
from dlfaq.experiments import tuning

SHARED = {"sizes": [4, 16, 2], "activation": "tanh", "steps": 40, "batch_size": 20}
ARMS = {
    "SGD": {"lr": 0.8},
    "Adam": {"optimizer": "adam", "lr": 0.1},
    "wide": {"lr": 0.4, "sizes": [4, 32, 2]},
}


GRID = {"rates": 7, "ratio": 10**0.5, "tuning_replicas": 4}


def small(seed):
    g = torch.Generator().manual_seed(seed)
    parts = []
    for n in (40, 100, 100):
        x = torch.randn(n, 4, generator=g)
        parts.append(Examples(x, (x[:, :2].prod(1) > 0).long()))
    return Dataset(*parts)


def final_loss(history):
    return history.train.loss[:, -1]


@pytest.fixture(autouse=True)
def _no_placebo(monkeypatch):
    monkeypatch.delenv("DLFAQ_PLACEBO", raising=False)


@pytest.fixture(scope="module")
def runs():
    return compare(small, **SHARED, replicas=5, arms=ARMS)


@pytest.fixture
def calls(monkeypatch):
    """The calls of `tune` and `train`, which are not made: (function, arguments)."""
    made = []

    def record(function):
        def stub(data, *, lr, replicas, placebo_arm, **rest):
            own = {name: rest.pop(name, None) for name in ("name", *GRID)}
            assert function == "train" or own == {"name": own["name"], **GRID}
            made.append((function, {"data": data, "lr": lr, **rest}, placebo_arm))
            fresh = seeds(replicas, placebo_arm=placebo_arm)
            return tuning.Trained(rate=lr, seeds=fresh, history=None)

        return stub

    for function in ("tune", "train"):
        monkeypatch.setattr(module, function, record(function))
    return made


def test_an_arm_is_fit_many_at_its_best_rate_on_fresh_replicas(runs):
    arm = runs["Adam"]
    same = fit_many(small, **SHARED, optimizer="adam", lr=arm.rate, seeds=seeds(5))
    assert arm.accuracy.tolist() == same.accuracy.tolist()
    assert runs.seeds == arm.seeds == seeds(5)


def test_untuned_an_arm_is_fit_many_at_its_rate(runs):
    untuned = compare(small, **SHARED, replicas=5, tuned=False, arms=ARMS)
    for name, rate in (("SGD", 0.8), ("Adam", 0.1)):
        optimizer = name.lower()
        same = fit_many(small, **SHARED, optimizer=optimizer, lr=rate, seeds=seeds(5))
        assert untuned[name].accuracy.tolist() == same.accuracy.tolist()
        assert untuned[name].rate == rate
    assert untuned.seeds == runs.seeds


def test_untuned_arms_make_no_tuning_runs(calls):
    compare(small, steps=3, lr=0.1, tuned=False, arms={"A": {}, "B": {"lr": 0.2}})
    assert calls == [
        ("train", {"data": small, "steps": 3, "lr": 0.1}, 0),
        ("train", {"data": small, "steps": 3, "lr": 0.2}, 0),
    ]


def test_differences_are_paired_replica_by_replica(runs):
    difference = runs.difference("Adam", "SGD")
    assert difference.tolist() == (runs["Adam"].accuracy - runs["SGD"].accuracy).tolist()
    assert difference.tolist() == (-runs.difference("SGD", "Adam")).tolist()
    assert difference.shape == (5,)
    assert (difference.seeds, difference.unit) == (tuple(seeds(5)), "points")


def test_accuracy_of_an_arm_knows_its_seeds_and_is_a_level(runs):
    accuracy = runs["SGD"].accuracy
    assert (accuracy.seeds, accuracy.unit) == (tuple(seeds(5)), "%")
    assert accuracy.tolist() == runs["SGD"].history.accuracy.tolist()


def test_any_quantity_of_the_histories_is_compared(runs):
    adam, sgd = (final_loss(runs[name].history) for name in ("Adam", "SGD"))
    assert runs.difference("Adam", "SGD", of=final_loss).tolist() == (adam - sgd).tolist()
    assert runs.ratio("Adam", "SGD", of=final_loss).tolist() == (adam / sgd).tolist()
    ratio = runs.ratio("Adam", "SGD", of=final_loss)
    assert (ratio.arms, ratio.seeds, ratio.unit) == (("Adam", "SGD"), tuple(seeds(5)), "×")
    in_nats = runs.difference("Adam", "SGD", of=final_loss, unit="nats")
    assert in_nats.unit == "nats"
    assert runs.difference("Adam", "SGD", of=final_loss).unit == ""
    failures = runs.difference("Adam", "SGD", of=lambda history: history.failed)
    assert set(failures.tolist()) <= {-1.0, 0.0, 1.0}


def test_a_quantity_is_one_number_a_replica(runs):
    with pytest.raises(InputError, match=r"each of the 5 replicas; got shape \(5, 1\); end with"):
        runs.difference("Adam", "SGD", of=lambda history: history.train.loss)


def test_an_arm_overrides_what_is_shared(runs):
    assert runs["wide"].history.weights["0.weight"].shape == (5, 32, 4)
    assert runs["SGD"].history.weights["0.weight"].shape == (5, 16, 4)


def test_an_arm_may_bring_its_own_data(calls):
    compare("shared", lr=0.1, steps=1, arms={"a": {}, "b": {"data": "own"}})
    assert [arguments["data"] for _, arguments, _ in calls] == ["shared", "own"]


def test_arms_are_tuned_on_the_grid_that_is_asked_for_and_measured_on_the_parts():
    grid = {"rates": 5, "ratio": 10**0.25, "tuning_replicas": 2, "parts": ["train"]}
    arm = compare(small, **SHARED, replicas=2, arms={"A": {"lr": 2.0}}, **grid)["A"]
    assert arm.rates == pytest.approx([2 * 10 ** (k / 4) for k in range(-2, 3)])
    assert arm.validation.shape == (5, 2)
    assert list(arm.history.curves) == ["train"]


def test_a_comparison_shows_itself_as_a_table(runs):
    header, *rows, _, caption = repr(runs).splitlines()
    assert header.split() == ["arm", "rate", "test", "accuracy", "diverged"]
    interval = mean_interval(np.asarray(runs["Adam"].accuracy))
    [row] = [row.split() for row in rows if row.startswith("Adam")]
    assert row == [
        "Adam",
        f"{runs['Adam'].rate:.3g}",
        f"{interval.estimate:.1%}",
        f"[{interval.low:.1%},",
        f"{interval.high:.1%}]",
        "0",
    ]
    assert len(rows) == 3
    assert caption.startswith("5 replicas per arm")
    shown = runs._repr_html_()
    assert "<table>" in shown
    assert all(cell in shown for cell in row)


def test_one_replica_or_no_test_part_has_no_interval_in_the_table():
    few = compare(small, **SHARED, replicas=1, tuned=False, arms={"A": {"lr": 0.1}})
    assert "[" not in repr(few).splitlines()[1]
    untested = compare(
        small, **SHARED, replicas=2, tuned=False, arms={"A": {"lr": 0.1}}, parts=["train"]
    )
    assert repr(untested).splitlines()[1].split() == ["A", "0.1", "—", "0"]


def test_tuning_curves_are_drawn_arm_by_arm_with_their_names(runs):
    _, ax = plt.subplots()
    assert runs.plot_tuning(ax) is ax
    means = [line for line in ax.lines if line.get_linewidth() == 2.4]
    for mean, arm in zip(means, runs.arms.values(), strict=True):
        assert mean.get_xdata().tolist() == arm.rates.tolist()
        assert mean.get_ydata() == pytest.approx(arm.validation.mean(1))
    assert ax.get_xscale() == "log"
    ax.figure.canvas.draw()
    assert {"SGD", "Adam", "wide"} <= {text.get_text() for text in ax.findobj(Text)}
    assert runs.plot_tuning() is not ax
    plt.close("all")


def test_arms_that_were_not_tuned_have_no_tuning_curves():
    untuned = compare(small, **SHARED, replicas=2, tuned=False, arms={"A": {"lr": 0.1}})
    with pytest.raises(InputError, match="arms that were tuned; got 'A', which was not"):
        untuned.plot_tuning()
    plt.close("all")


def test_an_optimum_at_an_end_names_the_arm():
    with pytest.raises(InputError, match="best rate of 'small steps' inside its grid"):
        compare(small, **SHARED, arms={"small steps": {"lr": 1e-6}})


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        ({"A": {}}, "for the arm 'A': lr, the centre of its grid.*; got none"),
        ({"A": {"lr": 0.1, "stesp": 3}}, "got 'stesp'; did you mean 'steps'"),
        ({"A": {}, "B": {"lr": 0.1}}, "for the arm 'A': lr, .*; got none"),
        ({}, "at least one arm; got none"),
    ],
    ids=["no lr", "unknown", "no lr in one", "none"],
)
@pytest.mark.parametrize("under", ["0", "1"], ids=["treated", "placebo"])
def test_wrong_arms_are_refused(monkeypatch, arms, message, under):
    monkeypatch.setenv("DLFAQ_PLACEBO", under)
    with pytest.raises(InputError, match=message):
        compare(small, arms=arms, sizes=[4, 2], steps=3)


def test_an_unknown_arm_is_refused(runs):
    with pytest.raises(InputError, match="an arm among SGD, Adam, wide; got 'adam'"):
        runs.difference("adam", "SGD")


class TestPlacebo:
    @pytest.fixture(autouse=True)
    def _placebo(self, monkeypatch):
        monkeypatch.setenv("DLFAQ_PLACEBO", "1")

    @pytest.mark.parametrize("tuned", [True, False])
    def test_each_arm_has_the_treatment_of_the_last_and_seeds_of_its_own(self, calls, tuned):
        arms = {"A": {"lr": 1}, "B": {"zero_grad": False}, "C": {"data": "own", "steps": 7}}
        compare("shared", steps=3, lr=0.1, tuned=tuned, arms=arms)
        function = "tune" if tuned else "train"
        last = {"data": "own", "steps": 7, "lr": 0.1}
        assert calls == [(function, last, arm) for arm in (0, 1, 2)]

    def test_only_the_value_1_asks_for_it(self, monkeypatch, calls):
        monkeypatch.setenv("DLFAQ_PLACEBO", "0")
        compare(small, steps=3, arms={"A": {"lr": 1}, "B": {"lr": 2}})
        assert [(arguments["lr"], arm) for _, arguments, arm in calls] == [(1, 0), (2, 0)]

    def test_no_replica_is_in_two_arms(self):
        runs = compare(small, **SHARED, replicas=5, tuned=False, arms=ARMS)
        used = [seed for arm in runs.arms.values() for seed in arm.seeds]
        assert len(set(used)) == 15
        assert runs["wide"].seeds == seeds(5, placebo_arm=2)
        assert runs.seeds == runs["SGD"].seeds == seeds(5)
        assert runs["SGD"].history.weights["0.weight"].shape == (5, 32, 4)

    def test_it_is_the_same_each_time_and_shifted_by_the_offset(self, monkeypatch):
        def difference():
            runs = compare(small, **SHARED, replicas=3, tuned=False, arms=ARMS)
            return runs.difference("SGD", "wide", of=final_loss).tolist()

        first = difference()
        assert difference() == first
        monkeypatch.setenv("DLFAQ_SEED_OFFSET", "1")
        assert set(difference()).isdisjoint(first)

    def test_an_effect_of_the_treatment_is_gone(self, monkeypatch):
        """Training 40 steps instead of 1 is an effect; under the placebo both train 1."""

        def low():
            arms = {"long": {}, "short": {"steps": 1}}
            runs = compare(small, **SHARED, lr=0.8, replicas=16, tuned=False, arms=arms)
            difference = runs.difference("short", "long", of=final_loss)
            claim("Longer is lower", difference, at_least=0.05, seeds=runs.seeds)
            return recorded()[-1][0]

        monkeypatch.setenv("DLFAQ_RUNNER", "1")
        monkeypatch.setattr("dlfaq.claims.claim._RECORDED", [])
        assert not low().holds()
        assert recorded()[-1][0].arms == ("short", "long")
        monkeypatch.setattr("dlfaq.claims.claim._RECORDED", [])
        monkeypatch.delenv("DLFAQ_PLACEBO")
        assert low().holds()


class TestSeeds:
    def test_arm_j_has_the_master_j_millions_further_on(self, monkeypatch):
        monkeypatch.setenv("DLFAQ_SEED_OFFSET", "-7")
        assert seeds(2, placebo_arm=0) == seeds(2) == [300, 301]
        assert seeds(2, placebo_arm=2) == [200_000_300, 200_000_301]
        assert tuning_seeds(2, placebo_arm=2) == [200_000_364, 200_000_365]

    def test_from_the_last_master_on_to_the_first_so_that_all_fit_into_32_bits(self, monkeypatch):
        monkeypatch.setenv("DLFAQ_SEED_OFFSET", "40000000")  # the last master, 40,000,010
        assert seeds(1, placebo_arm=1) == [99_999_900]
        assert seeds(64)[-1] < 2**32

    @pytest.mark.parametrize("first", [-10, 0, 39_999_990])
    def test_no_two_arms_share_a_replica_at_any_of_near_offsets(self, monkeypatch, first):
        drawn = []
        for offset in range(first, first + 10):
            monkeypatch.setenv("DLFAQ_SEED_OFFSET", str(offset))
            for arm in range(40):
                drawn += seeds(64, placebo_arm=arm) + tuning_seeds(36, placebo_arm=arm)
        assert len(set(drawn)) == len(drawn) == 10 * 40 * 100

    def test_too_many_arms_are_refused(self):
        with pytest.raises(InputError, match="an arm from 0 to 39; got 40; compare fewer"):
            seeds(1, placebo_arm=40)
