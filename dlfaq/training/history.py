"""What training leaves behind: losses and accuracies, and the weights."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

__all__ = ["Curve", "Floats", "History"]

Floats = NDArray[np.float64]

_FAILS_BELOW = 0.5


@dataclass(frozen=True)
class Curve:
    """Mean loss and accuracy on one part of the data, shape (…, evaluations)."""

    loss: Floats
    accuracy: Floats


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
        return self.curves["train"]

    @property
    def validation(self) -> Curve:
        """Loss and accuracy on the validation examples."""
        return self.curves["validation"]

    @property
    def test(self) -> Curve:
        """Loss and accuracy on the test examples."""
        return self.curves["test"]

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
        accuracy = self.curves[part].accuracy[..., -1]
        return np.where(self.diverged, 1 / self.classes, accuracy)

    def model(self, *index: int) -> nn.Module:
        """The trained model of one run: `model(replica)`, or `model(rate, replica)`."""
        model = deepcopy(self.template)
        model.load_state_dict({name: values[index] for name, values in self.weights.items()})
        return model
