"""What cuBLAS keeps on a GPU beside the tensors of a step.

PyTorch gives cuBLAS a workspace when a thread first multiplies matrices, and never takes it back:
one for each handle and stream, and each thread has a handle of its own. The backward pass runs in a
thread of its own, so a step of training has two of them, one of inference has one.

Their size depends on the GPU: see `dlfaq.memory.gpus`.

Source: PyTorch, "CUDA semantics", cuBLAS workspaces. As of 2.14; from 2.15 on a workspace is given
back after each product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["own_workspace_bytes", "workspaces"]

_PRODUCTS = {
    "_scaled_mm",
    "addbmm",
    "addmm",
    "addmv",
    "baddbmm",
    "bmm",
    "dot",
    "linear",
    "matmul",
    "mm",
    "mv",
    "vdot",
}


def workspaces(operations: Sequence[str], phases: Sequence[tuple[str, int]]) -> int:
    """How many workspaces a step has.

    Args:
        operations: its operations, as a profile has them.
        phases: "forward", "backward" and "optimizer" in their turn, each with its first row.
    """
    ends = [first for _, first in phases[1:]] + [len(operations)]
    threads = {
        "backward" if phase == "backward" else "main"
        for (phase, first), end in zip(phases, ends, strict=True)
        if not _PRODUCTS.isdisjoint(name.removesuffix("_") for name in operations[first:end])
    }
    return len(threads)


def own_workspace_bytes() -> int:
    """Bytes of one workspace on the GPU at hand, after CUBLAS_WORKSPACE_CONFIG if it is set."""
    size: int = torch.backends.cuda.cublas_workspace_size()
    return size
