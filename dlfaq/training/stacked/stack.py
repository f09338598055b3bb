"""Replicas of one model as a single one: stacked parameters, one forward pass for all."""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from itertools import cycle, islice
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import stack_module_state

from dlfaq.seeding import generator
from dlfaq.training.averaging import measure_batch_norm
from dlfaq.training.evaluation import measure
from dlfaq.training.stacked.forward import Batched, call_with

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlfaq.data.sets import Dataset
    from dlfaq.training.evaluation import Scores
    from dlfaq.training.plan import Plan

__all__ = ["Stack"]


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
