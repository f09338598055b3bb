"""How the weights of linear layers are drawn at the start."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import torch

from dlfaq.errors import InputError

if TYPE_CHECKING:
    from torch import nn

__all__ = ["initialiser"]

Initialiser: TypeAlias = Callable[["nn.Linear", torch.Generator], None]
"""Draws the weights and biases of a layer."""

_Variance: TypeAlias = Callable[[int, int], float]
"""Of the weights, from fan-in and fan-out."""

_VARIANCES: dict[str, _Variance] = {
    "he": lambda fan_in, _: 2 / fan_in,
    "lecun": lambda fan_in, _: 1 / fan_in,
    "xavier": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
}
_UNIFORM = "-uniform"
_NEAR_ZERO = 1e-8


def initialiser(init: str | float, activation: Callable[[], nn.Module]) -> Initialiser:
    """The initialisation that `init` names, see `dlfaq.training.models.mlp`.

    Args:
        init: a name, or the standard deviation of the weights.
        activation: makes the activation, for "matched".

    Raises:
        InputError: no such initialisation, no standard deviation, or an activation that is flat at
            0, which no variance matches.
    """
    if init == "default":
        return _default
    if not isinstance(init, str):
        return partial(_normal, variance=_constant(init))
    name = init.removesuffix(_UNIFORM)
    if name == "matched":
        variance = _matched(activation())
    elif name in _VARIANCES:
        variance = _VARIANCES[name]
    else:
        names = ["default", *_VARIANCES, "matched"]
        raise InputError(
            expected=f"an initialisation among {', '.join(names)}, or a number",
            got=repr(init),
            cure=f"pass one of these, all but the first with {_UNIFORM} if you like, or the "
            "standard deviation of the weights",
        )
    return partial(_uniform if init.endswith(_UNIFORM) else _normal, variance=variance)


@torch.no_grad()
def _default(linear: nn.Linear, draws: torch.Generator) -> None:
    """As PyTorch does it: uniform in ±1/√fan_in, the biases too."""
    bound = 1 / math.sqrt(linear.in_features)
    for parameter in linear.parameters():
        parameter.uniform_(-bound, bound, generator=draws)


@torch.no_grad()
def _normal(linear: nn.Linear, draws: torch.Generator, *, variance: _Variance) -> None:
    deviation = math.sqrt(variance(linear.in_features, linear.out_features))
    linear.weight.normal_(0, deviation, generator=draws)
    if linear.bias is not None:
        linear.bias.zero_()


@torch.no_grad()
def _uniform(linear: nn.Linear, draws: torch.Generator, *, variance: _Variance) -> None:
    _default(linear, draws)
    # Uniform in ±b has variance b²/3.
    default = 1 / (3 * linear.in_features)
    linear.weight.mul_(math.sqrt(variance(linear.in_features, linear.out_features) / default))


def _matched(activation: nn.Module) -> _Variance:
    """Variance 1/(fan_in · s²), with s² the mean squared slope just below and just above 0."""
    z = torch.tensor([-_NEAR_ZERO, _NEAR_ZERO], dtype=torch.float64, requires_grad=True)
    outputs = activation.double()(z)
    # A step, such as `z > 0`, has no gradient that PyTorch knows of.
    slopes = torch.zeros(2)
    if outputs.requires_grad:
        (slopes,) = torch.autograd.grad(outputs.sum(), z)
    gain = slopes.square().mean().item()
    if not 0 < gain < math.inf:
        raise InputError(
            expected="an activation with a slope at 0 for a matched initialisation",
            got=f"slopes {slopes.tolist()} of {activation}",
            cure='pass another initialisation, such as init="lecun"',
        )
    return lambda fan_in, _: 1 / (fan_in * gain)


def _constant(deviation: float) -> _Variance:
    number = isinstance(deviation, int | float) and not isinstance(deviation, bool)
    if not (number and 0 <= deviation < math.inf):
        raise InputError(
            expected="a standard deviation, finite and not below 0, as init",
            got=repr(deviation),
            cure='pass a number such as 0.01, or a name such as "he"',
        )
    return lambda *_: float(deviation) ** 2
