"""Fixed random vectors: of the outputs, to make them one number, and of the inputs, to move all.

Their streams are their own: a vector that happens to be the input, because both were drawn from
seed 0, makes a transposed gradient look right.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from dlfaq.seeding import generator

__all__ = ["direction", "flat", "projection"]


def flat(output: object) -> Tensor:
    """All floating-point numbers of an output, in tuples, lists and dicts too, (n,).

    Of complex numbers both parts, of sparse tensors the zeros too.
    """
    numbers = [torch.empty(0)]
    for leaf in tree_leaves(output):
        if isinstance(leaf, float):  # of a loss in NumPy, whose numbers are floats too
            numbers.append(torch.tensor([leaf], dtype=torch.float64))
        elif isinstance(leaf, Tensor) and (leaf.is_floating_point() or leaf.is_complex()):
            dense = leaf if leaf.layout == torch.strided else leaf.to_dense()
            real = torch.view_as_real(dense.resolve_conj()) if dense.is_complex() else dense
            numbers.append(real.flatten())
    return torch.cat(numbers)


def projection(output: Tensor) -> Tensor:
    """A fixed vector of standard normal numbers, as long as `output`, of its device.

    In double precision even where the outputs are not, for them to be summed up exactly.
    """
    stream = generator(0, "gradient check: outputs")
    drawn = torch.randn(len(output), generator=stream, dtype=torch.float64)
    return drawn.to(output.device)


def direction(tensor: Tensor, number: int = 0) -> Tensor:
    """One of several fixed random vectors in the shape of `tensor`, n^¼ long for n entries.

    Short enough for a step along it to stay near, long enough for one entry to count. Its entries
    have either sign and no two the same size, so that no pair of errors cancels exactly, such as
    those of a transposed matrix. What is not finite does not move.
    """
    stream = generator(number, "gradient check: directions")
    signs = 2 * torch.randint(2, tensor.shape, generator=stream) - 1
    sizes = 0.5 + torch.rand(tensor.shape, generator=stream, dtype=torch.float64)
    scale: float = tensor.numel() ** -0.25
    return (scale * signs * sizes).to(tensor).masked_fill(~tensor.isfinite(), 0)
