"""Cross-entropy in which classes count with weights."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import torch
from torch import Tensor

from dlfaq.errors import InputError
from dlfaq.training.checks import is_number
from dlfaq.training.evaluation import cross_entropies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlfaq.data.sets import Dataset
    from dlfaq.training.evaluation import Loss

__all__ = ["ClassWeights", "check_class_weights", "weighted", "weights_for"]

ClassWeights: TypeAlias = "Sequence[float] | Literal['balanced']"
"""See `class_weights` of `dlfaq.training.arguments.Training`."""


def weighted(weights: Tensor) -> Loss:
    r"""The loss whose mean over a batch is $\sum w_{y_i} l_i / \sum w_{y_i}$, as PyTorch has it.

    Args:
        weights: of the classes, (classes,).
    """

    def losses(outputs: Tensor, labels: Tensor) -> Tensor:
        own = weights[labels]
        return cross_entropies(outputs, labels) * own / own.mean()

    return losses


def weights_for(chosen: ClassWeights | None, data: Dataset) -> Tensor | None:
    """The weights to train with on `data`, (classes,); None for none.

    "balanced" gives a class that has m of n training examples, in c classes, the weight n/(c·m).

    Raises:
        InputError: "balanced", and a class has no training example.
    """
    x, y = data.train
    if chosen is None:
        return None
    if chosen != "balanced":
        return torch.as_tensor(chosen, dtype=x.dtype, device=x.device)
    counts = torch.bincount(y, minlength=data.classes)
    if not counts.all():
        raise InputError(
            expected="training examples of each class for balanced weights",
            got=f"none of class {int((counts == 0).nonzero()[0])}",
            cure="split within classes, or pass a list of weights",
        )
    balanced: Tensor = len(y) / (data.classes * counts)
    return balanced.to(x.dtype)


def check_class_weights(chosen: object, loss: object) -> ClassWeights | None:
    """The weights that were given as such.

    Raises:
        InputError: they are no numbers from 0, all are 0, or there is a loss of one's own.
    """
    weights: ClassWeights | None
    if chosen is None:
        weights = None
    elif isinstance(chosen, str) and chosen == "balanced":
        weights = "balanced"
    else:
        weights = _numbers(chosen)
    if weights is not None and loss is not None:
        raise InputError(
            expected="class_weights with cross-entropy",
            got="a loss of one's own beside them",
            cure="leave loss= out, or weight the examples in it",
        )
    return weights


def _numbers(chosen: object) -> list[float]:
    listed = isinstance(chosen, Iterable) and not isinstance(chosen, str | dict)
    weights: list[Any] = list(chosen) if listed else []  # type: ignore[call-overload]
    weights = [value.item() if isinstance(value, Tensor) else value for value in weights]
    good = all(is_number(weight) and 0 <= weight < math.inf for weight in weights)
    if not good or not any(weights):
        raise InputError(
            expected='class_weights, a number from 0 for each class, or "balanced"',
            got=repr(chosen),
            cure="pass class_weights=[1.0, 2.0], in the order of the labels",
        )
    return weights
