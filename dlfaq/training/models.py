"""Multilayer perceptrons from their sizes, and how many numbers a model learns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from dlfaq.errors import InputError
from dlfaq.seeding import generator
from dlfaq.training.initialisation import initialiser
from dlfaq.training.names import unknown_name

__all__ = ["Activation", "Pointwise", "count_parameters", "mlp"]

Activation = str | type[nn.Module] | Callable[[Tensor], Tensor]
"""A name, a class of module, or a function of the pre-activations, element by element."""

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "identity": nn.Identity,
    "leaky_relu": nn.LeakyReLU,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
}


class Pointwise(nn.Module):
    """A function of tensors as a module: z ↦ f(z), element by element."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, z: Tensor) -> Tensor:
        """Apply the function to `z`, whose shape stays."""
        return self.function(z)


def mlp(
    sizes: Sequence[int],
    *,
    activation: Activation = "relu",
    init: str | float = "default",
    bias: bool = True,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> nn.Sequential:
    """Linear layers with an activation between each two of them: x (n, sizes[0]) ↦ (n, sizes[-1]).

    Args:
        sizes: inputs, hidden units layer by layer, outputs; `[64, 32, 10]` has one hidden layer.
        activation: elu, gelu, identity, leaky_relu, relu, sigmoid, silu, softplus or tanh; a class
            of module; or a function of tensors, such as `lambda z: torch.sigmoid(z) - 0.5`.
        init: of the weights. "default" is PyTorch's, uniform in ±1/√fan_in, for the biases too.
            "he", "lecun" and "xavier" are normal with variance 2/fan_in, 1/fan_in and
            2/(fan_in + fan_out); "matched" has 1/(fan_in · s²), where s² is the mean squared slope
            of the activation just below and just above 0: 16/fan_in for the sigmoid, 1/fan_in for
            tanh, 2/fan_in for ReLU. A number is the standard deviation itself. Biases are then
            zero. "he-uniform" and so on have the same variance, but are uniform, with biases as by
            default.
        bias: whether the layers have biases.
        seed: of the initialisation; PyTorch's own generator is neither read nor moved.
        dtype: of the parameters.

    Raises:
        InputError: fewer than two sizes, a size below 1, an unknown activation or initialisation.

    Example:
        >>> mlp([64, 32, 10], activation="tanh")(torch.zeros(5, 64)).shape
        torch.Size([5, 10])

    Sources: He et al., Delving Deep into Rectifiers, 2015 ("he"); Glorot and Bengio, Understanding
    the Difficulty of Training Deep Feedforward Neural Networks, 2010 ("xavier").
    """
    many = isinstance(sizes, Sequence) and not isinstance(sizes, str)
    if not many or len(sizes) < 2 or any(type(n) is not int or n < 1 for n in sizes):  # noqa: PLR2004
        raise InputError(
            expected="two or more sizes, whole numbers from 1",
            got=repr(sizes),
            cure="write [inputs, hidden, outputs], such as [64, 32, 10]",
        )
    if not isinstance(bias, bool):
        raise InputError(expected="bias, True or False", got=repr(bias), cure="pass one of the two")
    draws = generator(seed, "initialisation")
    initialise = initialiser(init, partial(_module, activation))
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        # On "meta" nothing is drawn, so PyTorch's own generator does not move.
        empty = nn.Linear(fan_in, fan_out, bias=bias, dtype=dtype, device="meta")
        linear = empty.to_empty(device="cpu")
        initialise(linear, draws)
        layers += [linear, _module(activation)]
    return nn.Sequential(*layers[:-1])  # the last layer's outputs are logits


def count_parameters(model: nn.Module) -> int:
    """How many numbers training can change: the elements of all parameters that require grad.

    Example:
        >>> count_parameters(mlp([64, 32, 10]))  # 64·32 + 32 + 32·10 + 10
        2410
    """
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def _module(activation: Activation) -> nn.Module:
    if isinstance(activation, str):
        if activation not in _ACTIVATIONS:
            otherwise = "pass one of these, a class of nn.Module or a function of tensors"
            raise unknown_name(activation, _ACTIVATIONS, what="an activation", otherwise=otherwise)
        return _ACTIVATIONS[activation]()
    made = activation() if isinstance(activation, type) else activation
    if isinstance(made, nn.Module) and isinstance(activation, type):
        return made
    if isinstance(activation, type) or not callable(activation):
        raise InputError(
            expected="an activation by name, a class of nn.Module or a function of tensors",
            got=repr(activation),
            cure='pass activation="relu", nn.ReLU or torch.relu',
        )
    return Pointwise(activation)
