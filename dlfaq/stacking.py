"""Replicas of one model trained as a single one: stacked parameters, one forward pass for all."""

from __future__ import annotations

from functools import partial
from itertools import cycle, islice, repeat
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state

from dlfaq.batched import Batched
from dlfaq.evaluation import measure
from dlfaq.history import History
from dlfaq.plan import batches
from dlfaq.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlfaq.data import Dataset, Examples
    from dlfaq.evaluation import Scores
    from dlfaq.plan import Plan

__all__ = ["Stack", "fit_stacked"]


def fit_stacked(
    models: Sequence[nn.Module],
    datasets: Sequence[Dataset],
    plan: Plan,
    *,
    rates: Sequence[float],
    seeds: Sequence[int],
) -> History:
    """Train `models`, one for each rate and seed in this order, as `fit_plan` would train each.

    Args:
        models: of one structure; they are copied.
        datasets: one for each seed, or a single one for all.
        plan: its optimizer works element by element.
        rates: the learning rates.
        seeds: of the replicas of each rate.

    Returns:
        A history whose arrays lead with (rates · seeds,).
    """
    stack = Stack(models, seeds)
    source = _Source([data.train for data in datasets], len(models))
    # A group takes one rate only (torch.optim refuses a vector of them), so each rate has a group
    # of slices of the stacked tensors: what an elementwise optimizer does to them is the same.
    n = len(seeds)
    update = plan.stepper([(rate, stack.slices(k * n, k * n + n)) for k, rate in enumerate(rates)])
    drawn = source.draw(plan.batch_size, seeds)

    def step() -> Tensor:
        x, y = next(drawn)

        def backward() -> Tensor:
            if plan.zero_grad:
                stack.zero_grad()
            losses = plan.loss(stack(x).flatten(0, 1), y)  # (replicas · batch,)
            means = losses.view(x.shape[:2]).mean(1)  # (replicas,)
            means.sum().backward()
            return means.detach()

        return update(backward)

    curves, batch_loss = plan.run(step, lambda: stack.evaluate(datasets, plan))
    return History(
        steps=np.array(plan.evaluated),
        curves=curves,
        batch_loss=batch_loss,
        weights=stack.weights(),
        classes=datasets[0].classes,
        how="stacked",
        template=stack.template.eval(),
    )


class Stack:
    """The parameters and buffers of all replicas, and the pass over them.

    Args:
        models: the replicas, for one rate after the other.
        seeds: of the replicas of one rate.
    """

    def __init__(self, models: Sequence[nn.Module], seeds: Sequence[int]) -> None:
        self.template = models[0]
        self._replicas = len(models)
        parameters, buffers = stack_module_state([model.train() for model in models])
        self._state: dict[str, Tensor] = {**parameters, **buffers}
        self._learned = [value for value in parameters.values() if value.requires_grad]
        # Gradients have a place of their own from the start: backward() adds into it, so that the
        # optimizer's slices see it, and so that not clearing it is exactly what forgetting does.
        for parameter in self._learned:
            parameter.grad = torch.zeros_like(parameter)
        # Replicas of one seed draw alike, whatever their rate.
        noise = [generator(seed, "noise") for seed in islice(cycle(seeds), len(models))]
        self._batched = Batched(self.template, self._state, noise)

    def __call__(self, x: Tensor) -> Tensor:
        """Outputs (replicas, n, classes) for inputs (replicas, n, …)."""
        return self._batched(x)

    def slices(self, start: int, end: int) -> list[Tensor]:
        """What some replicas learn, with their gradients, sharing the memory of the stack."""
        slices = []
        for parameter in self._learned:
            assert parameter.grad is not None
            part = parameter.detach()[start:end]
            part.grad = parameter.grad[start:end]
            slices.append(part)
        return slices

    def zero_grad(self) -> None:
        """Clear all gradients, where they are."""
        for parameter in self._learned:
            assert parameter.grad is not None
            parameter.grad.zero_()

    def weights(self) -> dict[str, Tensor]:
        """What `state_dict` of a replica holds, by name, (replicas, *shape)."""
        return {name: self._state[name].detach() for name in self.template.state_dict()}

    def evaluate(self, datasets: Sequence[Dataset], plan: Plan) -> Scores:
        """Measure one replica after the other: a whole part is enough work for one call."""
        self.template.eval()
        state = {name: value.detach() for name, value in self._state.items()}
        measured = []
        for replica in range(self._replicas):
            own = {name: value[replica] for name, value in state.items()}
            data = datasets[replica % len(datasets)]
            measured.append(measure(partial(self._call, own), data, plan.parts, plan.loss))
        self.template.train()
        return {part: np.stack([scores[part] for scores in measured]) for part in plan.parts}

    def _call(self, state: dict[str, Tensor], x: Tensor) -> Tensor:
        outputs: Tensor = functional_call(self.template, state, (x,))
        return outputs


class _Source:
    """The training examples of all replicas, in one place so that one call draws all batches.

    Replica r reads data set r modulo their number: replicas that differ in the rate share theirs.
    """

    def __init__(self, parts: Sequence[Examples], replicas: int) -> None:
        self._examples = len(parts[0].y)
        self._x = torch.cat([part.x for part in parts])  # (data sets · examples, …)
        self._y = torch.cat([part.y for part in parts])
        own = torch.arange(replicas).unsqueeze(1) % len(parts)
        self._start = own * self._examples  # (replicas, 1)

    def draw(self, batch_size: int | None, seeds: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches without end: inputs (replicas, batch, …) and labels (replicas · batch,).

        Replicas of one seed have one order; without a batch size each batch is everything.
        """
        if batch_size is None:
            return repeat(self._take(torch.arange(self._examples).unsqueeze(0)))
        return map(self._take, batches(self._examples, batch_size, seeds))

    def _take(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        replicas = len(self._start)
        rows = indices.repeat(replicas // len(indices), 1) + self._start  # (replicas, batch)
        rows = rows.flatten().to(self._x.device)
        x = self._x.index_select(0, rows).unflatten(0, (replicas, -1))
        return x, self._y.index_select(0, rows)
