from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from dlfaq import count_parameters, mlp
from dlfaq.errors import InputError


def test_layers_stand_as_the_sizes_say_and_the_last_has_no_activation():
    model = mlp([5, 4, 3], activation="tanh")
    assert [type(module) for module in model] == [nn.Linear, nn.Tanh, nn.Linear]
    x = torch.randn(7, 5, generator=torch.Generator().manual_seed(0))
    first, _, last = model
    hidden = torch.tanh(x @ first.weight.T + first.bias)
    torch.testing.assert_close(model(x), hidden @ last.weight.T + last.bias)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("relu", lambda z: z.clamp(min=0)),
        ("sigmoid", lambda z: 1 / (1 + torch.exp(-z))),
        ("gelu", lambda z: z * 0.5 * (1 + torch.erf(z / math.sqrt(2)))),
        ("leaky_relu", lambda z: torch.maximum(z, 0.01 * z)),
        ("softplus", lambda z: torch.log1p(torch.exp(z))),
        ("identity", lambda z: z),
        (nn.Hardtanh, lambda z: z.clamp(-1, 1)),
        (lambda z: torch.sigmoid(z) - 0.5, lambda z: torch.tanh(z / 2) / 2),
    ],
    ids=["relu", "sigmoid", "gelu", "leaky", "softplus", "identity", "class", "function"],
)
def test_activations(activation, expected):
    z = torch.linspace(-3, 3, 13)
    torch.testing.assert_close(mlp([1, 1, 1], activation=activation)[1](z), expected(z))


@pytest.mark.parametrize(
    ("init", "deviation"),
    [
        ("default", 1 / math.sqrt(3 * 400)),  # uniform in ±b has standard deviation b/√3
        ("he", math.sqrt(2 / 400)),
        ("lecun", math.sqrt(1 / 400)),
        ("xavier", math.sqrt(2 / 1000)),
        ("matched", math.sqrt(2 / 400)),
        ("he-uniform", math.sqrt(2 / 400)),
        ("lecun-uniform", math.sqrt(1 / 400)),
        ("xavier-uniform", math.sqrt(2 / 1000)),
        ("matched-uniform", math.sqrt(2 / 400)),
        (0.3, 0.3),
    ],
)
def test_the_spread_of_initial_weights(init, deviation):
    linear = mlp([400, 600], init=init)[0]
    # 240,000 weights: the relative error of their standard deviation is about 0.15 %.
    assert linear.weight.std().item() == pytest.approx(deviation, rel=0.01)
    assert abs(linear.weight.mean().item()) < 5 * deviation / math.sqrt(240_000)
    if init == "default" or str(init).endswith("-uniform"):
        bound = math.sqrt(3) * deviation
        assert 0.99 * bound < linear.weight.abs().max() <= bound
        # The biases are PyTorch's own, whatever the spread of the weights.
        assert 0.9 / math.sqrt(400) < linear.bias.abs().max() <= 1 / math.sqrt(400)
    else:
        assert linear.weight.abs().max() > 4 * deviation
        assert not linear.bias.any()


@pytest.mark.parametrize(
    ("activation", "squared_slope"),
    [
        ("sigmoid", 1 / 16),  # σ(0)(1 − σ(0)) = 1/4
        ("tanh", 1),
        ("identity", 1),
        ("relu", 1 / 2),  # 0 below and 1 above
        ("leaky_relu", (1 + 0.01**2) / 2),
        ("elu", 1),
        ("gelu", 1 / 4),  # Φ(0) = 1/2
        ("silu", 1 / 4),
        ("softplus", 1 / 4),
        (nn.Hardtanh, 1),
        (lambda z: 3 * torch.tanh(z), 9),
    ],
    ids=str,
)
@pytest.mark.parametrize("init", ["matched", "matched-uniform"])
def test_matched_weights_undo_the_slope_of_the_activation_at_the_origin(
    init, activation, squared_slope
):
    weight = mlp([400, 600], activation=activation, init=init)[0].weight
    assert weight.var().item() == pytest.approx(1 / (400 * squared_slope), rel=0.02)


def test_the_default_initialisation_has_the_bounds_of_pytorch():
    ours, theirs = mlp([100, 300])[0], nn.Linear(100, 300)
    assert ours.weight.max().item() == pytest.approx(theirs.weight.max().item(), rel=0.01)
    assert ours.bias.max().item() == pytest.approx(theirs.bias.max().item(), rel=0.1)


def test_a_seed_gives_one_model_and_moves_no_global_generator():
    before = torch.get_rng_state()
    first, same, other = (mlp([4, 3, 2], seed=seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first[0].weight, same[0].weight)
    assert not torch.equal(first[0].weight, other[0].weight)


def test_dtype_and_bias():
    model = mlp([4, 3, 2], bias=False, dtype=torch.float64)
    assert [(name, p.dtype) for name, p in model.named_parameters()] == [
        ("0.weight", torch.float64),
        ("2.weight", torch.float64),
    ]


@pytest.mark.parametrize(
    ("sizes", "bias", "expected"),
    [([784, 10], True, 7850), ([784, 10, 10], True, 7960), ([64, 32, 10], False, 2368)],
)
def test_count_parameters(sizes, bias, expected):
    assert count_parameters(mlp(sizes, bias=bias)) == expected


def test_frozen_parameters_are_not_counted():
    model = mlp([3, 2, 2])
    model[0].requires_grad_(requires_grad=False)
    assert count_parameters(model) == 6


def test_a_smooth_function_as_activation_can_be_differentiated():
    model = mlp([2, 3, 2], activation=lambda z: 4 * functional.sigmoid(z))
    model(torch.ones(1, 2)).sum().backward()
    assert model[0].weight.grad.abs().min() > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sizes": [64]}, r"two or more sizes.*got \[64\]"),
        ({"sizes": [64, 0, 10]}, r"whole numbers from 1; got \[64, 0, 10\]"),
        ({"sizes": [64, 2.5]}, r"whole numbers from 1; got \[64, 2\.5\]"),
        ({"sizes": [4, 3, 2], "activation": "swish"}, r"among elu, .*; got 'swish'; pass one"),
        ({"sizes": [4, 2], "init": "kaiming"}, r"among default, he, .*; got 'kaiming'"),
        ({"sizes": [4, 2], "init": "default-uniform"}, "got 'default-uniform'; pass one of these"),
        ({"sizes": [4, 2], "init": -0.1}, r"not below 0, as init; got -0\.1; pass a number"),
        ({"sizes": [4, 2], "init": math.nan}, "a standard deviation, finite .*; got nan"),
        ({"sizes": [4, 2], "init": None}, "a standard deviation, finite .*; got None"),
        (
            {"sizes": [4, 2], "init": "matched", "activation": nn.Softshrink},
            r"a slope at 0 for a matched .*; got slopes \[0\.0, 0\.0\] of Softshrink.*lecun",
        ),
        (
            {"sizes": [4, 2], "init": "matched", "activation": lambda z: (z > 0).to(z)},
            r"a slope at 0 .*; got slopes \[0\.0, 0\.0\]",
        ),
    ],
    ids=[
        "one size",
        "zero",
        "float",
        "activation",
        "init",
        "default-uniform",
        "negative",
        "NaN",
        "None",
        "flat",
        "step",
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        mlp(**arguments)
