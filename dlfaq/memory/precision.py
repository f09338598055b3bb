"""Weights and inputs of two bytes a number."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dlfaq.memory.hooks import carry_hooks

__all__ = ["in_half", "to_half"]


def to_half(model: nn.Module, dtype: torch.dtype) -> None:
    """What `model.to(dtype)` does, which fake tensors refuse."""
    made: dict[Tensor, Tensor] = {}  # what two layers share they share afterwards
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            if parameter not in made:
                half = in_half(parameter.detach(), dtype)
                made[parameter] = nn.Parameter(half, requires_grad=parameter.requires_grad)
                carry_hooks(parameter, made[parameter])
            setattr(module, name, made[parameter])
        for name, buffer in list(module.named_buffers(recurse=False)):
            setattr(module, name, made.setdefault(buffer, in_half(buffer, dtype)))


def in_half(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """The same in two bytes, if it is no integer."""
    return tensor.to(dtype) if tensor.is_floating_point() else tensor
