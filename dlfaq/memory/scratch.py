"""What PyTorch allocates inside of an operation, and a fake kernel does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["promoted", "unreduced_of"]

_REDUCED = (torch.ops.aten.mse_loss.default, torch.ops.aten.smooth_l1_loss.default)


def unreduced_of(func: torch._ops.OpOverload, args: Sequence[Any]) -> list[Tensor]:
    """What these losses compute for each number before they take the mean or the sum.

    PyTorch makes the result as large, too, and cuts it to one number afterwards: the storage stays.
    """
    if func not in _REDUCED or (len(args) > 2 and not args[2]):  # noqa: PLR2004 - reduction 0: none
        return []
    shape = torch.broadcast_shapes(args[0].shape, args[1].shape)
    return [args[0].new_empty(shape, dtype=torch.result_type(args[0], args[1]))]


def promoted(func: torch._ops.OpOverload, args: Sequence[object]) -> list[Tensor]:
    """The copies that a pointwise operation works on where its arguments are of two types.

    One of a single number has no say in the type and is no matter of memory.
    """
    if torch.Tag.pointwise not in func.tags:
        return []
    floats = [t for t in args if isinstance(t, Tensor) and t.dim() and t.is_floating_point()]
    largest = max((t.dtype for t in floats), key=lambda dtype: dtype.itemsize, default=None)
    return [torch.empty_like(t, dtype=largest) for t in floats if t.dtype != largest]
