"""In which order the examples are visited."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import torch

from dlfaq.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

__all__ = ["ORDERS", "Order", "batches"]

Order: TypeAlias = Literal["shuffled", "fixed", "by class", "round-robin"]
"""See `order` of `dlfaq.training.arguments.Training`."""

ORDERS: tuple[Order, ...] = get_args(Order)


def batches(
    labels: Sequence[Tensor], batch_size: int, seeds: Sequence[int], order: Order = "shuffled"
) -> Iterator[Tensor]:
    """Indices of the batches of all replicas, (replicas, batch_size), without end.

    The last examples of an epoch that do not fill a batch are left out of it, so that all batches
    have one size.

    Args:
        labels: of the training examples, (n,), for each seed; or of one set that all share.
        batch_size: examples per batch.
        seeds: of the replicas.
        order: of an epoch.
    """
    examples = len(labels[0])
    draws = [generator(seed, "order") for seed in seeds]
    own = [of_seed.cpu() for of_seed, _ in zip(cycle(labels), seeds, strict=False)]
    per_epoch = examples // batch_size
    epoch = None
    while True:
        if epoch is None or order == "shuffled":
            permutations = [torch.randperm(examples, generator=draw) for draw in draws]
            epoch = torch.stack(list(map(_ORDERED[order], permutations, own)))
        used = epoch[:, : per_epoch * batch_size]  # (replicas, per_epoch · batch_size)
        yield from used.reshape(len(seeds), per_epoch, batch_size).unbind(1)


def _as_drawn(permutation: Tensor, _: Tensor) -> Tensor:
    return permutation


def _by_class(permutation: Tensor, labels: Tensor) -> Tensor:
    return permutation[labels[permutation].argsort(stable=True)]


def _in_turn(permutation: Tensor, labels: Tensor) -> Tensor:
    """One of each class, then another of each, …; classes that have run out are passed over."""
    shuffled = labels[permutation]
    turns = torch.empty_like(shuffled)
    for label in shuffled.unique():
        members = shuffled == label
        turns[members] = torch.arange(int(members.sum()))
    # Sorted by the turn, and within a turn by the class: a stable sort by the lesser key first.
    within = shuffled.argsort(stable=True)
    return permutation[within[turns[within].argsort(stable=True)]]


_ORDERED = {
    "shuffled": _as_drawn,
    "fixed": _as_drawn,
    "by class": _by_class,
    "round-robin": _in_turn,
}
