"""Activation statistics against the values themselves, and dead units against units made dead."""

from __future__ import annotations

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dlfaq import ActivationStats, activation_stats, dead_units, digits, mlp
from dlfaq.errors import InputError


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def batch(seed=0, n=20):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 5, generator=generator)


def train(model, steps=4, *, validate=False):
    """A loop as a reader writes it; returns the outputs of layer "1" at each training step."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    seen = []
    for step in range(steps):
        model.train()
        x = batch(step)
        seen.append(model[1](model[0](x)).detach().clone())
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()
        if validate:
            model.eval()
            model(batch(100 + step))
            model.train()
            with torch.no_grad():
                model(batch(100 + step))
    return seen


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_each_step_holds_what_the_layer_put_out(activation):
    model = mlp([5, 8, 3], activation=activation)
    with ActivationStats(model, bins=40, limits=(0, 10)) as stats:
        outputs = train(model)
    assert stats.names == ["0", "1", "2"]
    assert stats.steps.tolist() == [0, 1, 2, 3]
    assert stats.mean.shape == stats.std.shape == stats.near_zero.shape == (3, 4)
    for step, o in enumerate(outputs):
        # The formulas of fastai's hook, on the outputs themselves.
        assert stats.mean[1, step] == pytest.approx(o.mean().item(), abs=1e-6)
        assert stats.std[1, step] == pytest.approx(o.std().item(), abs=1e-6)
        near_zero = (o <= 0.05).long().sum().item() / o.numel()
        assert stats.near_zero[1, step] == pytest.approx(near_zero, abs=1e-12)
        assert stats.histogram[1, step, 1:-1].tolist() == o.histc(40, 0, 10).tolist()


def test_a_histogram_drops_nothing():
    model = nn.Sequential(nn.Identity())
    x = torch.tensor([-20.0, -1.0, -0.5, 0.0, 0.7, 1.0, 3.0, float("inf"), float("nan")])
    stats = activation_stats(model, x, bins=4, limits=(-1, 1))
    assert stats.histogram[0, 0].tolist() == [1, 1, 1, 1, 2, 2]  # below, four bins, above
    inside = x[(x >= -1) & (x <= 1)].numpy()
    assert stats.histogram[0, 0, 1:-1].tolist() == np.histogram(inside, 4, (-1, 1))[0].tolist()
    assert stats.edges.tolist() == [-1, -0.5, 0, 0.5, 1]
    assert stats.non_finite[0, 0] == pytest.approx(2 / 9)


@pytest.mark.parametrize("lost", [None, float("nan")])
def test_the_heat_map_shows_every_output_on_one_scale(lost):
    """What is drawn is added up: tails and NaN included, it is all that the layers put out."""
    model = nn.Sequential(nn.Linear(5, 8), nn.Linear(8, 2))
    with ActivationStats(model, bins=10, limits=(-0.2, 0.2), every=2) as stats:
        for step in range(5):
            x = batch(step)
            if lost is not None:
                x[0] = lost
            model(x)
    scales = []
    for layer, units in (("0", 8), ("1", 2)):
        ax = stats.plot_histogram(layer)
        (mesh,) = ax.collections
        drawn = mesh.get_array().sum(axis=0)
        assert drawn.tolist() == [20 * units] * 3
        scales.append((mesh.norm.vmin, mesh.norm.vmax))
        names = [text.get_text() for text in ax.get_yticklabels()]
        assert {"below -0.2", "above 0.2"} < set(names)
        assert ("NaN" in names) is (lost is not None)
        plt.close()
    assert scales == [(1, stats.histogram.max())] * 2


def test_a_layer_without_a_record_is_not_drawn():
    model = mlp([5, 8, 3])
    stats = ActivationStats(model, bins=4)
    with pytest.raises(InputError, match="none among 0 recorded"):
        stats.plot_histogram("0")
    with pytest.raises(InputError, match="one of the layers 0, 1, 2"):
        stats.plot_histogram("first")


@pytest.mark.parametrize("sizes", [[64, 32, 16, 10], [64, 10]])
def test_training_in_fastai_gives_the_numbers_of_fastai(sizes):
    """The same net, the same batches, both records of one fit."""
    hook, core, learner = (
        pytest.importorskip(f"fastai.{name}") for name in ("callback.hook", "data.core", "learner")
    )
    data = digits()
    loaders = core.DataLoaders(
        DataLoader(TensorDataset(*data.train), batch_size=100),
        DataLoader(TensorDataset(*data.validation), batch_size=300),
    )
    model = mlp(sizes, init="he")
    theirs = hook.ActivationStats(with_hist=True)
    learn = learner.Learner(loaders, model, nn.functional.cross_entropy, lr=0.1, cbs=theirs)
    with (
        ActivationStats(model, bins=40, limits=(0, 10), layers=nn.Linear) as ours,
        learn.no_logging(),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # of old calls in fastai 2.8
        learn.fit(2)
    assert len(theirs.stats) == len(ours.steps) > 10
    for step, layers in enumerate(theirs.stats):
        for row, record in enumerate(layers):
            for name in ("mean", "std", "near_zero"):
                got = getattr(ours, name)[row, step]
                assert got == pytest.approx(float(record[name]), abs=1e-6), name
            assert ours.histogram[row, step, 1:-1].tolist() == record["hist"].tolist()


def test_validation_is_not_recorded():
    model = mlp([5, 8, 3])
    with ActivationStats(model) as stats:
        train(model, validate=True)
    plain = mlp([5, 8, 3])
    with ActivationStats(plain) as expected:
        train(plain)
    assert stats.steps.tolist() == [0, 1, 2, 3]
    assert stats.mean.tolist() == expected.mean.tolist()


def test_every_third_step():
    model = mlp([5, 8, 3])
    with ActivationStats(model, every=3) as stats:
        outputs = train(model, steps=8)
    assert stats.steps.tolist() == [0, 3, 6]
    expected = [outputs[step].mean().item() for step in (0, 3, 6)]
    assert stats.mean[1].tolist() == pytest.approx(expected, abs=1e-6)


def test_layers_of_a_type_and_of_a_threshold():
    model = mlp([5, 8, 8, 3], activation="tanh")
    stats = activation_stats(model, batch(), layers=nn.Tanh, near_zero=0.5)
    assert stats.names == ["1", "3"]
    first = torch.tanh(model[0](batch()))
    assert stats.near_zero[0, 0] == pytest.approx((first <= 0.5).float().mean().item())


def test_a_layer_that_does_not_run_is_nan_and_the_others_are_not():
    class Skips(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(5, 2), nn.Linear(5, 2)

        def forward(self, x):
            return self.used(x)

    stats = activation_stats(Skips(), batch())
    assert np.isnan(stats.mean[:, 0]).tolist() == [False, True]


def test_no_examples_have_no_statistics():
    stats = activation_stats(mlp([5, 8, 3]), batch(n=0), bins=4)
    assert np.isnan([stats.mean, stats.std, stats.near_zero, stats.non_finite]).all()
    assert np.isnan(stats.histogram).all()


def test_outputs_in_tuples_count_together():
    lstm = nn.LSTM(5, 3)
    stats = activation_stats(nn.Sequential(lstm), batch())
    output, (h, c) = lstm(batch())
    together = torch.cat([output.flatten(), h.flatten(), c.flatten()])
    assert stats.mean[0, 0] == pytest.approx(together.mean().item(), abs=1e-6)


def test_the_model_is_left_as_it_was():
    model = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout())
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    generator = torch.get_rng_state()
    activation_stats(model, batch())
    dead_units(model, batch())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_a_step_that_fails_is_not_recorded_and_the_hooks_come_off():
    model = mlp([5, 8, 3])
    stats = ActivationStats(model)
    with pytest.raises(RuntimeError, match="shapes"), stats:
        model(torch.ones(2, 7))
    assert stats.steps.tolist() == []
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert "Nothing recorded." in str(stats)


def test_the_table_runs_from_the_first_step_to_the_last():
    model = mlp([5, 8, 3])
    with ActivationStats(model, layers=nn.ReLU) as stats:
        train(model)
    head, row, _, caption = str(stats).splitlines()
    assert head.split() == ["layer", "type", "mean", "std", "near", "zero", "(≤", "0.05)"]
    share = f"{stats.near_zero[0, 0]:.1%} → {stats.near_zero[0, 3]:.1%}"
    assert row.startswith("1      ReLU") and row.endswith(share)  # noqa: PT018
    assert caption == "4 steps recorded, 0 → 3."
    html = stats._repr_html_()
    assert html.count("<tr>") == 2
    assert share in html
    assert "1 step recorded." in str(activation_stats(model, batch()))


def with_dead(bias, activation=nn.ReLU):
    """A layer of ReLUs, some with so low a bias that no example reaches them."""
    model = nn.Sequential(nn.Linear(5, len(bias)), activation(), nn.Linear(len(bias), 3))
    with torch.no_grad():
        model[0].bias.copy_(torch.tensor(bias))
    return model


def test_units_that_no_example_reaches_are_dead_and_get_no_gradient():
    model = with_dead([0.0, -100.0, 0.0, -100.0])
    dead = dead_units(model, batch())["1"]
    assert dead.tolist() == [False, True, False, True]
    model(batch()).square().mean().backward()
    assert model[0].weight.grad[dead].abs().max() == 0
    assert model[0].weight.grad[~dead].abs().min() > 0
    # The trap: about half of what living units put out is 0 too.
    assert 0.2 < activation_stats(model, batch()).near_zero[1, 0] < 0.9


def test_one_example_keeps_a_unit_alive():
    x = batch()
    model = with_dead([-100.0])
    x[7] = 1000 * model[0].weight[0].sign()
    assert dead_units(model, x)["1"].tolist() == [False]


def test_a_channel_is_dead_if_it_is_zero_everywhere():
    model = nn.Sequential(nn.Conv2d(1, 3, 2), nn.ReLU())
    with torch.no_grad():
        model[0].bias.copy_(torch.tensor([-100.0, 0.0, -100.0]))
        model[0].weight[2] = 0
    assert dead_units(model, torch.randn(4, 1, 6, 6))["1"].tolist() == [True, False, True]


def test_units_on_the_last_axis():
    model = with_dead([0.0, -100.0])
    x = batch(n=12).reshape(3, 4, 5)
    assert dead_units(model, x, axis=-1)["1"].tolist() == [False, True]


def test_a_unit_that_is_nan_is_neither_alive_nor_dead():
    model = with_dead([0.0, -100.0, float("nan")])
    with pytest.raises(InputError, match="NaN in 1 units of '1'; count such a run as diverged"):
        dead_units(model, batch())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dead_units(mlp([5, 4, 3], activation="gelu"), batch()), "ReLU6.*got a Sequential"),
        (lambda: ActivationStats(mlp([5, 3]), layers=nn.Tanh), "a layer of type Tanh"),
        (lambda: ActivationStats(mlp([5, 3]), layers="ReLU"), "a type of modules.*got 'ReLU'"),
        (
            lambda: ActivationStats(mlp([5, 3]), layers=nn.Sequential),
            "Sequential that holds no other layers; got a Sequential without one",
        ),
        (lambda: ActivationStats(mlp([5, 3]), every=0), "every=0"),
        (lambda: ActivationStats(mlp([5, 3]), bins=4, limits=(1, 1)), r"limits=\(1, 1\)"),
        (lambda: dead_units(mlp([5, 4, 3]), batch(n=0)), r"one example; got none, shape \(0, 4\)"),
        (lambda: dead_units(mlp([5, 4, 3]), batch()[0]), r"along axis 1; got shape \(4,\)"),
        (lambda: dead_units(nn.LSTM(5, 3), batch(), layers=nn.LSTM), "got a tuple from ''"),
        (lambda: activation_stats(mlp([5, 3]), batch()).histogram, "bins=None; write"),
    ],
    ids=[
        "none can die",
        "no such layer",
        "no type",
        "a container",
        "every",
        "limits",
        "no example",
        "one",
        "a tuple",
        "no histogram",
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
