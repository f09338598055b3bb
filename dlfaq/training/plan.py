"""How to train: how long, in which batches, with which optimizer and loss, evaluated when.

One model and many stacked ones follow the same plan, which is how they come to the same weights.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch.optim import LBFGS
from tqdm import tqdm

from dlfaq.errors import InputError
from dlfaq.training.averaging import WeightAverage
from dlfaq.training.batches import ORDERS
from dlfaq.training.evaluation import PARTS, cross_entropies
from dlfaq.training.history import Curve, Floats
from dlfaq.training.optimizers import build_optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torch import Tensor

    from dlfaq.training.arguments import Training
    from dlfaq.training.batches import Order
    from dlfaq.training.evaluation import Loss, Scores
    from dlfaq.training.optimizers import Optimizer, Scheduler

__all__ = ["Plan", "make_plan"]

_SHOWN_AFTER_S = 1


@dataclass(frozen=True)
class Plan:
    """`steps` steps on batches of `batch_size` (None: all examples), evaluated after some.

    At the end it is the mean weights of the last `averaged` steps that are evaluated; 0 for none.
    The other attributes are those of `Training`.
    """

    steps: int
    batch_size: int | None
    evaluated: tuple[int, ...]
    parts: Sequence[str]
    optimizer: Optimizer
    options: Mapping[str, Any]
    scheduler: Scheduler | None
    loss: Loss
    order: Order
    zero_grad: bool
    clip: float | None
    averaged: int

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
            if losses is None:  # a tensor each step would take a hundred times the memory
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


def make_plan(examples: int, training: Training) -> Plan:
    """Turn epochs into steps, fill in what was left out, and check all that can be checked now.

    With epochs the model is evaluated after each of them, unless told otherwise.

    Raises:
        InputError: an unknown argument, not exactly one of steps and epochs, a length that is not a
            whole number from 1, a batch larger than the data, an unknown part or order, an order
            without batches, or a limit or a share that is none.
    """
    steps, epochs = training.get("steps"), training.get("epochs")
    batch_size, evaluate_every = training.get("batch_size"), training.get("evaluate_every")
    parts = training.get("parts", PARTS)
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
    clip, average = training.get("clip"), training.get("average")
    order = training.get("order", "shuffled")
    _check_order(order, batch_size)
    _check_number("clip", clip, "a norm, finite and above 0", most=sys.float_info.max)
    _check_number("average", average, "a share of the steps, above 0 and at most 1", most=1)
    return Plan(
        steps=steps,
        batch_size=batch_size,
        evaluated=(*along, steps),
        parts=parts,
        optimizer=training.get("optimizer", "sgd"),
        options=training.get("options") or {},
        scheduler=training.get("scheduler"),
        loss=training.get("loss", cross_entropies),
        order=order,
        zero_grad=training.get("zero_grad", True),
        clip=clip,
        averaged=max(1, round(average * steps)) if average else 0,
    )


def _check_order(order: object, batch_size: int | None) -> None:
    if order not in ORDERS:
        raise InputError(
            expected=f"an order among {', '.join(ORDERS)}",
            got=repr(order),
            cure="pass one of these, or leave it out for a fresh permutation each epoch",
        )
    if order != "shuffled" and batch_size is None:
        raise InputError(
            expected="a batch_size beside an order",
            got=f"order={order!r} and batches of all examples, which have none",
            cure="pass batch_size=, or leave order= out",
        )


def _check_number(name: str, value: object, meaning: str, *, most: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and not (number and 0 < value <= most):  # type: ignore[operator]
        raise InputError(
            expected=f"{name}, {meaning}", got=repr(value), cure="correct it, or leave it out"
        )
