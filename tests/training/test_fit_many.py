from __future__ import annotations

import gc
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import ExponentialLR

from dlfaq import Dataset, Examples, digits, fit, fit_many, mlp, seeds, tuning_seeds
from dlfaq.errors import InputError
from dlfaq.seeding import generator

SIZES = [3, 8, 2]


def small(seed, dtype=torch.float64):
    g = torch.Generator().manual_seed(seed)
    parts = []
    for n in (20, 6, 8):
        x = torch.randn(n, 3, generator=g, dtype=dtype)
        parts.append(Examples(x, (x.sum(1) > 0).long()))
    return Dataset(*parts)


def assert_same(together, index, alone, tolerance=1e-10):
    """Assert that one replica came out as if it had been trained by itself."""
    for name, value in alone.weights.items():
        torch.testing.assert_close(together.weights[name][index], value, atol=tolerance, rtol=0)
    np.testing.assert_allclose(together.batch_loss[index], alone.batch_loss, atol=tolerance)
    for part, curve in alone.curves.items():
        np.testing.assert_allclose(together.curves[part].loss[index], curve.loss, atol=tolerance)
        assert together.curves[part].accuracy[index].tolist() == curve.accuracy.tolist()


def test_two_hundred_adam_steps_on_digits_are_those_of_separate_training():
    """Each replica with its own split, initialisation, order and rate, in float64."""
    chosen, rates = seeds(3), [0.003, 0.01]
    options = {"optimizer": "adam", "steps": 200, "batch_size": 50}
    together = fit_many(
        lambda seed: digits(seed=seed).to(torch.float64),
        sizes=[64, 32, 10],
        seeds=chosen,
        lr=rates,
        **options,
    )
    assert together.how == "stacked"
    assert together.accuracy.shape == (2, 3)
    for k, rate in enumerate(rates):
        for i, seed in enumerate(chosen):
            alone = fit(
                mlp([64, 32, 10], seed=seed, dtype=torch.float64),
                digits(seed=seed).to(torch.float64),
                lr=rate,
                seed=seed,
                **options,
            )
            assert_same(together, (k, i), alone)


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": None},
        {"batch_size": 6, "evaluate_every": 4},
        {"zero_grad": False},
        {"options": {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}},
        {"optimizer": torch.optim.RMSprop, "lr": 0.01},
        {"optimizer": "adamw", "lr": 0.01, "options": {"weight_decay": 0.5}},
        {"optimizer": partial(torch.optim.Adagrad, lr_decay=0.1)},
        {"scheduler": partial(ExponentialLR, gamma=0.8)},
        {"loss": lambda outputs, y: (outputs - nn.functional.one_hot(y, 2)).square().sum(1)},
        {"parts": ["validation"]},
        {"clip": 0.2},
        {"clip": 0.2, "zero_grad": False, "optimizer": "adam", "lr": 0.01},
        {"average": 0.3, "evaluate_every": 5},
        {"order": "fixed"},
        {"order": "by class"},
        {"order": "round-robin", "batch_size": 3},
    ],
    ids=", ".join,
)
def test_every_setting_is_that_of_separate_training(options):
    settings = {"lr": 0.1, "steps": 10, "batch_size": 5, **options}
    rates = [settings.pop("lr"), 0.02]
    together = fit_many(small, sizes=SIZES, seeds=[4, 9], lr=rates, **settings)
    assert together.how == "stacked"
    for k, rate in enumerate(rates):
        for i, seed in enumerate([4, 9]):
            net = mlp(SIZES, seed=seed, dtype=torch.float64)
            alone = fit(net, small(seed), lr=rate, seed=seed, **settings)
            assert_same(together, (k, i), alone)


def test_one_rate_leads_with_replicas_alone():
    run = fit_many(small, sizes=SIZES, seeds=[1, 2, 3], lr=0.1, steps=4, evaluate_every=2)
    assert run.accuracy.shape == run.diverged.shape == run.failed.shape == (3,)
    assert run.test.loss.shape == run.validation.accuracy.shape == (3, 3)
    assert run.batch_loss.shape == (3, 4)
    assert run.weights["0.weight"].shape == (3, 8, 3)


def test_forgetting_to_clear_is_momentum_one():
    run = partial(fit_many, small, sizes=SIZES, seeds=[1, 2], lr=[0.05, 0.1], steps=30)
    forgets, rolls = run(zero_grad=False), run(options={"momentum": 1.0})
    np.testing.assert_allclose(forgets.batch_loss, rolls.batch_loss, atol=1e-12)
    assert np.abs(forgets.batch_loss - run().batch_loss).max() > 0.01


def test_replicas_may_share_a_data_set_and_keep_their_own_order_and_start():
    data = small(0)
    together = fit_many(data, sizes=SIZES, seeds=[1, 2], lr=0.1, steps=8, batch_size=5)
    for i, seed in enumerate([1, 2]):
        net = mlp(SIZES, seed=seed, dtype=torch.float64)
        assert_same(together, i, fit(net, data, lr=0.1, seed=seed, steps=8, batch_size=5))


def test_a_replica_that_diverges_leaves_the_others_alone():
    rates = [1e300, 0.1]
    run = fit_many(small, sizes=SIZES, seeds=[1, 2], lr=rates, steps=6)
    assert run.diverged.tolist() == [[True, True], [False, False]]
    assert run.non_finite.tolist() == [[5 + 3] * 2, [0] * 2]
    assert run.accuracy[0].tolist() == [0.5, 0.5]
    assert np.isnan(run.batch_loss[0, :, -1]).all()
    alone = fit(mlp(SIZES, seed=2, dtype=torch.float64), small(2), lr=0.1, seed=2, steps=6)
    assert_same(run, (1, 1), alone)


def test_memory_does_not_grow_with_the_steps():
    alive = []

    def loss(outputs, y):
        alive.append(sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects()))
        return nn.functional.cross_entropy(outputs, y, reduction="none")

    fit_many(small, sizes=SIZES, seeds=[1, 2], lr=0.1, steps=60, batch_size=5, loss=loss)
    # the probe's call, steps, and the evaluation of three parts of two replicas
    steps = alive[-66:-6]
    assert steps[5] == steps[-1]


class TestAnyModule:
    def normalised(self, seed):
        first, relu, last = mlp(SIZES, seed=seed, dtype=torch.float64)
        return nn.Sequential(first, nn.BatchNorm1d(8, dtype=torch.float64), relu, last)

    def test_batch_norm_keeps_the_running_statistics_of_each_replica(self):
        options = {"lr": 0.1, "steps": 12, "batch_size": 5, "evaluate_every": 4}
        together = fit_many(small, model=self.normalised, seeds=[1, 2], **options)
        assert together.how == "stacked"
        for i, seed in enumerate([1, 2]):
            alone = fit(self.normalised(seed), small(seed), seed=seed, **options)
            assert alone.weights["1.num_batches_tracked"] == 12
            assert_same(together, i, alone)

    def test_dropout_draws_for_each_replica_anew_and_from_the_seeds(self):
        """Replicas equal in all but their dropout: one data set, one start, full batches."""
        data = small(0)

        def run(chosen):
            def make(seed):
                first, relu, last = mlp(SIZES, seed=0, dtype=torch.float64)
                return nn.Sequential(first, relu, nn.Dropout(0.5), last)

            return fit_many(data, model=make, seeds=chosen, lr=0.1, steps=3).batch_loss

        before = torch.get_rng_state()
        losses = run([1, 2])
        assert torch.equal(torch.get_rng_state(), before)
        assert np.all(losses[0] != losses[1])
        assert losses.tolist() == run([1, 2]).tolist()
        assert losses.tolist() != run([3, 2]).tolist()

    def test_a_model_that_ignores_its_seed_starts_from_it_all_the_same(self):
        def run():
            def make(**_):
                return nn.Linear(3, 2, dtype=torch.float64)

            return fit_many(small, model=make, seeds=[1, 2], lr=[0.1, 0.1], steps=1)

        weight = run().weights["weight"]
        assert torch.equal(weight, run().weights["weight"])
        assert not torch.equal(weight[0, 0], weight[0, 1])
        assert torch.equal(weight[0], weight[1])  # the same rate twice: the same replicas

    def test_the_history_gives_each_model_back(self):
        run = fit_many(small, model=self.normalised, seeds=[1, 2], lr=[0.1, 0.2], steps=3)
        for k, i in ((0, 1), (1, 0)):
            x, y = small([1, 2][i]).test
            loss = nn.functional.cross_entropy(run.model(k, i)(x), y).item()
            assert loss == pytest.approx(run.test.loss[k, i, -1], abs=1e-12)


class TestLoop:
    def test_an_optimizer_that_couples_numbers_is_looped_over(self):
        options = {"optimizer": torch.optim.Adafactor, "steps": 5, "batch_size": 5}
        run = fit_many(small, sizes=SIZES, seeds=[1, 2], lr=[0.1, 0.01], **options)
        assert run.how == "loop: the optimizer is not known to work element by element"
        assert run.weights["0.weight"].shape == (2, 2, 8, 3)
        net = mlp(SIZES, seed=2, dtype=torch.float64)
        assert_same(run, (1, 1), fit(net, small(2), lr=0.01, seed=2, **options))

    def test_what_is_bound_by_memory_is_looped_over_to_the_same_end(self):
        wide = {"seeds": [1, 2], "lr": 0.1, "steps": 2, "batch_size": 5}
        # 3-w-2: 6w + 2 parameters, and for each of 5 examples 3 inputs and w + 2 outputs of layers:
        # 11w + 27 numbers, 299,997 and 300,008 at these two widths.
        assert fit_many(small, sizes=[3, 27_270, 2], **wide).how == "stacked"
        looped = fit_many(small, sizes=[3, 27_271, 2], **wide)
        assert looped.how.startswith("loop: memory sets the pace of 300,008 parameters and")
        net = mlp([3, 27_271, 2], seed=2, dtype=torch.float64)
        assert_same(looped, (1,), fit(net, small(2), lr=0.1, seed=2, steps=2, batch_size=5))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seeds": []}, "at least one seed and one rate; got 0 seeds and 1 rates"),
        ({"lr": []}, "at least one seed and one rate; got 1 seeds and 0 rates"),
        ({"lr": [0.1, 0.0]}, r"finite and above 0; got 0\.0"),
        ({"sizes": None}, "sizes of an MLP or a model; got neither"),
        ({"model": mlp}, "sizes of an MLP or a model; got both"),
        ({"batch_size": 21}, "at most the 20 training examples"),
        ({"sizes": [5, 2]}, r"inputs of shape \(n, 3\)"),
        ({"activation": "rleu"}, "got 'rleu'"),
        (
            {"stesp": 3},
            "training arguments among activation, .*; got 'stesp'; did you mean 'steps'",
        ),
        ({"average": 1.5}, r"a share of the steps, above 0 and at most 1; got 1\.5"),
        ({"data": [small(1), small(2)]}, "a function of seed= as data; got a list"),
        ({"sizes": None, "model": "mlp"}, "a function of seed= as model; got a str"),
        ({"sizes": None, "model": mlp(SIZES)}, "a function of seed= as model; got a Sequential"),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else "",
)
def test_wrong_arguments_are_refused(changed, message):
    arguments = {"data": small, "sizes": SIZES, "seeds": [1], "lr": 0.1, "steps": 2, **changed}
    with pytest.raises(InputError, match=message):
        fit_many(**arguments)


def test_data_sets_of_unlike_sizes_are_refused():
    def grows(seed):
        part = Examples(torch.zeros(seed, 3), torch.arange(seed) % 2)
        return Dataset(part, part, part)

    with pytest.raises(InputError, match=r"of one shape.*\(4, 3\).*give all replicas"):
        fit_many(grows, sizes=SIZES, seeds=[4, 5], lr=0.1, steps=1)


class TestSeeds:
    def test_the_purposes_of_a_seed_are_streams_of_their_own(self):
        drawn = {
            tuple(torch.randperm(50, generator=generator(seed, purpose)).tolist())
            for seed in (0, 1)
            for purpose in ("split", "initialisation", "order")
        }
        assert len(drawn) == 6

    @pytest.mark.parametrize(
        ("offset", "scored", "tuning"),
        [
            (None, [1000, 1001], [1064, 1065]),
            ("0", [1000, 1001], [1064, 1065]),
            ("-10", [0, 1], [64, 65]),
            ("1", [1100, 1101], [1164, 1165]),
            ("40000000", [4_000_001_000, 4_000_001_001], [4_000_001_064, 4_000_001_065]),
        ],
    )
    def test_replica_i_of_master_m_has_the_seed_100_m_plus_i(
        self, monkeypatch, offset, scored, tuning
    ):
        monkeypatch.delenv("DLFAQ_SEED_OFFSET", raising=False)
        if offset is not None:
            monkeypatch.setenv("DLFAQ_SEED_OFFSET", offset)
        assert seeds(2) == scored
        assert tuning_seeds(2) == tuning

    def test_no_two_masters_share_a_seed_and_no_tuning_replica_is_scored(self, monkeypatch):
        drawn = []
        for offset in ("-1", "0", "1"):
            monkeypatch.setenv("DLFAQ_SEED_OFFSET", offset)
            drawn += seeds(64) + tuning_seeds(36)
        assert len(set(drawn)) == 300

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (partial(seeds, 65), "from 1 to 64 replicas; got 65; share"),
            (partial(seeds, 0), "from 1 to 64 replicas; got 0"),
            (partial(tuning_seeds, 37), "from 1 to 36 replicas; got 37; 4 are enough"),
        ],
        ids=["65", "0", "37"],
    )
    def test_too_many_are_refused(self, call, message):
        with pytest.raises(InputError, match=message):
            call()

    @pytest.mark.parametrize("offset", ["-11", "40000001", "1.5", "", "one"])
    def test_an_offset_out_of_range_is_refused(self, monkeypatch, offset):
        monkeypatch.setenv("DLFAQ_SEED_OFFSET", offset)
        with pytest.raises(InputError, match="from -10 to 40,000,000; got"):
            seeds(1)
