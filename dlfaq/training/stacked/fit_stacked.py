"""Training replicas of one model as a single one: their losses are added, their steps are one."""

from __future__ import annotations

from itertools import cycle, islice, repeat
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap

from dlfaq.training.batches import batches
from dlfaq.training.class_weights import weights_for
from dlfaq.training.clipping import clip_gradients
from dlfaq.training.evaluation import cross_entropies
from dlfaq.training.history import History
from dlfaq.training.stacked.forward import slow_mapping
from dlfaq.training.stacked.stack import Stack
from dlfaq.training.stacked.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import nn

    from dlfaq.data.sets import Dataset, Examples
    from dlfaq.training.evaluation import Loss, Scores
    from dlfaq.training.plan import Plan

__all__ = ["fit_stacked"]


def fit_stacked(
    models: Sequence[nn.Module],
    datasets: Sequence[Dataset],
    plan: Plan,
    *,
    rates: Sequence[float],
    seeds: Sequence[int],
    watched: bool = False,
) -> History:
    """Train `models`, one for each rate and seed in this order, as `fit_plan` would train each.

    Args:
        models: of one structure; they are copied.
        datasets: one for each seed, or a single one for all.
        plan: its optimizer works element by element.
        rates: the learning rates.
        seeds: of the replicas of each rate.
        watched: whether to compare replicas with themselves alone on the way, see `Watch`.

    Returns:
        A history whose arrays lead with (rates · seeds,).

    Raises:
        Unlike: when watched, replicas do not come out as they do alone.
    """
    stack = Stack(models, seeds)
    watch = Watch(stack, plan, len(models), datasets) if watched else None
    source = _Source([data.train for data in datasets], len(models))
    update = plan.stepper(list(zip(rates, stack.groups(len(rates)), strict=True)))
    drawn = source.draw(plan, seeds)
    weights = _class_weights(plan, datasets, len(models))

    def step() -> Tensor:
        x, y = next(drawn)

        def backward() -> Tensor:
            if plan.zero_grad:
                stack.zero_grad()
            alone = watch.before_step() if watch else None
            means = _mean_losses(plan.loss, stack(x), y, weights)  # (replicas,)
            means.sum().backward()
            if watch and alone:
                watch.after_step(alone, x, y, means)
            if plan.clip is not None:
                gradients = [p.grad for p in stack.learned if p.grad is not None]
                clip_gradients(gradients, plan.clip)
            return means.detach()

        return update(backward)

    def evaluate() -> Scores:
        if watch is None:
            return stack.evaluate(datasets, plan)
        with watch.evaluation():
            return stack.evaluate(datasets, plan)

    with slow_mapping():
        curves, batch_loss = plan.run(
            step,
            evaluate,
            learned=stack.learned,
            settle=lambda: stack.measure_batch_norm(datasets),
        )
    return History(
        steps=np.array(plan.evaluated),
        curves=curves,
        batch_loss=batch_loss,
        weights=stack.weights(),
        classes=datasets[0].classes,
        how="stacked",
        template=stack.template.eval(),
    )


def _class_weights(plan: Plan, datasets: Sequence[Dataset], replicas: int) -> Tensor | None:
    """Of all replicas, (replicas, classes), or None."""
    of_sets = [weights_for(plan.class_weights, data) for data in datasets]
    given = [weights for weights in islice(cycle(of_sets), replicas) if weights is not None]
    return torch.stack(given) if given else None


def _mean_losses(loss: Loss, outputs: Tensor, y: Tensor, weights: Tensor | None) -> Tensor:
    """The mean loss of each replica, (replicas,), of outputs (replicas, batch, classes).

    Args:
        loss: of an example.
        outputs: of all replicas.
        y: labels of all, (replicas · batch,).
        weights: of the classes for each replica, (replicas, classes), or None.
    """
    if loss is cross_entropies:  # of each example alone, whichever stand beside it
        losses = loss(outputs.flatten(0, 1), y).view(outputs.shape[:2])
        if weights is None:
            return losses.mean(1)
        own = weights.gather(1, y.view(outputs.shape[:2]))
        return (losses * own / own.mean(1, keepdim=True)).mean(1)

    def mean(own: Tensor, labels: Tensor) -> Tensor:
        return loss(own, labels).mean()

    # Any other may look at its whole batch, which must not hold the examples of other replicas.
    means: Tensor = vmap(mean, randomness="error")(outputs, y.view(len(outputs), -1))
    return means


class _Source:
    """The training examples of all replicas, in one place so that one call draws all batches.

    Replica r reads data set r modulo their number: replicas that differ in the rate share theirs.
    """

    def __init__(self, parts: Sequence[Examples], replicas: int) -> None:
        self._labels = [part.y for part in parts]
        self._x = torch.cat([part.x for part in parts])  # (data sets · examples, …)
        self._y = torch.cat([part.y for part in parts])
        own = torch.arange(replicas).unsqueeze(1) % len(parts)
        self._start = own * len(parts[0].y)  # (replicas, 1)

    def draw(self, plan: Plan, seeds: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches without end: inputs (replicas, batch, …) and labels (replicas · batch,).

        Replicas of one seed have one order; without a batch size each batch is everything.
        """
        if plan.batch_size is None:
            return repeat(self._take(torch.arange(len(self._labels[0])).unsqueeze(0)))
        return map(self._take, batches(self._labels, plan.batch_size, seeds, plan.order))

    def _take(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        replicas = len(self._start)
        rows = indices.repeat(replicas // len(indices), 1) + self._start  # (replicas, batch)
        rows = rows.flatten().to(self._x.device)
        x = self._x.index_select(0, rows).unflatten(0, (replicas, -1))
        return x, self._y.index_select(0, rows)
