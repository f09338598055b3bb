"""Train one model: `fit`, a plain loop over batches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from dlfaq.errors import InputError, first_line
from dlfaq.seeding import seeded
from dlfaq.training.device import moved, training_device
from dlfaq.training.evaluation import PARTS, cross_entropies, measure
from dlfaq.training.history import History
from dlfaq.training.plan import batches, make_plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlfaq.data.sets import Dataset
    from dlfaq.training.evaluation import Loss, Scores
    from dlfaq.training.optimizers import Optimizer, Scheduler
    from dlfaq.training.plan import Plan

__all__ = ["check_fits", "fit", "fit_plan"]


def fit(
    model: nn.Module,
    data: Dataset,
    *,
    lr: float,
    optimizer: Optimizer = "sgd",
    options: Mapping[str, Any] | None = None,
    scheduler: Scheduler | None = None,
    steps: int | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    loss: Loss = cross_entropies,
    zero_grad: bool = True,
    evaluate_every: int | None = None,
    parts: Sequence[str] = PARTS,
    seed: int = 0,
) -> History:
    """Train `model` in place on the training part of `data`, and measure it on all three.

    Args:
        model: maps x (n, …) to logits (n, classes).
        data: a `Dataset`, such as `digits(seed=0)`.
        lr: the learning rate.
        optimizer: "sgd", "adam", "adamw", "rmsprop", …; a class of torch.optim; or a function of
            (parameters, lr=…) that makes one.
        options: further arguments of the optimizer, such as `{"momentum": 0.9}`.
        scheduler: makes a scheduler for the optimizer, such as
            `partial(CosineAnnealingLR, T_max=300)`; it is stepped after each step.
        steps: how many batches to train on; or
        epochs: how many passes over the training part, each a fresh permutation.
        batch_size: examples a batch; None for all of them. What does not fill a batch at the end
            of an epoch is left out of that epoch.
        loss: outputs and labels to one loss an example; the batch's loss is their mean.
        zero_grad: False forgets to clear the gradients, so that they add up from step to step.
        evaluate_every: evaluate at the start and every so many steps, besides at the end; with
            `epochs`, every epoch unless given.
        parts: which parts to evaluate.
        seed: of the order of the batches, and of what the model itself draws (dropout).

    The environment variable DLFAQ_DEVICE names the device to train on; the model comes back.

    Raises:
        InputError: data and model do not fit, or an argument is out of its range.

    Example:
        >>> data = digits(seed=0)
        >>> history = fit(mlp([64, 32, 10], seed=0), data, lr=0.3, epochs=20, batch_size=50)
        >>> history.test.accuracy.shape  # at the start, and after each epoch
        (21,)
    """
    check_fits(model, data)
    plan = make_plan(
        len(data.train.y),
        steps=steps,
        epochs=epochs,
        batch_size=batch_size,
        evaluate_every=evaluate_every,
        parts=parts,
        optimizer=optimizer,
        options=options,
        scheduler=scheduler,
        loss=loss,
        zero_grad=zero_grad,
    )
    device = training_device()
    home = next((parameter.device for parameter in model.parameters()), device)
    history = fit_plan(model.to(device), moved(data, device), plan, rate=lr, seed=seed)
    model.to(home)
    return replace(history, weights={name: w.to(home) for name, w in history.weights.items()})


def fit_plan(model: nn.Module, data: Dataset, plan: Plan, *, rate: float, seed: int) -> History:
    """Train `model` in place as `plan` says: what `fit` does once its arguments are checked."""
    x, y = data.train
    order = batches(len(y), plan.batch_size, [seed]) if plan.batch_size else None
    update = plan.stepper([(rate, model.parameters())])

    def step() -> Tensor:
        batch = next(order)[0] if order else slice(None)
        inputs, labels = x[batch], y[batch]

        def backward() -> Tensor:
            if plan.zero_grad:
                model.zero_grad()
            loss = plan.loss(model(inputs), labels).mean()
            loss.backward()
            return loss.detach()

        return update(backward)

    def evaluate() -> Scores:
        model.eval()
        scores = measure(model, data, plan.parts, plan.loss)
        model.train()
        return scores

    model.train()
    with seeded(seed, "noise"):
        curves, batch_loss = plan.run(step, evaluate)
    model.eval()
    return History(
        steps=np.array(plan.evaluated),
        curves=curves,
        batch_loss=batch_loss,
        weights={name: value.clone() for name, value in model.state_dict().items()},
        classes=data.classes,
        how="one by one",
        template=model,
    )


@torch.no_grad()
def check_fits(model: nn.Module, data: Dataset) -> None:
    """Raise InputError unless `model` takes the inputs as they are and has an output a class."""
    x = data.train.x[:2].clone()
    untouched = x._version  # noqa: SLF001 - how often it was changed in place
    mode = model.training
    model.eval()  # so that no running statistics move
    try:
        outputs = model(x)
    except RuntimeError as error:
        raise InputError(
            expected=f"a model that takes {x.dtype} inputs of shape (n, {_shape(x)})",
            got=first_line(error),
            cure="match the model's first size and dtype to the data; data.to(dtype) converts",
        ) from error
    finally:
        model.train(mode)
    if x._version != untouched:  # noqa: SLF001
        raise InputError(
            expected="a model that leaves its inputs as they are",
            got="one that changes them, and with them the data set",
            cure="take inplace=True out of its first layer",
        )
    if outputs.ndim != 2 or outputs.shape[1] < data.classes:  # noqa: PLR2004
        raise InputError(
            expected=f"labels below the model's number of outputs, {outputs.shape[-1]}",
            got=f"outputs of shape (n, {_shape(outputs)}) and label {data.classes - 1}",
            cure=f"give the model {data.classes} outputs, or correct the labels",
        )


def _shape(batch: Tensor) -> str:
    return ", ".join(map(str, batch.shape[1:]))
