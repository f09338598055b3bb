"""From the arguments of training to a plan."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dlfaq.errors import InputError
from dlfaq.training.batches import ORDERS
from dlfaq.training.class_weights import check_class_weights
from dlfaq.training.evaluation import PARTS, cross_entropies
from dlfaq.training.plan import Plan

if TYPE_CHECKING:
    from dlfaq.training.arguments import Training

__all__ = ["make_plan"]


def make_plan(examples: int, training: Training) -> Plan:
    """Turn epochs into steps, fill in what was left out, and check all that can be checked now.

    With epochs the model is evaluated after each of them, unless told otherwise.

    Raises:
        InputError: not exactly one of steps and epochs, a length that is not a whole number from
            1, a batch larger than the data, an unknown part or order, an order without batches, or
            a limit or a share out of its range.
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
    _check_parts(parts)
    _check_kinds(training)
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
    epoch = examples // (batch_size or examples)
    if epochs is not None:
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
        scheduler_options=training.get("scheduler_options") or {},
        scheduled_every=_scheduled_every(training, epoch),
        loss=training.get("loss", cross_entropies),
        class_weights=check_class_weights(training.get("class_weights"), training.get("loss")),
        order=order,
        zero_grad=training.get("zero_grad", True),
        clip=clip,
        averaged=max(1, round(average * steps)) if average else 0,
    )


def _check_parts(parts: object) -> None:
    many = isinstance(parts, Iterable) and not isinstance(parts, str)
    given = list(parts) if many else []  # type: ignore[call-overload]
    if given and all(part in PARTS for part in given):
        return
    got = ", ".join(map(repr, given)) or (repr(parts) if parts else "none")
    cure = f"write parts=[{parts!r}]" if isinstance(parts, str) and parts in PARTS else ""
    raise InputError(
        expected=f"parts among {', '.join(PARTS)}" + ", in a list" * bool(cure),
        got=got,
        cure=cure or "leave parts= out to evaluate all three",
    )


def _check_kinds(training: Training) -> None:
    """Check that options are by name, a loss a function, and a switch True or False."""
    for name in ("options", "scheduler_options"):
        options = training.get(name)
        if options is not None and not isinstance(options, Mapping):
            raise InputError(
                expected=f"{name} by name",
                got=repr(options),
                cure=f'write {name}={{"momentum": 0.9}}',
            )
    loss: Any = training.get("loss", cross_entropies)
    zero_grad: Any = training.get("zero_grad", True)
    if not callable(loss) or isinstance(loss, type):
        raise InputError(
            expected="as loss a function of outputs (n, classes) and labels (n,)",
            got=f"the class {loss.__name__}" if isinstance(loss, type) else repr(loss),
            cure="leave it out for cross-entropy; of a class of torch.nn pass an object, such as "
            'nn.CrossEntropyLoss(reduction="none")',
        )
    if not isinstance(zero_grad, bool):
        raise InputError(
            expected="zero_grad, True or False", got=repr(zero_grad), cure="pass one of the two"
        )


def _scheduled_every(training: Training, epoch: int) -> int:
    """After how many steps the scheduler is stepped."""
    every: Any = training.get("scheduler_every", "step")
    if every not in ("step", "epoch"):
        raise InputError(
            expected='scheduler_every, "step" or "epoch"',
            got=repr(every),
            cure="leave it out to step the scheduler after each step",
        )
    if training.get("scheduler") is None and training.get("scheduler_options"):
        raise InputError(
            expected="a scheduler beside scheduler_options",
            got="none",
            cure='pass scheduler="cosine", or leave the options out',
        )
    return epoch if every == "epoch" else 1


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
