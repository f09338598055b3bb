"""Watching the layers of a model without changing it."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._pytree import tree_leaves

from dlfaq.errors import InputError
from dlfaq.seeding import generators_kept

__all__ = ["Layers", "forward_quietly", "leaves", "numbers"]

Layers: TypeAlias = type[nn.Module] | tuple[type[nn.Module], ...]
"""Types of the modules to watch."""


def leaves(model: nn.Module, layers: Layers) -> dict[str, nn.Module]:
    """The modules of these types without children, by qualified name, in the order of the model.

    Raises:
        InputError: there is none, or `layers` are no types of modules.
    """
    types = layers if isinstance(layers, tuple) else (layers,)
    if not all(isinstance(t, type) and issubclass(t, nn.Module) for t in types):
        raise InputError(
            expected="a type of modules or a tuple of them as layers=",
            got=repr(layers),
            cure="for instance nn.ReLU, or (nn.ReLU, nn.Tanh)",
        )
    found = {
        name: layer
        for name, layer in model.named_modules()
        if isinstance(layer, layers) and not any(layer.children())
    }
    if not found:
        names = ", ".join(t.__name__ for t in types)
        raise InputError(
            expected=f"a model with a layer of type {names} that holds no other layers",
            got=f"a {type(model).__name__} without one",
            cure="write activations as modules, such as nn.ReLU(), and name their type in layers=",
        )
    return found


def numbers(output: object) -> Tensor:
    """All floating-point numbers of a layer's output, in tuples, lists and dicts too, (n,)."""
    tensors = [leaf for leaf in tree_leaves(output) if isinstance(leaf, Tensor)]
    floats = [tensor.flatten() for tensor in tensors if tensor.is_floating_point()]
    return torch.cat(floats) if floats else torch.empty(0)


@torch.no_grad()
def forward_quietly(model: nn.Module, x: Tensor) -> None:
    """Run the model for its hooks; buffers and the random generators stay as they are."""
    with generators_kept():
        functional_call(model, {name: b.clone() for name, b in model.named_buffers()}, (x,))
