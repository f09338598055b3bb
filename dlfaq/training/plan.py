"""How to train: how long, in which batches, with which optimizer and loss, evaluated when.

One model and many stacked ones follow the same plan, which is how they come to the same weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import LBFGS
from tqdm import tqdm

from dlfaq.errors import InputError
from dlfaq.seeding import generator
from dlfaq.training.evaluation import PARTS
from dlfaq.training.history import Curve, Floats
from dlfaq.training.optimizers import build_optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from dlfaq.training.evaluation import Loss, Scores
    from dlfaq.training.optimizers import Optimizer, Scheduler

__all__ = ["Plan", "batches", "make_plan"]

_SHOWN_AFTER_S = 1


@dataclass(frozen=True)
class Plan:
    """`steps` steps on batches of `batch_size` (None: all examples), evaluated after some.

    The other attributes are arguments of `fit`.
    """

    steps: int
    batch_size: int | None
    evaluated: tuple[int, ...]
    parts: Sequence[str]
    optimizer: Optimizer
    options: Mapping[str, Any]
    scheduler: Scheduler | None
    loss: Loss
    zero_grad: bool

    def stepper(
        self, groups: Sequence[tuple[float, Iterable[Tensor]]]
    ) -> Callable[[Callable[[], Tensor]], Tensor]:
        """What makes one step of groups of (learning rate, parameters), and then of their rates.

        It takes a function that sets the gradients and returns the losses, and returns these. LBFGS
        calls the function several times, all others once.
        """
        optimizer = build_optimizer(self.optimizer, self.options, groups)
        scheduler = self.scheduler(optimizer) if self.scheduler else None

        def step(backward: Callable[[], Tensor]) -> Tensor:
            if isinstance(optimizer, LBFGS):
                losses: Tensor = optimizer.step(backward)  # before the step, as for the others
            else:
                losses = backward()
                optimizer.step()
            if scheduler:
                scheduler.step()
            return losses

        return step

    def run(
        self, step: Callable[[], Tensor], evaluate: Callable[[], Scores]
    ) -> tuple[dict[str, Curve], Floats]:
        """Call `step`, and `evaluate` when it is time; a terminal shows progress after a second.

        Returns:
            A curve for each part, and the losses of the batches, (…, steps).
        """
        losses: Tensor | None = None
        scores = [evaluate()] if self.evaluated[0] == 0 else []
        for done in tqdm(range(1, self.steps + 1), disable=None, delay=_SHOWN_AFTER_S, leave=False):
            loss = step()
            if losses is None:  # a tensor each step would take a hundred times the memory
                losses = loss.new_empty(self.steps, *loss.shape)
            losses[done - 1] = loss
            if done in self.evaluated:
                scores.append(evaluate())
        curves = {}
        for part in scores[0]:
            values = np.stack([score[part] for score in scores], -1)  # (…, 2, evaluations)
            curves[part] = Curve(loss=values[..., 0, :], accuracy=values[..., 1, :])
        assert losses is not None  # there is at least one step
        return curves, losses.movedim(0, -1).cpu().double().numpy()


def make_plan(
    examples: int,
    *,
    steps: int | None,
    epochs: int | None,
    batch_size: int | None,
    evaluate_every: int | None,
    parts: Sequence[str],
    optimizer: Optimizer,
    options: Mapping[str, Any] | None,
    scheduler: Scheduler | None,
    loss: Loss,
    zero_grad: bool,
) -> Plan:
    """Turn epochs into steps and check all lengths; epochs are evaluated one by one if not told.

    Raises:
        InputError: not exactly one of steps and epochs, a length that is not a whole number from
            1, a batch larger than the data, or an unknown part.
    """
    if (steps is None) == (epochs is None):
        raise InputError(
            expected="either steps or epochs",
            got=f"steps={steps}, epochs={epochs}",
            cure="pass exactly one of them",
        )
    if not parts or not {*parts} <= {*PARTS}:
        raise InputError(
            expected=f"parts among {', '.join(PARTS)}",
            got=", ".join(map(repr, parts)) or "none",
            cure="leave parts= out to evaluate all three",
        )
    lengths = {
        "steps": steps,
        "epochs": epochs,
        "batch_size": batch_size,
        "evaluate_every": evaluate_every,
    }
    for name, length in lengths.items():
        if length is not None and (type(length) is not int or length < 1):
            raise InputError(
                expected=f"{name}, a whole number from 1",
                got=repr(length),
                cure="raise it, or leave it out",
            )
    if batch_size is not None and batch_size > examples:
        raise InputError(
            expected=f"a batch of at most the {examples} training examples",
            got=f"batch_size={batch_size}",
            cure="lower it, or leave it out for full-batch descent",
        )
    if epochs is not None:
        epoch = examples // (batch_size or examples)
        steps, evaluate_every = epochs * epoch, evaluate_every or epoch
    assert steps is not None  # one of the two was given
    along = range(0, steps, evaluate_every) if evaluate_every else ()
    return Plan(
        steps=steps,
        batch_size=batch_size,
        evaluated=(*along, steps),
        parts=parts,
        optimizer=optimizer,
        options=options or {},
        scheduler=scheduler,
        loss=loss,
        zero_grad=zero_grad,
    )


def batches(examples: int, batch_size: int, seeds: Sequence[int]) -> Iterator[Tensor]:
    """Indices of the batches of all replicas, (replicas, batch_size), without end.

    An epoch is a fresh permutation of the examples, its own for each seed. The last examples of an
    epoch that do not fill a batch are left out of it, so that all batches have one size.
    """
    orders = [generator(seed, "order") for seed in seeds]
    per_epoch = examples // batch_size
    while True:
        epoch = torch.stack([torch.randperm(examples, generator=order) for order in orders])
        used = epoch[:, : per_epoch * batch_size]  # (replicas, per_epoch · batch_size)
        yield from used.reshape(len(seeds), per_epoch, batch_size).unbind(1)
