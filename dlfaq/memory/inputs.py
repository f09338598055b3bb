"""Inputs of a model as shapes and types, before any of them is allocated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_iter, tree_map_only

from dlfaq.errors import InputError

__all__ = ["Inputs", "batch_of", "on_cpu", "parts_of", "shapes_of", "tensors_of"]

Inputs = tuple[tuple[Any, ...], dict[str, Any]]
"""Positional and keyword arguments of a model."""


def shapes_of(inputs: Tensor | Sequence[Any] | Mapping[str, Any], batch: int | None) -> Inputs:
    """The arguments with meta tensors for tensors, all of one batch size.

    Args:
        inputs: a tensor, a shape, a sequence of positional or a mapping of keyword arguments.
        batch: the length of the first dimension wherever it was the batch's; None leaves it.

    Raises:
        InputError: no tensor among them, or a batch size below 1.
    """
    if batch is not None and batch < 1:
        raise InputError(expected="a batch size of 1 or more", got=str(batch), cure="pass 1")
    if isinstance(inputs, Tensor):
        found: Inputs = ((inputs,), {})
    elif isinstance(inputs, Mapping):
        found = ((), dict(inputs))
    elif isinstance(inputs, Sequence) and inputs and all(type(n) is int for n in inputs):
        found = ((torch.empty(*inputs, device="meta"),), {})
    elif isinstance(inputs, Sequence) and not isinstance(inputs, str):
        found = (tuple(inputs), {})
    else:
        found = ((), {})
    if not any(tensor.dim() for tensor in tensors_of(found)):
        raise InputError(
            expected="a tensor with a batch dimension, a tuple or dict of arguments, or a shape",
            got=f"{type(inputs).__name__} without such a tensor",
            cure="pass for example torch.empty(32, 3, 224, 224), or the shape (32, 3, 224, 224)",
        )
    length = batch_of(found)

    def shape(tensor: Tensor) -> Tensor:
        if batch in (None, length) or not _is_batched(tensor, length):
            return torch.empty_strided(
                tensor.size(), tensor.stride(), dtype=tensor.dtype, device="meta"
            )
        return torch.empty(batch, *tensor.shape[1:], dtype=tensor.dtype, device="meta")

    shapes: Inputs = tree_map_only(Tensor, shape, found)
    return shapes


def tensors_of(inputs: Inputs) -> list[Tensor]:
    """The tensors among the arguments, in order."""
    return [item for item in tree_iter(inputs) if isinstance(item, Tensor)]


def batch_of(inputs: Inputs) -> int:
    """The length of the first dimension of the first tensor that has one."""
    return next(len(tensor) for tensor in tensors_of(inputs) if tensor.dim())


def on_cpu(tensor: Tensor) -> Tensor:
    """A new tensor of the same shape, type and order in memory; fake under a fake mode."""
    return torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device="cpu")


def parts_of(inputs: Inputs, n: int) -> list[Inputs]:
    """The batch in `n` parts, as views.

    Raises:
        InputError: the batch is shorter.
    """
    length = batch_of(inputs)
    if not 1 <= n <= length:
        raise InputError(
            expected=f"accumulation from 1 to {length}, the batch size",
            got=str(n),
            cure="pass a larger batch, or fewer parts",
        )
    if n == 1:
        return [inputs]

    def part(tensor: Tensor, i: int) -> Tensor:
        return tensor.tensor_split(n)[i] if _is_batched(tensor, length) else tensor

    parts: list[Inputs] = [tree_map_only(Tensor, partial(part, i=i), inputs) for i in range(n)]
    return parts


def _is_batched(tensor: Tensor, length: int) -> bool:
    return tensor.dim() > 0 and len(tensor) == length
