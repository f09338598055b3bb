"""The real numbers of a tensor, whatever its layout: what a check moves, and what it compares."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["gradient_reals", "reals"]


def reals(leaf: Tensor) -> Tensor:
    """A strided real tensor that shares its memory with `leaf`, outside of autograd.

    Of a complex tensor the parts stand along a last axis; of a sparse one only the values that are
    stored are numbers that can move.
    """
    tensor = leaf.detach()
    if tensor.layout == torch.sparse_coo:
        tensor = tensor._values()  # noqa: SLF001  (values() wants a coalesced copy)
    elif tensor.layout != torch.strided:
        tensor = tensor.values()
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def gradient_reals(gradient: Tensor, leaf: Tensor) -> Tensor:
    """The numbers of a gradient for `leaf`, in the order of `reals(leaf)`."""
    tensor = gradient.detach()
    if leaf.layout == torch.strided:
        tensor = tensor if tensor.layout == torch.strided else tensor.to_dense()
    else:
        where = leaf.detach()
        where = where if where.layout == torch.sparse_coo else where.to_sparse_coo()
        dense = tensor if tensor.layout == torch.strided else tensor.to_dense()
        tensor = dense[tuple(where._indices())]  # noqa: SLF001
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
