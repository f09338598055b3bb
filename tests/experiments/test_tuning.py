from __future__ import annotations

import numpy as np
import pytest
import torch

from dlfaq import Dataset, Examples, fit_many, seeds, tune, tuning_seeds
from dlfaq.errors import InputError
from dlfaq.experiments import tuning
from dlfaq.training.history import Curve, History

RATES = [0.1 * 10 ** (k / 2) for k in range(-3, 4)]


def small(seed):
    g = torch.Generator().manual_seed(seed)
    parts = []
    for n in (40, 100, 100):
        x = torch.randn(n, 4, generator=g)
        parts.append(Examples(x, (x[:, :2].prod(1) > 0).long()))
    return Dataset(*parts)


class Stub:
    """Takes the place of `fit_many`: prescribed validation results, and a record of the calls."""

    def __init__(self, accuracy, loss=None, batch_loss=None):
        self.calls = []
        self.accuracy = np.array(accuracy, dtype=float)[:, None].repeat(4, 1)
        self.loss = np.ones(7) if loss is None else np.array(loss, dtype=float)
        self.batch_loss = np.ones(7) if batch_loss is None else np.array(batch_loss, dtype=float)

    def __call__(self, data, *, seeds, lr, parts=None, **training):
        self.calls.append({"data": data, "seeds": seeds, "lr": lr, "parts": parts, **training})
        loss = self.loss[:, None].repeat(4, 1)
        return History(
            steps=np.array([1]),
            curves={"validation": Curve(loss[..., None], self.accuracy[..., None])},
            batch_loss=self.batch_loss[:, None, None].repeat(4, 1),
            weights={},
            classes=10,
            how="stub",
            template=torch.nn.Identity(),
        )


@pytest.fixture
def prescribed(monkeypatch):
    def prescribe(*args, **kwargs):
        stub = Stub(*args, **kwargs)
        monkeypatch.setattr(tuning, "fit_many", stub)
        return stub

    return prescribe


@pytest.mark.parametrize(
    ("accuracy", "loss", "best"),
    [
        ([0.1, 0.5, 0.9, 0.8, 0.7, 0.6, 0.5], None, 2),
        ([0.1, 0.9, 0.9, 0.9, 0.8, 0.1, 0.1], [1, 3, 1, 2, 0, 1, 1], 2),
        ([0.1, 0.9, 0.9, 0.9, 0.8, 0.1, 0.1], [1, 3, np.nan, 2, 0, 1, 1], 3),
        ([0.1, 0.9, 0.9, 0.9, 0.8, 0.1, 0.1], [1, 3, np.inf, 4, 0, 1, 1], 1),
        ([0.1] * 7, [2.5, 2.4, 2.3, 2.4, np.nan, np.nan, np.nan], 2),
    ],
    ids=["accuracy", "tie by loss", "NaN loss", "infinite loss", "all at chance"],
)
def test_the_best_rate_has_the_best_accuracy_and_then_the_lowest_loss(
    prescribed, accuracy, loss, best
):
    stub = prescribed(accuracy, loss)
    tuned = tune(small, lr=0.1, steps=5, replicas=3, evaluate_every=2)
    assert tuned.rates.tolist() == pytest.approx(RATES)
    assert tuned.rate == pytest.approx(RATES[best])
    tried, scored = stub.calls
    assert tried == {
        "data": small,
        "seeds": tuning_seeds(4),
        "lr": pytest.approx(RATES),
        "parts": ["validation"],  # the test parts of tuning replicas are never looked at
        "steps": 5,
    }
    assert scored["seeds"] == seeds(3) == tuned.seeds
    assert scored["lr"] == tuned.rate
    assert scored["evaluate_every"] == 2


def test_runs_that_diverged_count_at_chance_and_their_share_is_kept(prescribed):
    """Rate 4 looks best, but its losses are not finite, so it stands at 0.1."""
    prescribed([0.1, 0.5, 0.6, 0.7, 0.9, 0.3, 0.2], batch_loss=[1, 1, 1, 1, np.nan, np.inf, 1])
    tuned = tune(small, lr=0.1, steps=5)
    assert tuned.rate == pytest.approx(RATES[3])
    assert tuned.diverged.tolist() == [0, 0, 0, 0, 1, 1, 0]
    assert tuned.validation[4].tolist() == [0.1] * 4


@pytest.mark.parametrize(
    ("accuracy", "message"),
    [
        ([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3], r"lower end, 0\.00316 .*centre to lr=0\.0032"),
        ([0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], r"upper end, 3\.16 .*centre to lr=3\.2"),
    ],
    ids=["lower", "upper"],
)
def test_an_optimum_at_an_end_is_refused_with_side_and_cure(prescribed, accuracy, message):
    prescribed(accuracy)
    with pytest.raises(InputError, match=f"best rate of the arm .*{message}"):
        tune(small, lr=0.1, steps=5)


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        ({"rates": 9}, [0.1 * 10 ** (k / 2) for k in range(-4, 5)]),
        ({"ratio": 10**0.25}, [0.1 * 10 ** (k / 4) for k in range(-3, 4)]),
        ({"rates": 3, "ratio": 2}, [0.05, 0.1, 0.2]),
    ],
    ids=["more", "finer", "few"],
)
def test_the_grid_has_as_many_rates_in_such_ratios_as_asked(monkeypatch, grid, expected):
    calls = []

    def stop(*_, **arguments):
        calls.append(arguments)
        raise StopIteration

    monkeypatch.setattr(tuning, "fit_many", stop)
    with pytest.raises(StopIteration):
        tune(small, lr=0.1, steps=5, tuning_replicas=8, **grid)
    assert calls[0]["lr"] == pytest.approx(expected, rel=1e-14)
    assert calls[0]["seeds"] == tuning_seeds(8)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"rates": 8}, "rates, an odd whole number from 3; got 8; so that lr stands"),
        ({"rates": 1}, "rates, an odd whole number from 3; got 1"),
        ({"rates": 7.0}, r"rates, an odd whole number from 3; got 7\.0"),
        ({"ratio": 1}, "ratio, of neighbouring rates, above 1; got 1; pass"),
        ({"ratio": np.nan}, "ratio, .*; got nan"),
        ({"tuning_replicas": 37}, "from 1 to 36 replicas; got 37"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_grid_that_is_none_is_refused(grid, message):
    with pytest.raises(InputError, match=message):
        tune(small, lr=0.1, steps=5, **grid)


OPTIONS = {"sizes": [4, 16, 2], "activation": "tanh", "steps": 40, "batch_size": 20}


@pytest.fixture(scope="module")
def tuned():
    return tune(small, lr=0.8, replicas=5, placebo_arm=2, **OPTIONS)


def test_the_curve_is_fit_many_over_the_rates_on_tuning_replicas(tuned):
    rates = [0.8 * 10 ** (k / 2) for k in range(-3, 4)]
    tried = fit_many(small, lr=rates, seeds=tuning_seeds(4, placebo_arm=2), **OPTIONS)
    assert tuned.validation.tolist() == tried.validation.accuracy[..., -1].tolist()
    assert tuned.validation.mean(1).max() == tuned.validation.mean(1)[tuned.rates == tuned.rate]


def test_the_score_is_fit_many_at_the_best_rate_on_fresh_replicas(tuned):
    same = fit_many(small, lr=tuned.rate, seeds=seeds(5, placebo_arm=2), **OPTIONS)
    assert tuned.accuracy.tolist() == same.accuracy.tolist()
    assert tuned.seeds == seeds(5, placebo_arm=2)
