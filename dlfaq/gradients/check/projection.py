"""Fixed random vectors: of the outputs, to make them one number, and of the inputs, to move all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

__all__ = ["direction", "flat", "projection"]


def flat(output: Any) -> Tensor:  # noqa: ANN401  (whatever a module returns)
    """All floating-point numbers of an output, in tuples, lists and dicts too, (n,)."""
    return torch.cat([torch.empty(0), *(tensor.flatten() for tensor in _tensors(output))])


def _tensors(output: Any) -> list[Tensor]:  # noqa: ANN401
    if isinstance(output, float):  # of a loss in NumPy, whose numbers are floats too
        return [torch.tensor(output, dtype=torch.float64)]
    if isinstance(output, Tensor):
        return [output] if output.is_floating_point() else []
    if isinstance(output, Mapping):
        output = list(output.values())
    if isinstance(output, tuple | list):
        return [tensor for part in output for tensor in _tensors(part)]
    return []


def projection(output: Tensor) -> Tensor:
    """A fixed vector of standard normal numbers, as long as `output`, of its type and device."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(len(output), generator=generator, dtype=torch.float64).to(output)


def direction(tensor: Tensor) -> Tensor:
    """A fixed random vector in the shape of `tensor`, of a length near n^¼ for n entries.

    Short enough for a step along it to stay near, long enough for one entry to count. Its entries
    have either sign and no two the same size, so that no pair of errors cancels exactly, such as
    those of a transposed matrix.
    """
    generator = torch.Generator().manual_seed(0)
    signs = 2 * torch.randint(2, tensor.shape, generator=generator) - 1
    sizes = 0.5 + torch.rand(tensor.shape, generator=generator, dtype=torch.float64)
    scale: float = tensor.numel() ** -0.25
    return (scale * signs * sizes).to(tensor)
