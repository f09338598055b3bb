"""What is known of GPUs by their names: data, each with its source, and nothing that is guessed.

- Compute capability: NVIDIA, "CUDA GPUs".
- cuBLAS workspace: PyTorch, "CUDA semantics", cuBLAS workspaces, and `parseChosenWorkspaceSize` in
  its CublasHandlePool.cpp: 32 MiB for compute capability 9, 10 and 12, else `:4096:2:16:8`.
- Context: what `nvidia-smi` showed of a process that had done nothing on the GPU yet. Since CUDA
  11.7 kernels are loaded when they are first called, so it grows a little; before, all of PyTorch's
  were loaded at once, which took 0.7 to 1.7 GB (pytorch/pytorch#55277, #107667).
- Reserve: pairs of `max_memory_allocated` and `max_memory_reserved` that somebody published.
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import NamedTuple

from dlfaq.errors import InputError

__all__ = ["CONTEXTS", "RESERVES", "Gpu", "Measured", "gpu_named", "least_and_most_cublas"]

_MIB = 2**20
_CAPABILITIES = {
    "p100": (6, 0),
    "gtx1080": (6, 1),
    "v100": (7, 0),
    "t4": (7, 5),
    "rtx2080": (7, 5),
    "a100": (8, 0),
    "a10": (8, 6),
    "a6000": (8, 6),
    "rtx3090": (8, 6),
    "l4": (8, 9),
    "l40": (8, 9),
    "l40s": (8, 9),
    "rtx4090": (8, 9),
    "rtx6000ada": (8, 9),
    "h100": (9, 0),
    "h200": (9, 0),
    "b200": (10, 0),
    "rtx5090": (12, 0),
}
_LARGE_CUBLAS, _CUBLAS = 32 * _MIB, (2 * 4096 + 8 * 16) * 2**10
_FIRST_LARGE_CUBLAS = 9
_FIRST_TENSOR_CORES, _FIRST_TF32 = 7, 8


class Measured(NamedTuple):
    """A figure that somebody measured, and where it stands."""

    on: str
    figure: float
    source: str


CONTEXTS = (
    Measured("rtx3090", 256 * _MIB, "invoke-ai/InvokeAI#9413, PyTorch 2.7, CUDA 12.8"),
    Measured("rtx6000ada", 426 * _MIB, "unslothai/unsloth-zoo#1053, PyTorch 2.10, CUDA 13.0"),
)
"""Bytes of a process's context, with kernels loaded when they are called."""

RESERVES = (
    Measured("BERT, training", 2497.708 / 2195.345, "Hugging Face, optimum-benchmark/rocm"),
    Measured("GPT-2, training", 2894.070 / 2506.737, "Hugging Face, optimum-benchmark/rocm"),
    Measured("Stable Diffusion, inference", 8942.256 / 7783.721, "the same"),
)
"""What PyTorch had reserved at most, as a multiple of what was allocated at most."""


class Gpu(NamedTuple):
    """A kind of GPU.

    Attributes:
        name: as on the command line.
        capability: major and minor number.
    """

    name: str
    capability: tuple[int, int]

    @property
    def cublas_bytes(self) -> int:
        """One workspace of cuBLAS, unless CUBLAS_WORKSPACE_CONFIG says otherwise."""
        return _LARGE_CUBLAS if self.capability[0] >= _FIRST_LARGE_CUBLAS else _CUBLAS

    def has_tensor_cores_for(self, precision: str) -> bool:
        """Whether its convolutions run on tensor cores by default, with float32 as TF32."""
        first = _FIRST_TF32 if precision == "fp32" else _FIRST_TENSOR_CORES
        return self.capability[0] >= first


def gpu_named(name: str) -> Gpu:
    """The GPU of a name such as "h100", "A100-80GB" or "RTX 4090".

    Raises:
        InputError: nothing is known of it.
    """
    words = re.findall(r"[a-z0-9]+", name.lower())
    runs = ["".join(words[i:j]) for i, j in combinations(range(len(words) + 1), 2)]
    # "a10g" is an A10; an "a1000" is neither an A100 nor an A10, so no digit may follow.
    known = [key for key in _CAPABILITIES if any(re.fullmatch(f"{key}[a-z]*", r) for r in runs)]
    if not known:
        raise InputError(
            expected=f"a GPU among {', '.join(_CAPABILITIES)}",
            got=repr(name),
            cure="leave it out: then the range over all of them is given",
        )
    key = max(known, key=len)
    return Gpu(key, _CAPABILITIES[key])


def least_and_most_cublas() -> tuple[int, int]:
    """One workspace of cuBLAS, over all GPUs."""
    return _CUBLAS, _LARGE_CUBLAS
