"""Watching the layers of a model without changing it."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.func import functional_call

from dlfaq.errors import InputError

__all__ = ["Layers", "forward_quietly", "leaves"]

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


@torch.no_grad()
def forward_quietly(model: nn.Module, x: Tensor) -> None:
    """Run the model for its hooks; buffers and the random generator stay as they are."""
    with torch.random.fork_rng(devices=[]):
        functional_call(model, {name: b.clone() for name, b in model.named_buffers()}, (x,))
