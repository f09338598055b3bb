"""Mean weights over the last steps, and the statistics of batch norm that fit them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.func import functional_call

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["WeightAverage", "measure_batch_norm"]


class WeightAverage:
    """The mean of some tensors over the times at which it was told to add them.

    Source: Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging, 1992.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._tensors = [tensor.detach() for tensor in tensors]
        self._means = [torch.zeros_like(tensor) for tensor in self._tensors]
        self._count = 0

    def add(self) -> None:
        """Take in the tensors as they are now."""
        self._count += 1
        for mean, tensor in zip(self._means, self._tensors, strict=True):
            mean.add_((tensor - mean) / self._count)

    def write(self) -> None:
        """Put the means in the place of the tensors."""
        for mean, tensor in zip(self._means, self._tensors, strict=True):
            tensor.copy_(mean)


@torch.no_grad()
def measure_batch_norm(model: nn.Module, state: Mapping[str, Tensor], x: Tensor) -> None:
    """Set the running statistics of batch norm in `state` to those of all examples `x`.

    Those kept while training are of other weights than the mean ones. Dropout is off.

    Args:
        model: the structure; it is left in eval mode, and otherwise as it is.
        state: its parameters and buffers by name; the statistics among them change in place.
        x: the training inputs, (n, …).

    Source: Izmailov et al., Averaging Weights Leads to Wider Optima and Better Generalization,
    2018.
    """
    model.eval()
    norms = [
        module
        for module in model.modules()
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d)
    ]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0  # the statistics of this pass, and nothing of those before
    functional_call(model, dict(state), (x,))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
