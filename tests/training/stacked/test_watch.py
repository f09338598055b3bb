"""What a module, a loss or a scheduler does later than in the first steps, or keeps elsewhere."""

from __future__ import annotations

import random
import re
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn, optim
from torch.nn.functional import cross_entropy

from dlfaq import Dataset, Examples, fit, fit_many

SEEDS, RATES = [4, 9, 2], [0.01, 0.002]
TOTAL = {"calls": 0}


def signals(seed, dtype=torch.float64):
    g = torch.Generator().manual_seed(seed)
    parts = []
    for n in (40, 6, 8):
        x = torch.randn(n, 12, generator=g, dtype=dtype)
        parts.append(Examples(x, (x[:, :2].prod(1) > 0).long()))
    return Dataset(*parts)


def start_again():
    """Everything outside of models and losses as at the start of the process."""
    TOTAL["calls"] = 0
    CountsForAll.calls = 0
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - what the modules draw from


def compare_with_separate_training(model, **options):
    """Train together and alone, each from a fresh start; return how it was done together."""

    def make(*, seed):
        torch.manual_seed(seed)
        return model().double()

    def settings():
        fresh = {name: new() for name, new in options.items() if name in ("loss", "scheduler")}
        return {"optimizer": "adam", "steps": 60, "batch_size": 8, **options, **fresh}

    start_again()
    together = fit_many(signals, model=make, seeds=SEEDS, lr=RATES, evaluate_every=20, **settings())
    for k, rate in enumerate(RATES):
        for i, seed in enumerate(SEEDS):
            start_again()
            with torch.random.fork_rng(devices=[]):
                net = make(seed=seed)
            alone = fit(net, signals(seed), lr=rate, seed=seed, evaluate_every=20, **settings())
            for name, value in alone.weights.items():
                torch.testing.assert_close(together.weights[name][k, i], value, atol=1e-12, rtol=0)
            for part, curve in alone.curves.items():
                losses = together.curves[part].loss[k, i]
                np.testing.assert_allclose(losses, curve.loss, atol=1e-12)
    return together.how


class Counting(nn.Module):
    """Counts its calls in training in an attribute, and has a buffer."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(12, 2)
        self.register_buffer("mean", torch.zeros(12))
        self.calls = 0

    def forward(self, x):
        self.calls += self.training
        return self.last(self.changed(x) - self.mean)

    def changed(self, x):
        return x * (1 + 0.01 * self.calls)


class ReplacesEveryFifth(Counting):
    def changed(self, x):
        if self.training and self.calls % 5 == 0:
            self.mean = 0.9 * self.mean + 0.1 * x.mean(0)
        return x


class ReplacesOnce(Counting):
    def changed(self, x):
        if self.training and self.calls == 37:
            self.mean = x.mean(0)
        return x


class NoisyAfterTen(Counting):
    def changed(self, x):
        return x + torch.randn_like(x) if self.training and self.calls > 10 else x


class LooksAfterTen(Counting):
    def changed(self, x):
        return x / x.abs().max().item() if self.calls > 10 else x


class PadsAfterTen(nn.Module):
    """An embedding of signs, whose `padding_idx` PyTorch maps wrongly."""

    def __init__(self):
        super().__init__()
        self.vectors, self.last, self.calls = nn.Embedding(2, 3), nn.Linear(36, 2), 0

    def forward(self, x):
        self.calls += self.training
        padding = 0 if self.calls > 10 else None
        signs = nn.functional.embedding((x > 0).long(), self.vectors.weight, padding_idx=padding)
        return self.last(signs.flatten(1))


class StopsUsing(Counting):
    """Leaves a layer out after some steps, so that it gets no gradient."""

    def __init__(self):
        super().__init__()
        self.other = nn.Linear(12, 12)

    def changed(self, x):
        return x + self.other(x) if self.calls < 20 else x


class KeepsATensor(Counting):
    def changed(self, x):
        if self.calls == 15 and self.training:
            self.seen = x.detach().mean(0)
        return x


class EvaluatedFewTimes(Counting):
    def changed(self, x):
        self.calls += not self.training
        return x if self.training else x * (1 + 0.01 * self.calls)


class ReplacesWhenEvaluated(Counting):
    def changed(self, x):
        if not self.training and self.calls > 30:
            self.mean = x.mean(0)
        return x


class CountsForAll(Counting):
    calls = 0

    def changed(self, x):
        CountsForAll.calls += 1
        return x * (1 + 0.01 * CountsForAll.calls)


class CountsInAGlobal(Counting):
    def changed(self, x):
        TOTAL["calls"] += 1
        return x * (2 if TOTAL["calls"] > 30 else 1)


LOOPED = {
    "a buffer at every fifth call": (
        ReplacesEveryFifth,
        "puts another tensor in the place of mean",
    ),
    "a buffer once": (ReplacesOnce, "puts another tensor in the place of mean"),
    "noise": (NoisyAfterTen, "random operation"),
    "a look at the values": (LooksAfterTen, r"\.item\(\)"),
    "an operator that is mapped wrongly": (
        PadsAfterTen,
        "at step .* vectors.weight came out other",
    ),
    "no gradient any more": (StopsUsing, "at step .* gradient of other.weight came out other"),
    "a tensor of its own": (KeepsATensor, "neither parameter nor buffer|BatchedTensor"),
    "calls in evaluation": (EvaluatedFewTimes, "trial of 2 steps|attributes when it is evaluated"),
    "a buffer in evaluation": (ReplacesWhenEvaluated, "in the place of|when it is evaluated"),
    "a number of the class": (CountsForAll, "trial of 2 steps|keeps outside of them"),
    "a global number": (CountsInAGlobal, "keeps outside of them"),
}


@pytest.mark.parametrize(("model", "reason"), LOOPED.values(), ids=LOOPED)
def test_what_begins_later_ends_the_stacked_run_and_is_looped_over_from_the_start(
    model, reason, recwarn
):
    how = compare_with_separate_training(model)
    assert re.search(f"^loop: .*({reason})", how)
    assert not recwarn.list


def test_a_number_of_calls_in_an_attribute_is_that_of_each_replica_and_stays_stacked():
    assert compare_with_separate_training(Counting) == "stacked"


class Draws(Counting):
    def __init__(self, seed):
        super().__init__()
        self.source = np.random.default_rng(seed)

    def changed(self, x):
        return x * self.source.random() if self.training else x


def test_a_generator_in_an_attribute_may_be_stacked_if_all_replicas_draw_the_same():
    assert compare_with_separate_training(partial(Draws, 3)) == "stacked"


def test_attributes_that_differ_are_found_before_they_matter():
    class Late(Counting):
        def __init__(self, scale):
            super().__init__()
            self.scale = scale

        def changed(self, x):
            return x * self.scale if self.calls > 10 else x

    run = fit_many(
        partial(signals, dtype=torch.float32),
        model=lambda seed: Late(1 + seed / 10),
        seeds=SEEDS,
        lr=0.1,
        steps=20,
    )
    assert run.how == "loop: models differ in their attribute scale"


@pytest.mark.parametrize("draw", [random.random, np.random.random], ids=["Python", "NumPy"])
def test_what_python_and_numpy_draw_after_the_first_steps_is_not_shared(draw):
    class Late(Counting):
        def changed(self, x):
            return x * draw() if self.training and self.calls > 30 else x

    start_again()
    run = fit_many(signals, model=lambda seed: Late().double(), seeds=SEEDS, lr=0.1, steps=40)  # noqa: ARG005
    assert run.how.startswith("loop: ")
    start_again()
    run_alone = [draw() for _ in range(3 * 10)]
    assert draw() not in run_alone  # the loop drew ten numbers for each of three replicas


class Doubles(nn.Module):
    """A residual block whose weights are so large that no step leaves anything finite."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(12, 12), nn.Linear(12, 2)
        nn.init.constant_(self.inner.weight, 1e30)

    def forward(self, x):
        for _ in range(20):
            x = x + torch.relu(self.inner(x))
        return self.outer(x)


def test_a_trial_that_diverges_says_nothing_and_is_looped_over():
    def make(*, seed):
        torch.manual_seed(seed)
        return Doubles().double()

    history = fit_many(signals, model=make, lr=0.01, steps=2, seeds=SEEDS)
    assert "diverged" in history.how
    assert not np.isfinite(history.batch_loss[:, -1]).any()


class HoldsAGenerator(Counting):
    """What Python cannot copy."""

    def __init__(self):
        super().__init__()
        self.factors = (1 + 0.1 * (step % 3) for step in range(1000))

    def changed(self, x):
        return x * next(self.factors) if self.training else x


def test_a_model_that_cannot_be_copied_is_looped_over():
    how = compare_with_separate_training(HoldsAGenerator)
    assert how.startswith("loop: the model cannot be copied: ")


def losses(outputs, y):
    return cross_entropy(outputs, y, reduction="none")


class CountingLoss:
    def __init__(self):
        self.calls = 0

    def __call__(self, outputs, y):
        self.calls += 1
        return losses(outputs, y) * (2 if self.calls > 25 else 1)


class RelativeToThePast(nn.Module):
    def __init__(self):
        super().__init__()
        self.past = None

    def forward(self, outputs, y):
        now = losses(outputs, y)
        mean = now.mean().detach()
        self.past = mean if self.past is None else 0.9 * self.past + 0.1 * mean
        return now / self.past


def in_a_closure():
    calls = 0

    def loss(outputs, y):
        nonlocal calls
        calls += 1
        return losses(outputs, y) * (2 if calls > 25 else 1)

    return loss


def in_a_list():
    calls = [0]

    def loss(outputs, y):
        calls[0] += 1
        return losses(outputs, y) * (2 if calls[0] > 25 else 1)

    return loss


@pytest.mark.parametrize("loss", [CountingLoss, RelativeToThePast, in_a_closure, in_a_list])
def test_a_loss_with_a_memory_is_looped_over_and_new_to_each_replica(loss):
    how = compare_with_separate_training(partial(nn.Linear, 12, 2), loss=loss)
    assert how.startswith("loop: ")


def counting_schedule():
    calls = 0

    def factor(_):
        nonlocal calls
        calls += 1
        return 1 / (1 + 0.1 * calls)

    return lambda optimizer: optim.lr_scheduler.LambdaLR(optimizer, factor)


def test_a_scheduler_with_a_memory_is_looped_over():
    how = compare_with_separate_training(partial(nn.Linear, 12, 2), scheduler=counting_schedule)
    assert (
        how == "loop: replicas would share what the model, loss or scheduler keeps outside of them"
    )


class Deep(nn.Module):
    """Mapped as a whole, with gradients that are rounding (a bias before a normalisation)."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(12, 16), nn.LayerNorm(16), nn.Linear(16, 2)

    def forward(self, x):
        return self.last(torch.relu(self.norm(self.first(x))))


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "sgd", "lr": [0.1, 3.0]},
        {"optimizer": "adam", "lr": [0.003, 0.3]},
        {"optimizer": "sgd", "lr": [0.01, 1e6], "loss": losses},  # the second diverges
        {"optimizer": "sgd", "lr": [0.01, 0.03], "zero_grad": False, "clip": 1.0},
        {"optimizer": "adam", "lr": [0.3, 0.1], "batch_size": None, "steps": 600},  # to no loss
    ],
    ids=["SGD", "Adam", "diverges", "gradients add up", "fitted"],
)
def test_rounding_in_float32_is_no_difference(options):
    settings = {"steps": 200, "batch_size": 4, **options}
    run = fit_many(
        partial(signals, dtype=torch.float32),
        model=lambda seed: Deep(),  # noqa: ARG005
        seeds=SEEDS,
        **settings,
    )
    assert run.how == "stacked"
