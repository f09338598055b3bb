"""Schedulers of the learning rate: by name, class and function, a step and an epoch."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch.optim import SGD, lr_scheduler

from dlfaq import Dataset, Examples, fit, fit_many, mlp
from dlfaq.errors import InputError

STEPS = 12
RATE = 0.2


def small(seed=0):
    g = torch.Generator().manual_seed(seed)
    parts = []
    for n in (20, 6, 8):
        x = torch.randn(n, 3, generator=g, dtype=torch.float64)
        parts.append(Examples(x, (x.sum(1) > 0).long()))
    return Dataset(*parts)


def rates_of(**training):
    """The rate of each step: how far a weight whose gradient is 1 moves."""
    net = torch.nn.Linear(3, 2, dtype=torch.float64)
    before = [net.bias.detach().clone()]

    class Watched(SGD):
        def step(self, closure=None):
            super().step(closure)
            before.append(net.bias.detach().clone())

    def loss(outputs, y):
        return outputs.sum(1)  # of which the gradient of each bias is 1

    settings = {"steps": STEPS, "batch_size": 5, "lr": RATE, **training}
    fit(net, small(), optimizer=Watched, loss=loss, **settings)
    return -torch.stack(before).diff(dim=0)[:, 0].numpy()


def rates_of_torch(kind, *, steps=STEPS, every=1, **options):
    """The same by PyTorch alone."""
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=RATE)
    scheduler = kind(optimizer, **options)
    rates = []
    for step in range(1, steps + 1):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step % every == 0:
            scheduler.step()
    return rates


NAMED = {
    "cosine": ({}, lr_scheduler.CosineAnnealingLR, {"T_max": STEPS}),
    "CosineAnnealingLR": ({"eta_min": 0.1}, lr_scheduler.CosineAnnealingLR, {"T_max": STEPS}),
    "cosine-warm-restarts": ({"T_0": 5}, lr_scheduler.CosineAnnealingWarmRestarts, {}),
    "constant": ({"factor": 0.1}, lr_scheduler.ConstantLR, {}),
    "exponential": ({"gamma": 0.8}, lr_scheduler.ExponentialLR, {}),
    "linear": (
        {"start_factor": 1.0, "end_factor": 0.1},
        lr_scheduler.LinearLR,
        {"total_iters": STEPS},
    ),
    "polynomial": ({"power": 2.0}, lr_scheduler.PolynomialLR, {"total_iters": STEPS}),
    "step": ({"step_size": 4}, lr_scheduler.StepLR, {}),
    "multi-step": ({"milestones": [3, 7], "gamma": 0.5}, lr_scheduler.MultiStepLR, {}),
    "multiplicative": ({"lr_lambda": lambda t: 1 / t}, lr_scheduler.MultiplicativeLR, {}),
    "lambda": ({"lr_lambda": lambda t: 1 / (1 + t)}, lr_scheduler.LambdaLR, {}),
    "one-cycle": (
        {"cycle_momentum": False},
        lr_scheduler.OneCycleLR,
        {"total_steps": STEPS, "max_lr": RATE},
    ),
    "cyclic": (
        {"base_lr": 0.01, "step_size_up": 3, "cycle_momentum": False},
        lr_scheduler.CyclicLR,
        {"max_lr": RATE},
    ),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_name_is_the_scheduler_of_pytorch_with_its_lengths_filled_in(name):
    options, kind, filled = NAMED[name]
    got = rates_of(scheduler=name, scheduler_options=options)
    np.testing.assert_allclose(got, rates_of_torch(kind, **options, **filled), atol=1e-14)


def test_a_class_is_filled_in_like_its_name_and_a_function_is_left_as_it_is():
    cosine = rates_of_torch(lr_scheduler.CosineAnnealingLR, T_max=STEPS)
    by_class = rates_of(scheduler=lr_scheduler.CosineAnnealingLR)
    np.testing.assert_allclose(by_class, cosine, atol=1e-14)
    three = partial(lr_scheduler.PolynomialLR, total_iters=3)
    got = rates_of(scheduler=three)
    np.testing.assert_allclose(got, RATE * np.maximum(0, 1 - np.arange(STEPS) / 3), atol=1e-14)


@pytest.mark.parametrize(
    "length", [{"steps": 12}, {"steps": None, "epochs": 3}], ids=["steps", "epochs"]
)
def test_after_each_epoch_lengths_count_in_epochs(length):
    expected = rates_of_torch(lr_scheduler.CosineAnnealingLR, T_max=3, every=4)
    got = rates_of(scheduler="cosine", scheduler_every="epoch", **length)
    np.testing.assert_allclose(got, expected, atol=1e-14)


def test_a_function_of_the_share_of_the_steps_gives_a_factor():
    got = rates_of(scheduler=lambda share: 1 - share)
    np.testing.assert_allclose(got, RATE * (1 - np.arange(STEPS) / STEPS), atol=1e-14)


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("warmup-linear", lambda share: 1 - share),
        ("warmup-cosine", lambda share: (1 + math.cos(math.pi * share)) / 2),
    ],
)
def test_a_warm_up_rises_over_its_share_and_then_decays(name, after):
    got = rates_of(scheduler=name, scheduler_options={"warmup": 0.25, "end": 0.1})
    rising = [RATE * step / 4 for step in (1, 2, 3)]  # a quarter of 12 steps
    falling = [RATE * (0.1 + 0.9 * after(step / 9)) for step in range(9)]
    np.testing.assert_allclose(got, rising + falling, atol=1e-14)


def in_a_row(optimizer):
    warm = lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=3)
    decay = lr_scheduler.CosineAnnealingLR(optimizer, T_max=STEPS - 3)
    return lr_scheduler.SequentialLR(optimizer, [warm, decay], milestones=[3])


class EveryThird(lr_scheduler.LRScheduler):
    """A class of one's own; all groups get the rate of the first, which is wrong for several."""

    def get_lr(self):
        rate = self.optimizer.param_groups[0]["lr"]
        factor = 0.7 if self.last_epoch % 3 == 2 else 1
        return [rate * factor for _ in self.optimizer.param_groups]


SCHEDULES = {
    **{name: {"scheduler": name, "scheduler_options": NAMED[name][0]} for name in NAMED},
    "warmup-cosine": {"scheduler": "warmup-cosine"},
    "momentum cycles too": {"scheduler": "one-cycle", "options": {"momentum": 0.9}},
    "betas cycle too": {"scheduler": "one-cycle", "optimizer": "adam"},
    "share": {"scheduler": lambda share: min(1, share / 0.3, 1 - share)},
    "in a row": {"scheduler": in_a_row},
    "own class": {"scheduler": EveryThird},
    "own class, an epoch": {"scheduler": EveryThird, "scheduler_every": "epoch"},
}


@pytest.mark.parametrize("training", SCHEDULES.values(), ids=SCHEDULES)
def test_stacked_replicas_at_several_rates_follow_the_schedule_of_each_alone(training, recwarn):
    settings = {"steps": STEPS, "batch_size": 5, **training}
    together = fit_many(small, sizes=[3, 4, 2], seeds=[4, 9], lr=[RATE, 0.05], **settings)
    assert together.how == "stacked"
    for k, rate in enumerate([RATE, 0.05]):
        for i, seed in enumerate([4, 9]):
            net = mlp([3, 4, 2], seed=seed, dtype=torch.float64)
            alone = fit(net, small(seed), lr=rate, seed=seed, **settings)
            for name, value in alone.weights.items():
                torch.testing.assert_close(together.weights[name][k, i], value, atol=1e-12, rtol=0)
    assert not recwarn.list


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"scheduler": "cosin"}, "a scheduler among constant, cosine.*; did you mean 'cosine'"),
        ({"scheduler": "zzz"}, "a scheduler among .*; got 'zzz'; pass one of these, a class"),
        ({"scheduler": "step"}, r"scheduler_options that StepLR takes; got \{\} \(.*step_size"),
        ({"scheduler": "step", "scheduler_options": {"stepsize": 3}}, "StepLR takes; .*stepsize"),
        ({"scheduler": "cosine", "scheduler_every": "batch"}, '"step" or "epoch"; got .batch'),
        ({"scheduler_options": {"gamma": 0.1}}, "a scheduler beside scheduler_options; got none"),
        ({"scheduler": lr_scheduler.ReduceLROnPlateau}, "without a measurement; got Reduce"),
        ({"scheduler": id}, "makes a scheduler .*; got one that gives int"),
        ({"scheduler": 0.9}, "by name, by class or by function; got 0.9"),
        (
            {"scheduler": "warmup-linear", "scheduler_options": {"warmup": 10}},
            "takes; .*10 is no share",
        ),
        (
            {
                "scheduler": lr_scheduler.ExponentialLR(
                    SGD([torch.zeros(1, requires_grad=True)], lr=1.0), 0.9
                )
            },
            "by name, by class or by function; got one that is made already, a ExponentialLR",
        ),
    ],
)
def test_what_is_no_scheduler_is_refused(training, message):
    with pytest.raises(InputError, match=message):
        fit(mlp([3, 2], dtype=torch.float64), small(), lr=0.1, steps=5, **training)
