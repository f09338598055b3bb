"""Which bytes are alive after each operation, and what each of them is for.

A dispatch mode sees every operation of the step, backward and optimizer included, with real or with
fake tensors. It counts storages, not tensors, so that views and in-place operations cost nothing,
and a weak reference tells when one is freed. What is an activation is not guessed: PyTorch's hooks
on saved tensors say which storages the graph holds for the backward pass.
"""

from __future__ import annotations

import weakref
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from dlfaq.memory.convolutions import copies_bytes
from dlfaq.memory.scratch import promoted, unreduced_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

__all__ = ["KINDS", "Tracker"]

KINDS = (
    "parameters",
    "buffers",
    "gradients",
    "optimizer_state",
    "activations",
    "temporaries",
    "inputs",
    "ddp_buckets",
    "ema",
    "grad_scaler",
    "rounding",
)
"""What memory is for. `ema` are averaged copies of the model; `rounding` is what an allocator adds
to fill its smallest unit."""

_INDEX = {kind: i for i, kind in enumerate(KINDS)}
_ACTIVATIONS, _TEMPORARIES = _INDEX["activations"], _INDEX["temporaries"]
_ROUNDING = _INDEX["rounding"]


@dataclass
class _Block:
    """One storage: its bytes, its kind if that is settled, and how often the graph holds it.

    One that is outside lives elsewhere, such as on the host, and counts nothing.
    """

    size: int
    born: int  # how many rows there were
    settled: int | None = None
    saved: int = 0
    counted_as: int = _TEMPORARIES
    outside: bool = False
    unseen: int = 0  # bytes of it that a fake storage does not have
    reference: weakref.ref[torch.UntypedStorage] | None = None

    @property
    def kind(self) -> int:
        """The index of its kind now."""
        if self.settled is not None:
            return self.settled
        return _ACTIVATIONS if self.saved else _TEMPORARIES


class Tracker(TorchDispatchMode):
    """Counts bytes by kind after each operation.

    Args:
        unit: bytes are allocated in multiples of it; 1 where they are not rounded.
        copies_to_promote: as on the CPU, where a pointwise operation on two types of float first
            copies the smaller to the larger; a GPU's kernels convert as they read.

    Attributes:
        operations: for each row what it stands after: an operation that made or returned a tensor,
            "start", or the beginning of a phase, by its name.
        phases: each phase in its turn, and its first row.
    """

    def __init__(self, unit: int = 1, *, copies_to_promote: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[str] = []
        self.phases: list[tuple[str, int]] = []
        self._unit = unit
        self._copies_to_promote = copies_to_promote
        self._now = [0] * len(KINDS)
        self._rows: list[list[int]] = []
        self._with_copies = 0
        self._blocks: dict[int, _Block] = {}  # by the id of the storage, while it lives

    @property
    def timeline(self) -> npt.NDArray[np.int64]:
        """Bytes after each operation, shape (operations, kinds)."""
        return np.array(self._rows, dtype=np.int64).reshape(-1, len(KINDS))

    @property
    def copies_bytes(self) -> int:
        """How much the copies that convolutions may make add to the peak."""
        return max(0, self._with_copies - max(map(sum, self._rows), default=0))

    def settle(self, tensors: Sequence[Tensor], kind: str) -> None:
        """Say what these tensors are for; the first kind that a storage is given stands."""
        for tensor in _with_storage(tensors):
            block = self._block(tensor)
            if block is not None and block.settled is None:
                block.settled = _INDEX[kind]
                self._recount(block)

    def leave_out(self, tensors: Sequence[Tensor]) -> None:
        """These are not in the memory that is counted."""
        for tensor in tensors:
            block = self._block(tensor)
            if block is not None:
                self._add(block, self._now, -1)
                block.outside = True

    def release(self, block: _Block) -> None:
        """The graph holds a block once less."""
        block.saved -= 1
        self._recount(block, also_last_row=False)

    def begin(self, phase: str) -> None:
        """What follows belongs to this phase."""
        self.phases.append((phase, len(self._rows)))
        self._add_row(phase)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count what happens inside, with its first row the state at the start."""
        self._add_row("start")
        with saved_tensors_hooks(self._pack, _unpack), self:
            yield

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> Any:  # noqa: ANN401
        """Run the operation and count what it returns."""
        unreduced = unreduced_of(func, args)
        scratch = list(unreduced)
        if self._copies_to_promote:
            scratch += promoted(func, args)
        for tensor in scratch:
            self._block(tensor)
        outputs = func(*args, **(kwargs or {}))
        copies = copies_bytes(func, args, outputs)
        if unreduced:
            self._enlarge(outputs, unreduced[0])
        tensors = [output for output in tree_iter(outputs) if isinstance(output, Tensor)]
        for tensor in _with_storage(tensors):
            self._block(tensor)
        if tensors:
            self._add_row(func.name().split("::")[-1].split(".")[0])
            self._with_copies = max(self._with_copies, sum(self._now) + copies)
        return outputs

    def _add_row(self, operation: str) -> None:
        self.operations.append(operation)
        self._rows.append(self._now.copy())

    def _block(self, tensor: Tensor) -> _Block | None:
        storage = tensor.untyped_storage()
        key, size = id(storage), storage.nbytes()
        block = self._blocks.get(key)
        if block is None and size:
            block = self._blocks[key] = _Block(size, born=len(self._rows))
            block.reference = weakref.ref(storage, partial(self._free, key))
            self._add(block, self._now, 1)
        elif block is not None and block.size != size + block.unseen:  # resize_ keeps the storage
            self._add(block, self._now, -1)
            block.size = size + block.unseen
            self._add(block, self._now, 1)
        return block

    def _enlarge(self, tensor: Tensor, stored: Tensor) -> None:
        """A tensor has the storage of a larger one, of which it is the first number."""
        block = self._block(tensor)
        if block is not None:
            block.unseen = stored.untyped_storage().nbytes() - block.size
            self._block(tensor)

    def _add(self, block: _Block, row: list[int], sign: int) -> None:
        if block.outside:
            return
        row[block.counted_as] += sign * block.size
        row[_ROUNDING] += sign * (-block.size % self._unit)

    def _free(self, key: int, _: object) -> None:
        self._add(self._blocks.pop(key), self._now, -1)

    def _recount(self, block: _Block, *, also_last_row: bool = True) -> None:
        """Count a block as what it is by now.

        An operation's output is saved, or becomes a gradient, a moment after the operation. It was
        that when the last row was written, too.
        """
        rows = [] if block.outside else [self._now]
        if rows and also_last_row and block.born < len(self._rows):
            rows.append(self._rows[-1])
        for row in rows:
            row[block.counted_as] -= block.size
            row[block.kind] += block.size
        block.counted_as = block.kind

    def _pack(self, tensor: Tensor) -> _Saved:
        block = self._block(tensor)
        if block is not None:
            block.saved += 1
            self._recount(block)
        return _Saved(self, tensor, block)


class _Saved:
    """What the graph holds in place of a tensor; it is gone when the graph lets go."""

    def __init__(self, tracker: Tracker, tensor: Tensor, block: _Block | None) -> None:
        self.tensor = tensor
        self._tracker = tracker
        self._block = block

    def __del__(self) -> None:
        if self._block is not None:
            self._tracker.release(self._block)


def _with_storage(tensors: Sequence[Tensor]) -> Iterator[Tensor]:
    """All but sparse ones: what they are made of is in storages of the tensors they came from."""
    return (tensor for tensor in tensors if tensor.layout is torch.strided)


def _unpack(saved: _Saved) -> Tensor:
    return saved.tensor
