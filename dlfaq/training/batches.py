"""In which order the examples are visited."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from dlfaq.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

__all__ = ["batches"]


def batches(labels: Sequence[Tensor], batch_size: int, seeds: Sequence[int]) -> Iterator[Tensor]:
    """Indices of the batches of all replicas, (replicas, batch_size), without end.

    An epoch is a fresh permutation of the examples, its own for each seed. The last examples of an
    epoch that do not fill a batch are left out of it, so that all batches have one size.

    Args:
        labels: of the training examples, (n,), for each seed; or of one set that all share.
        batch_size: examples per batch.
        seeds: of the replicas.
    """
    examples = len(labels[0])
    draws = [generator(seed, "order") for seed in seeds]
    per_epoch = examples // batch_size
    while True:
        epoch = torch.stack([torch.randperm(examples, generator=own) for own in draws])
        used = epoch[:, : per_epoch * batch_size]  # (replicas, per_epoch · batch_size)
        yield from used.reshape(len(seeds), per_epoch, batch_size).unbind(1)
