from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from dlfaq import gradient_norms, mlp
from dlfaq.errors import InputError


@pytest.fixture
def batch():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(6, 5, generator=g, dtype=torch.float64)
    return x, torch.tensor([0, 1, 2, 0, 1, 2])


def test_norms_are_those_of_backpropagation_by_hand(batch):
    x, y = batch
    model = mlp([5, 4, 3], activation="sigmoid", dtype=torch.float64)
    norms = gradient_norms(model, x, y)

    with torch.no_grad():
        first, _, last = model
        a = torch.sigmoid(x @ first.weight.T + first.bias)
        p = torch.softmax(a @ last.weight.T + last.bias, 1)
        delta2 = p - torch.eye(3)[y]  # (6, 3), one row an example
        delta1 = delta2 @ last.weight * a * (1 - a)  # (6, 4)
    deltas = [(d**2).sum(1).mean().sqrt().item() for d in (delta1, delta2)]
    weights = [(d.T @ inputs / 6).norm().item() for d, inputs in ((delta1, x), (delta2, a))]
    assert norms.deltas.tolist() == pytest.approx(deltas, rel=1e-10)
    assert norms.weights.tolist() == pytest.approx(weights, rel=1e-10)


def test_weight_gradients_scale_with_the_inputs_and_deltas_do_not():
    """The reason to measure deltas: a net without biases whose inputs and weights trade scale."""
    g = torch.Generator().manual_seed(1)
    x, y = torch.randn(8, 5, generator=g), torch.arange(8) % 3
    model = mlp([5, 4, 3], bias=False)
    before = gradient_norms(model, x, y)
    with torch.no_grad():
        model[0].weight *= 10
    after = gradient_norms(model, x / 10, y)
    assert after.deltas.tolist() == pytest.approx(before.deltas.tolist(), rel=1e-5)
    assert after.weights[0] == pytest.approx(before.weights[0] / 10, rel=1e-5)


def test_what_is_left_at_depth_forty_is_not_rounded_to_zero(batch):
    x, y = batch
    model = mlp([5, *[8] * 40, 3], activation="sigmoid")
    deltas = gradient_norms(model, x.float(), y).deltas
    assert deltas.shape == (41,)
    assert 0 < deltas[0] < 1e-22  # its square is below 1e-45, the smallest float32


def test_the_model_and_its_gradients_stay_as_they_are(batch):
    x, y = batch
    model = mlp([5, 4, 3], dtype=torch.float64)
    gradient_norms(model, x, y)
    assert all(p.grad is None for p in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


def test_convolutions_count_as_layers():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(72, 3))
    norms = gradient_norms(model, torch.ones(4, 1, 8, 8), torch.tensor([0, 1, 2, 0]))
    assert norms.weights.shape == norms.deltas.shape == (2,)
    assert (norms.deltas > 0).all()


def test_a_model_without_layers_is_refused():
    with pytest.raises(InputError, match="linear or convolutional layer; got ReLU"):
        gradient_norms(nn.ReLU(), torch.ones(1, 2), torch.tensor([0]))


def test_an_activation_in_place_leaves_the_deltas_as_they_are(batch):
    x, y = batch
    linear = [nn.Linear(5, 4).double(), nn.Linear(4, 3).double()]
    deltas = [
        gradient_norms(nn.Sequential(linear[0], nn.ReLU(inplace=inplace), linear[1]), x, y).deltas
        for inplace in (False, True)
    ]
    assert deltas[1].tolist() == deltas[0].tolist()


def test_frozen_layers_count_and_one_that_does_not_run_is_nan(batch):
    x, y = batch
    model = mlp([5, 4, 3], dtype=torch.float64)
    before = gradient_norms(model, x, y)
    model[0].requires_grad_(False)
    with torch.no_grad():
        norms = gradient_norms(model, x, y)
    assert norms.weights.tolist() == before.weights.tolist()
    assert not model[0].weight.requires_grad
    model[2].spare = nn.Linear(4, 3)  # a child that its forward does not call
    norms = gradient_norms(model, x, y)
    assert np.isnan(norms.deltas).tolist() == [False, False, True]
    assert norms.weights[:2].tolist() == before.weights.tolist()


def test_buffers_and_the_random_generator_stay_as_they_are(batch):
    x, y = batch
    model = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 3))
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    generator = torch.get_rng_state()
    gradient_norms(model, x.float(), y)
    assert all(buffer.equal(before[name]) for name, buffer in model.named_buffers())
    assert torch.get_rng_state().equal(generator)


def test_tied_weights_get_the_gradient_of_both(batch):
    x, y = batch
    model = nn.Sequential(nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 5)).double()
    model[2].weight = model[0].weight
    norms = gradient_norms(model, x, y)
    nn.functional.cross_entropy(model(x), y).backward()
    expected = model[0].weight.grad.norm().item()
    assert norms.weights.tolist() == pytest.approx([expected, expected], rel=1e-12)


def test_weights_that_are_computed_in_passing_have_no_gradient_of_their_own(batch):
    x, y = batch
    linear = nn.utils.parametrizations.weight_norm(nn.Linear(5, 3, dtype=x.dtype))
    norms = gradient_norms(nn.Sequential(linear), x, y)
    assert np.isnan(norms.weights).all()
    assert (norms.deltas > 0).all()
