"""The range test on a problem whose stability bound is known, on digits, and on noise alone."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn

from dlfaq import Dataset, Examples, digits, find_rate, fit_many, tuning_seeds
from dlfaq.errors import InputError


def around_zero(seed):
    g = torch.Generator().manual_seed(seed)
    part = Examples(torch.randn(200, 2, generator=g), torch.arange(200) % 2)
    return Dataset(part, part, part)


class Point(nn.Module):
    """A point in the plane; its outputs are what it is away from the examples."""

    def __init__(self):
        super().__init__()
        self.place = nn.Parameter(torch.tensor([3.0, 3.0]))

    def forward(self, x):
        return self.place - x


def parabola(curvature):
    """Half the squared distance to an example, with curvatures λ and λ/10."""

    def loss(outputs, _):
        return (torch.tensor([curvature, curvature / 10]) * outputs**2).sum(1) / 2

    return {"model": lambda seed: Point(), "loss": loss, "batch_size": 10}  # noqa: ARG005


@pytest.mark.parametrize("curvature", [1.0, 8.0, 100.0])
def test_on_a_parabola_the_loss_turns_up_above_two_over_the_curvature(curvature):
    """Above 2/λ each step makes the distance larger; a few steps on, it is seen."""
    test = find_rate(around_zero, **parabola(curvature))
    bound = 2 / curvature
    assert np.all(test.turns > bound)
    assert np.all(test.turns < 2.5 * bound)
    assert bound / 10 < test.suggestion < bound / 4
    low, high = test.spread
    assert low < test.suggestion < high
    assert not test.why


def test_the_rates_rise_in_equal_ratios_and_are_those_of_the_steps():
    test = find_rate(digits, sizes=[64, 10], replicas=2, steps=40, lowest=1e-3, highest=10)
    assert test.rates[[0, -1]].tolist() == pytest.approx([1e-3, 10])
    np.testing.assert_allclose(test.rates[1:] / test.rates[:-1], 1e4 ** (1 / 39))
    again = fit_many(
        digits,
        sizes=[64, 10],
        seeds=tuning_seeds(2),
        lr=1e-3,
        steps=40,
        scheduler="lambda",
        scheduler_options={"lr_lambda": lambda step: 1e4 ** (step / 39)},
    )
    np.testing.assert_allclose(test.losses, again.batch_loss, rtol=1e-5)


@pytest.mark.parametrize(
    ("optimizer", "low", "high"), [("sgd", 0.1, 1.0), ("adam", 0.003, 0.1)], ids=["SGD", "Adam"]
)
def test_on_digits_it_suggests_a_rate_that_learns(optimizer, low, high):
    settings = {"sizes": [64, 32, 10], "batch_size": 50, "optimizer": optimizer}
    test = find_rate(digits, replicas=4, **settings)
    assert low < test.suggestion < high
    run = fit_many(digits, seeds=tuning_seeds(4), lr=test.suggestion, steps=200, **settings)
    assert run.final_accuracy("validation").min() > 0.9
    assert "suggested rate" in repr(test)
    assert "over 4 replicas" in repr(test)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"highest": 0.01}, "0 of 3 losses fall by more than their noise and turn up"),
        ({"lowest": 3.0, "highest": 100.0}, "of 3 losses fall by more than their noise"),
    ],
    ids=["ends too early", "begins too late"],
)
def test_where_nothing_is_to_be_seen_nothing_is_suggested(settings, why):
    test = find_rate(around_zero, replicas=3, **parabola(1.0), **settings)
    assert test.suggestion is None
    assert test.spread is None
    assert why in test.why
    assert repr(test).startswith("no rate suggested: ")


def test_labels_without_a_meaning_and_small_batches_are_noise():
    def noise(seed):
        g = torch.Generator().manual_seed(seed)
        part = Examples(torch.randn(500, 2, generator=g), torch.randint(2, (500,), generator=g))
        return Dataset(part, part, part)

    test = find_rate(noise, sizes=[2, 2], batch_size=2, highest=1.0)
    assert test.suggestion is None


class Steep(Point):
    """Its curvature is a buffer, so that it may differ from seed to seed."""

    def __init__(self, curvature):
        super().__init__()
        self.register_buffer("root", torch.tensor(curvature).sqrt())

    def forward(self, x):
        return self.root * super().forward(x)


def test_replicas_that_do_not_agree_give_no_suggestion():
    test = find_rate(
        around_zero,
        model=lambda seed: Steep(100.0 if seed % 2 else 1.0),
        loss=lambda outputs, _: outputs.square().sum(1) / 2,
        batch_size=10,
        highest=100.0,
    )
    assert test.suggestion is None
    assert "anywhere from 0.0" in test.why
    assert np.isfinite(test.turns).all()


def test_the_plot_has_all_curves_and_the_suggestion():
    test = find_rate(around_zero, replicas=3, **parabola(1.0))
    ax = test.plot()
    assert ax.get_xscale() == "log"
    assert any(np.allclose(line.get_xdata(), test.suggestion) for line in ax.lines)
    drawn = [line for line in ax.lines if len(line.get_xdata()) == 100]
    assert drawn
    _, own = plt.subplots()
    assert test.plot(own) is own
    plt.close("all")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lowest": 1.0, "highest": 0.1}, "lowest below highest; got lowest=1.0, highest=0.1"),
        ({"lowest": 0}, "a learning rate that is finite and above 0; got 0"),
        ({"steps": 10}, "steps, a whole number from 30; got 10"),
        ({"epochs": 3}, "a rate that rises over some steps; got epochs=3"),
        ({"scheduler": "cosine"}, "rises over some steps; got scheduler='cosine'"),
        ({"replicas": 40}, "from 1 to 36 replicas; got 40"),
        ({"lr": 0.1}, "training arguments among .*; got 'lr'|multiple values|lowest and highest"),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else "",
)
def test_what_is_no_range_test_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        find_rate(digits, **{"sizes": [64, 10], **settings})
