"""What a training loop keeps beside the model: DDP's buckets and averaged copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AveragedCopies", "Buckets"]

_FIRST_BYTES, _BYTES = 2**20, 25 * 2**20  # DDP's own: the first is small, so that it starts early


class Buckets:
    """The flat tensors in which `DistributedDataParallel` reduces gradients.

    They are made once and stay. Each gradient is copied into its bucket as soon as it is there;
    with `gradient_as_bucket_view` it is a view of the bucket from then on.

    Source: PyTorch, "DistributedDataParallel", its arguments `bucket_cap_mb` and
    `gradient_as_bucket_view`.

    Args:
        parameters: those with gradients, in the model's order; buckets are in the opposite one, as
            gradients become ready.
        views: gradients are views.
    """

    def __init__(self, parameters: Sequence[Tensor], *, views: bool) -> None:
        self._views = views
        self._place: dict[Tensor, Tensor] = {}
        self.flat: list[Tensor] = []
        for bucket in _buckets(parameters):
            flat = bucket[0].new_empty(sum(p.numel() for p in bucket), requires_grad=False)
            self.flat.append(flat)
            pieces = flat.split([p.numel() for p in bucket])
            self._place.update(
                (p, piece.view_as(p)) for p, piece in zip(bucket, pieces, strict=True)
            )

    @torch.no_grad()
    def take(self, parameter: Tensor) -> None:
        """Copy a gradient that is complete, or find it there already."""
        place, gradient = self._place[parameter], parameter.grad
        if gradient is None or gradient is place:
            return
        place.copy_(gradient)
        if self._views:
            parameter.grad = place


def _buckets(parameters: Sequence[Tensor]) -> list[list[Tensor]]:
    """Parameters of one type by bucket: one is closed as soon as it has reached its size."""
    buckets: list[list[Tensor]] = []
    for dtype in dict.fromkeys(p.dtype for p in parameters):
        room = 0
        for parameter in reversed([p for p in parameters if p.dtype == dtype]):
            if room <= 0:
                room = _BYTES if buckets else _FIRST_BYTES
                buckets.append([])
            buckets[-1].append(parameter)
            room -= parameter.numel() * parameter.element_size()
    return buckets


class AveragedCopies:
    """Copies of a model that follow it, as `torch.optim.swa_utils.AveragedModel` keeps them.

    Args:
        model: whose parameters and buffers are copied.
        n: how many copies.
    """

    def __init__(self, model: nn.Module, n: int) -> None:
        self._parameters: list[Tensor] = list(model.parameters())
        self._buffers = list(model.buffers())
        with torch.no_grad():
            self._averages = [[torch.empty_like(p) for p in self._parameters] for _ in range(n)]
            self._copied = [[torch.empty_like(b) for b in self._buffers] for _ in range(n)]

    @property
    def tensors(self) -> list[Tensor]:
        """All of them."""
        groups = [*self._averages, *self._copied]
        return [tensor for group in groups for tensor in group]

    @torch.no_grad()
    def update(self) -> None:
        """An exponential moving average of the parameters; the buffers as they are."""
        for averages, copied in zip(self._averages, self._copied, strict=True):
            torch._foreach_lerp_(averages, self._parameters, 0.001)
            for copy, buffer in zip(copied, self._buffers, strict=True):
                copy.copy_(buffer)
