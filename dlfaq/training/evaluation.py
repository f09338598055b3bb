"""How well a model does on the parts of a data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from dlfaq.training.history import Floats

if TYPE_CHECKING:
    from dlfaq.data.sets import Dataset

__all__ = ["PARTS", "Loss", "Scores", "cross_entropies", "measure"]

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Outputs (n, classes) and labels (n,) to one loss per example, (n,)."""

Scores: TypeAlias = Mapping[str, Floats]
"""By part: mean loss and accuracy, (2,) for one model and (replicas, 2) for many."""

PARTS = ("train", "validation", "test")

_FEW_CLASSES = 16


def cross_entropies(outputs: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of each example, −log softmax(outputs)[label]: (n, classes), (n,) ↦ (n,)."""
    if outputs.shape[1] >= _FEW_CLASSES:
        return cross_entropy(outputs, labels, reduction="none")
    # Rows shorter than the vector unit are slow, 3 to 4 times for 10 classes, so with the classes
    # on the first axis; the numbers are the same.
    by_class = outputs.T.contiguous().unsqueeze(0)  # (1, classes, n): one image of n pixels
    return cross_entropy(by_class, labels.unsqueeze(0), reduction="none").squeeze(0)


@torch.no_grad()
def measure(
    model: Callable[[Tensor], Tensor], data: Dataset, parts: Sequence[str], loss: Loss
) -> Scores:
    """Mean loss and accuracy of `model` on each of `parts`."""
    scores = {}
    for part in parts:
        x, y = getattr(data, part)
        outputs = model(x)
        hits = outputs.argmax(-1) == y
        scores[part] = np.array([loss(outputs, y).mean().item(), hits.double().mean().item()])
    return scores
