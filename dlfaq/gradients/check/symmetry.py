"""Symmetric matrices, of which some functions read one triangle and all differentiate both.

Cholesky's gradient is that along changes that keep the matrix symmetric. Entry by entry it cannot
agree: of two mirror images the function reads one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from dlfaq.gradients.check.lines import Direction, Entry
from dlfaq.gradients.check.reals import reals

if TYPE_CHECKING:
    from torch import Tensor

    from dlfaq.gradients.check.problem import Problem

__all__ = ["symmetric_lines"]


def symmetric_lines(
    problem: Problem, name: str, gradient: Tensor, most: int
) -> list[tuple[Entry, Direction]]:
    """Lines that move an entry of the lower triangle with its mirror image, `most` of them.

    Of a triangular matrix they move the entries of its triangle alone. None if it is neither.
    """
    tensor = reals(problem.variables[name])
    if tensor.ndim < 2 or tensor.shape[-1] != tensor.shape[-2]:  # noqa: PLR2004
        return []
    symmetric = torch.allclose(tensor, tensor.mT, rtol=1e-10, atol=0)
    if not symmetric and tensor.triu(1).any():
        return []
    lines = []
    for index in torch.ones_like(tensor).tril().nonzero().tolist()[:most]:
        *batch, i, j = index
        unit = torch.zeros_like(tensor)
        unit[tuple(index)] = 1
        if symmetric:
            unit[(*batch, j, i)] = 1
        entry = Entry(problem, name, gradient, index=tuple(index))
        lines.append((entry, Direction(problem, name, gradient, direction=unit)))
    return lines
