"""Fixed random vectors: of the outputs, to make them one number, and of the inputs, to move all."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

__all__ = ["direction", "flat", "projection"]


def flat(output: object) -> Tensor:
    """All floating-point numbers of an output, in tuples, lists and dicts too, (n,)."""
    numbers = [torch.empty(0)]
    for leaf in tree_leaves(output):
        if isinstance(leaf, float):  # of a loss in NumPy, whose numbers are floats too
            numbers.append(torch.tensor([leaf], dtype=torch.float64))
        elif isinstance(leaf, Tensor) and leaf.is_floating_point():
            numbers.append(leaf.flatten())
    return torch.cat(numbers)


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
