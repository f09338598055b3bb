"""How to train: how long, in which batches, with which optimizer and loss, evaluated when.

One model and many stacked ones follow the same plan, which is how they come to the same weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch.optim import LBFGS
from tqdm import tqdm

from dlfaq.training.averaging import WeightAverage
from dlfaq.training.class_weights import weighted, weights_for
from dlfaq.training.history import Curve, Floats
from dlfaq.training.optimizers import build_optimizer
from dlfaq.training.schedulers import build_schedulers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torch import Tensor

    from dlfaq.data.sets import Dataset
    from dlfaq.training.batches import Order
    from dlfaq.training.class_weights import ClassWeights
    from dlfaq.training.evaluation import Loss, Scores
    from dlfaq.training.optimizers import Optimizer
    from dlfaq.training.schedulers import Scheduler

__all__ = ["Plan"]

_SHOWN_AFTER_S = 1


@dataclass(frozen=True)
class Plan:
    """`steps` steps on batches of `batch_size` (None: all examples), evaluated after some.

    At the end the mean weights of the last `averaged` steps are evaluated; with 0, the weights. The
    scheduler is stepped after each `scheduled_every` steps.
    The other attributes are those of `Training`.
    """

    steps: int
    batch_size: int | None
    evaluated: tuple[int, ...]
    parts: Sequence[str]
    optimizer: Optimizer
    options: Mapping[str, Any]
    scheduler: Scheduler | None
    scheduler_options: Mapping[str, Any]
    scheduled_every: int
    loss: Loss
    class_weights: ClassWeights | None
    order: Order
    zero_grad: bool
    clip: float | None
    averaged: int

    def loss_on(self, data: Dataset) -> Loss:
        """The loss of one who learns from `data`, with the weights of its classes."""
        weights = weights_for(self.class_weights, data)
        return self.loss if weights is None else weighted(weights)

    def stepper(
        self, groups: Sequence[tuple[float, Iterable[Tensor]]]
    ) -> Callable[[Callable[[], Tensor]], Tensor]:
        """What makes one step of groups of (learning rate, parameters), and of their schedulers.

        It takes a function that sets the gradients and returns the losses, and returns these. LBFGS
        calls the function several times, all others once.
        """
        optimizer = build_optimizer(self.optimizer, self.options, groups)
        schedulers: list[Any] = []
        if self.scheduler is not None:
            total = -(-self.steps // self.scheduled_every)  # rounded up
            schedulers = build_schedulers(self.scheduler, self.scheduler_options, optimizer, total)
        done = 0

        def step(backward: Callable[[], Tensor]) -> Tensor:
            nonlocal done
            if isinstance(optimizer, LBFGS):
                losses: Tensor = optimizer.step(backward)  # before the step, as for the others
            else:
                losses = backward()
                optimizer.step()
            done += 1
            if done % self.scheduled_every == 0:
                for scheduler in schedulers:
                    scheduler.step()
            return losses

        return step

    def run(
        self,
        step: Callable[[], Tensor],
        evaluate: Callable[[], Scores],
        *,
        learned: Sequence[Tensor],
        settle: Callable[[], None],
    ) -> tuple[dict[str, Curve], Floats]:
        """Call `step`, and `evaluate` when it is time; a terminal shows progress after a second.

        Args:
            step: makes a step and returns the losses before it, (…).
            evaluate: measures the model as it is.
            learned: the parameters that change, of which the mean is taken.
            settle: called once the mean weights stand in their place, before the last evaluation.

        Returns:
            A curve for each part, and the losses of the batches, (…, steps).
        """
        losses: Tensor | None = None
        mean = WeightAverage(learned) if self.averaged else None
        scores = [evaluate()] if self.evaluated[0] == 0 else []
        for done in tqdm(range(1, self.steps + 1), disable=None, delay=_SHOWN_AFTER_S, leave=False):
            loss = step()
            if losses is None:  # a tensor per step would take a hundred times the memory
                losses = loss.new_empty(self.steps, *loss.shape)
            losses[done - 1] = loss
            if mean and done > self.steps - self.averaged:
                mean.add()
            if mean and done == self.steps:
                mean.write()
                settle()
            if done in self.evaluated:
                scores.append(evaluate())
        curves = {}
        for part in scores[0]:
            values = np.stack([score[part] for score in scores], -1)  # (…, 2, evaluations)
            curves[part] = Curve(loss=values[..., 0, :], accuracy=values[..., 1, :])
        assert losses is not None  # there is at least one step
        return curves, losses.movedim(0, -1).cpu().double().numpy()
