"""What training leaves behind: losses and accuracies, and the weights."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from numpy.typing import NDArray

from dlfaq.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor, nn

__all__ = ["Curve", "Floats", "History"]

Floats = NDArray[np.float64]

_FAILS_BELOW = 0.5


@dataclass(frozen=True)
class Curve:
    """Mean loss and accuracy on one part of the data, shape (…, evaluations)."""

    loss: Floats
    accuracy: Floats

    def map(self, function: Callable[[Floats], Floats]) -> Curve:
        """The curve of `function` of both arrays."""
        return Curve(loss=function(self.loss), accuracy=function(self.accuracy))


@dataclass(frozen=True, repr=False)
class History:
    """One training run, or many: arrays then have leading axes, (replicas,) or (rates, replicas).

    Attributes:
        steps: the steps after which the model was evaluated, (evaluations,); the last is the end.
        curves: by part, "train", "validation", "test", those that were evaluated.
        batch_loss: mean loss of the batch of each step, before that step, (…, steps).
        weights: parameters and buffers at the end, by name, (…, *shape).
        classes: how many classes there are; chance accuracy is one in so many.
        how: "one by one", "stacked", or "loop: " and the reason why replicas were not stacked.
        template: a model with the same structure, used by `model`.

    Values that are not finite stay as they are; `non_finite` counts them.
    """

    steps: NDArray[np.int64]
    curves: Mapping[str, Curve]
    batch_loss: Floats
    weights: Mapping[str, Tensor]
    classes: int
    how: str
    template: nn.Module

    def __repr__(self) -> str:
        """In a line: "16 replicas of 400 steps, stacked; mean test accuracy 0.957"."""
        names = ("replicas", "rates")[: self.batch_loss.ndim - 1]
        runs = [f"{n} {name}" for n, name in zip(self.batch_loss.shape, names[::-1], strict=False)]
        said = f"{' × '.join(runs) or 'one run'} of {self.steps[-1]} steps, {self.how}"
        mean = "mean " if runs else ""
        ends = [
            f"{mean}{part} accuracy {self.final_accuracy(part).mean():.3g}" for part in self.curves
        ]
        return "; ".join([said, *ends[-1:]])

    @property
    def train(self) -> Curve:
        """Loss and accuracy on the training examples."""
        return self._curve("train")

    @property
    def validation(self) -> Curve:
        """Loss and accuracy on the validation examples."""
        return self._curve("validation")

    @property
    def test(self) -> Curve:
        """Loss and accuracy on the test examples."""
        return self._curve("test")

    @property
    def accuracy(self) -> Floats:
        """Test accuracy at the end, (…); a run that diverged counts at chance accuracy."""
        return self.final_accuracy("test")

    @property
    def non_finite(self) -> NDArray[np.int64]:
        """How many batch losses and evaluated losses of each run are NaN or infinite, (…)."""
        losses = [self.batch_loss, *(curve.loss for curve in self.curves.values())]
        counts = [np.count_nonzero(~np.isfinite(loss), axis=-1) for loss in losses]
        return np.asarray(np.sum(counts, axis=0), dtype=np.int64)

    @property
    def diverged(self) -> NDArray[np.bool_]:
        """Whether a loss of the run was NaN or infinite, (…)."""
        return np.asarray(self.non_finite > 0)

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Whether the run diverged or ended with a test accuracy below one half, (…)."""
        return np.asarray(self.accuracy < _FAILS_BELOW) | self.diverged

    def final_accuracy(self, part: str) -> Floats:
        """Accuracy on `part` at the end, (…); a run that diverged counts at chance accuracy."""
        accuracy = self._curve(part).accuracy[..., -1]
        return np.where(self.diverged, 1 / self.classes, accuracy)

    @classmethod
    def stack(cls, histories: Sequence[History], *, how: str) -> History:
        """Runs of one length as one history, whose arrays lead with (runs,); `how` is its `how`.

        All else is that of the first.
        """
        first = histories[0]
        curves = {
            part: Curve(
                loss=np.stack([run.curves[part].loss for run in histories]),
                accuracy=np.stack([run.curves[part].accuracy for run in histories]),
            )
            for part in first.curves
        }
        return replace(
            first,
            curves=curves,
            batch_loss=np.stack([run.batch_loss for run in histories]),
            weights={
                name: torch.stack([run.weights[name] for run in histories])
                for name in first.weights
            },
            how=how,
        )

    def map(self, arrays: Callable[[Floats], Floats], weights: Callable[[Tensor], Tensor]) -> Self:
        """The history with `arrays` of each loss and accuracy, and `weights` of each weight."""
        return replace(
            self,
            curves={part: curve.map(arrays) for part, curve in self.curves.items()},
            batch_loss=arrays(self.batch_loss),
            weights={name: weights(value) for name, value in self.weights.items()},
        )

    def by_rate(self, rates: int) -> Self:
        """The history with its first axis, (rates · replicas,), split into (rates, replicas)."""
        return self.map(
            lambda array: array.reshape(rates, -1, *array.shape[1:]),
            lambda weight: weight.reshape(rates, -1, *weight.shape[1:]),
        )

    def to(self, device: torch.device | str) -> Self:
        """The history with its weights on `device`."""
        return self.map(lambda array: array, lambda weight: weight.to(device))

    def model(self, *index: int) -> nn.Module:
        """The trained model of one run: `model(replica)`, or `model(rate, replica)`."""
        model = deepcopy(self.template)
        model.load_state_dict({name: values[index] for name, values in self.weights.items()})
        return model

    def _curve(self, part: str) -> Curve:
        if part not in self.curves:
            raise InputError(
                expected=f"a part that was evaluated, {' or '.join(self.curves)}",
                got=repr(part),
                cure="add it to parts=, or leave parts= out to evaluate all three",
            )
        return self.curves[part]
