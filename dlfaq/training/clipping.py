"""Gradients scaled so that their norm stays below a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["clip_gradients"]

_ABOVE_ZERO = 1e-6  # so that no gradient is divided by 0; the same as in clip_grad_norm_


@torch.no_grad()
def clip_gradients(gradients: Sequence[Tensor], limit: float) -> None:
    r"""Scale the gradients of each replica in place: $g \leftarrow g \cdot \min(1, L / \|g\|)$.

    Args:
        gradients: one tensor for each parameter, (replicas, *shape).
        limit: $L$, for the joint norm of all gradients of a replica.

    Source: Pascanu, Mikolov and Bengio, On the Difficulty of Training Recurrent Neural Networks,
    2013.
    """
    norms = [torch.linalg.vector_norm(g.reshape(len(g), -1), dim=1) for g in gradients]
    norm = torch.linalg.vector_norm(torch.stack(norms), dim=0)  # (replicas,)
    factors = (limit / (norm + _ABOVE_ZERO)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factors.view(-1, *[1] * (gradient.ndim - 1)))
