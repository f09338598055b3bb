"""Replicas of one model trained as a single one: stacked parameters, one forward pass for all."""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from itertools import cycle, islice, repeat
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import stack_module_state, vmap

from dlfaq.seeding import generator
from dlfaq.training.averaging import measure_batch_norm
from dlfaq.training.batches import batches
from dlfaq.training.class_weights import weights_for
from dlfaq.training.clipping import clip_gradients
from dlfaq.training.evaluation import cross_entropies, measure
from dlfaq.training.history import History
from dlfaq.training.stacked.forward import Batched, call_with, slow_mapping
from dlfaq.training.stacked.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlfaq.data.sets import Dataset, Examples
    from dlfaq.training.evaluation import Loss, Scores
    from dlfaq.training.plan import Plan

__all__ = ["Stack", "fit_stacked"]


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


class Stack:
    """The parameters and buffers of all replicas, and the pass over them.

    Args:
        models: the replicas, for one rate after the other.
        seeds: of the replicas of one rate.

    Attributes:
        template: the first model.
        learned: the stacked parameters that have gradients.
        maps: whether it leaves any layer to `vmap`.
    """

    def __init__(self, models: Sequence[nn.Module], seeds: Sequence[int]) -> None:
        self.template = models[0]
        self._replicas = len(models)
        parameters, buffers = stack_module_state([model.train() for model in models])
        self._state: dict[str, Tensor] = {**parameters, **buffers}
        self.learned = [value for value in parameters.values() if value.requires_grad]
        self._sliced = False
        # Replicas of one seed draw alike, whatever their rate.
        self._noise = [generator(seed, "noise") for seed in islice(cycle(seeds), len(models))]
        self._batched = Batched(self.template, self._state, self._noise)
        self.maps = self._batched.maps

    def __call__(self, x: Tensor) -> Tensor:
        """Outputs (replicas, n, classes) for inputs (replicas, n, …)."""
        return self._batched(x)

    def groups(self, rates: int) -> list[list[Tensor]]:
        """What the replicas of each rate learn, sharing the memory of the stack.

        A group of an optimizer takes one rate only (torch.optim refuses a vector of them), so each
        rate has slices of the stacked tensors: an elementwise optimizer does the same to them.
        """
        if rates == 1:
            return [self.learned]
        # Slices see no gradients but those that have a place of their own from the start, into
        # which backward() adds.
        self._sliced = True
        groups: list[list[Tensor]] = [[] for _ in range(rates)]
        for parameter in self.learned:
            parameter.grad = torch.zeros_like(parameter)
            of_rates = zip(
                parameter.detach().chunk(rates), parameter.grad.chunk(rates), strict=True
            )
            for group, (part, gradient) in zip(groups, of_rates, strict=True):
                part.grad = gradient
                group.append(part)
        return groups

    def zero_grad(self) -> None:
        """Clear all gradients."""
        for parameter in self.learned:
            if self._sliced and parameter.grad is not None:
                parameter.grad.zero_()
            else:  # the next ones take the place instead of being added, which is faster
                parameter.grad = None

    def state(self, replica: int) -> dict[str, Tensor]:
        """Parameters and buffers of a replica, by name: views."""
        return {name: value.detach()[replica] for name, value in self._state.items()}

    def gradients(self, replica: int) -> dict[str, Tensor | None]:
        """What a replica has as gradients now, by the name of the parameter: copies."""
        return {
            name: None if value.grad is None else value.grad[replica].clone()
            for name, value in self._state.items()
        }

    @torch.no_grad()
    def alone(self, replica: int) -> tuple[nn.Module, Tensor]:
        """A copy of a replica as it stands, and the state of the generator of its noise."""
        model = deepcopy(self.template)
        own = self.state(replica)
        for name, value in (*model.named_parameters(), *model.named_buffers()):
            value.copy_(own[name])
        return model, self._noise[replica].get_state()

    def weights(self) -> dict[str, Tensor]:
        """What `state_dict` of a replica holds, by name, (replicas, *shape)."""
        return {name: self._state[name].detach() for name in self.template.state_dict()}

    def measure_batch_norm(self, datasets: Sequence[Dataset]) -> None:
        """Set the statistics of batch norm of each replica to those of its training part."""
        for replica in range(self._replicas):
            own = {name: value[replica] for name, value in self._state.items()}  # views
            measure_batch_norm(self.template, own, datasets[replica % len(datasets)].train.x)

    def evaluate(self, datasets: Sequence[Dataset], plan: Plan) -> Scores:
        """Measure one replica after the other: a whole part is enough work for one call."""
        self.template.eval()
        state = {name: value.detach() for name, value in self._state.items()}
        measured = []
        losses = [plan.loss_on(data) for data in datasets]
        for replica in range(self._replicas):
            own = {name: value[replica] for name, value in state.items()}
            data = datasets[replica % len(datasets)]
            loss = losses[replica % len(datasets)]
            measured.append(measure(partial(call_with, self.template, own), data, plan.parts, loss))
        self.template.train()
        return {part: np.stack([scores[part] for scores in measured]) for part in plan.parts}


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
