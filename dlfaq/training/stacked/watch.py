"""A stacked run compared, while it runs, with what a replica does alone.

Before some of the steps a replica is taken out of the stack as it stands, parameters, buffers,
attributes and generator, and makes the same step alone, on the same batch: its loss, its gradients
and its buffers then are those of the stack, but for rounding. To begin anew from the stack each
time keeps rounding what it is: an optimizer such as Adam, which takes as long steps along a
gradient that is only rounding as along any other, is not in what is compared.

A check takes up to three times as long as a step alone. There are as many as take about 3 % of the
time of the run, but at least eight, at random steps. What PyTorch maps wrongly at every fifth step
is met by eight of them in 83 % of runs and by thirty in 99.9 %; at a single step it is not.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch._C._functorch import is_batchedtensor

from dlfaq.training.surroundings.surroundings import Attributes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlfaq.data.sets import Dataset
    from dlfaq.training.plan import Plan
    from dlfaq.training.stacked.stack import Stack

__all__ = ["Unlike", "Watch"]

_STEPS_PER_CHECK = 400  # counted over all replicas
_FEWEST = 8

# Of the norm of a gradient, and of the largest gradient so far: near an optimum the loss is a small
# difference of large numbers, and a ReLU at 0 may be on either side of it.
_TOLERANCES = {torch.float64: (1e-8, 1e-11), torch.float32: (1e-2, 1e-4)}
_COARSE = (0.1, 1e-2)
_OVERFLOWS = 1e10  # from here on rounding decides what is infinite


class Unlike(Exception):
    """Replicas do not come out of the stack as they do alone; the message says in what."""


@dataclass
class _Alone:
    """A replica about to make a step."""

    replica: int
    model: nn.Module
    gradients: dict[str, Tensor | None]  # that it has before the step, unless they are cleared
    draws: Tensor


class Watch:
    """Compares replicas of a stack with themselves alone.

    Args:
        stack: of the replicas.
        plan: of the training.
        replicas: how many there are.
        datasets: one for each seed, or a single one for all.
    """

    def __init__(
        self, stack: Stack, plan: Plan, replicas: int, datasets: Sequence[Dataset]
    ) -> None:
        self._stack, self._plan = stack, plan
        self._losses = [plan.loss_on(data) for data in datasets]
        draws = random.Random(0)  # noqa: S311 - not a secret
        checks = min(plan.steps, max(_FEWEST, plan.steps * replicas // _STEPS_PER_CHECK))
        bounds = [plan.steps * index // checks for index in range(checks + 1)]
        self._due = {
            draws.randrange(*window): draws.randrange(replicas) for window in pairwise(bounds)
        }
        self._step = -1
        self._largest = {"gradients": 0.0, "loss": 0.0}

    def before_step(self) -> _Alone | None:
        """A replica to be compared, or None if this step is not one of those."""
        self._step += 1
        if self._step not in self._due:
            return None
        replica = self._due[self._step]
        model, draws = self._stack.alone(replica)
        kept = {} if self._plan.zero_grad else self._stack.gradients(replica)
        return _Alone(replica, model, kept, draws)

    def after_step(self, alone: _Alone, x: Tensor, y: Tensor, means: Tensor) -> None:
        """Make the step with one replica alone, and compare.

        Args:
            alone: what `before_step` gave.
            x: inputs of all replicas, (replicas, batch, …).
            y: labels of all, (replicas · batch,).
            means: losses of all, (replicas,).

        Raises:
            Unlike: something is another than in the stack.
        """
        replica, model = alone.replica, alone.model
        labels = y.view(len(means), -1)[replica]
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(alone.draws)
            loss = self._losses[replica % len(self._losses)](model(x[replica]), labels).mean()
            loss.backward()
        self._compare("loss", "the loss", means[replica].detach(), loss.detach())
        together = self._stack.gradients(replica)
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            own, before = together[name], alone.gradients.get(name)
            if own is None or parameter.grad is None:
                if own is not parameter.grad:
                    raise Unlike(self._said(f"the gradient of {name}"))
                continue
            rounding = 0.0
            if before is not None:
                rounding = 16 * torch.finfo(own.dtype).eps * before.norm().item()
                own = own - before
            self._compare("gradients", f"the gradient of {name}", own, parameter.grad, rounding)
        state = self._stack.state(replica)
        for name, value in (*model.named_parameters(), *model.named_buffers()):
            self._compare(name, name, state[name], value.detach())

    @contextmanager
    def evaluation(self) -> Iterator[None]:
        """Look on while replicas are evaluated one by one, all with the attributes of the template.

        Raises:
            Unlike: an attribute keeps a tensor of the stack, or is another after the evaluation.
        """
        attributes = Attributes(self._stack.template)
        if any(map(is_batchedtensor, attributes.tensors)):
            raise Unlike("the model keeps a tensor that is neither parameter nor buffer")
        yield
        if attributes.changed():
            raise Unlike("the model changes its attributes when it is evaluated")

    def _compare(
        self, kind: str, name: str, together: Tensor, alone: Tensor, rounding: float = 0.0
    ) -> None:
        size = alone.norm().item() if alone.is_floating_point() else 0.0
        if not size < _OVERFLOWS:  # NaN too
            return
        largest = self._largest[kind] = max(size, self._largest.get(kind, 0.0))
        if together.shape == alone.shape and torch.equal(together, alone):
            return
        if together.dtype != alone.dtype or not alone.is_floating_point():
            raise Unlike(self._said(name))
        relative, absolute = _TOLERANCES.get(alone.dtype, _COARSE)
        allowed = relative * size + absolute * largest + rounding
        if together.shape != alone.shape or not (together - alone).norm().item() <= allowed:
            raise Unlike(self._said(name))

    def _said(self, name: str) -> str:
        return f"at step {self._step + 1} {name} came out other than alone"
