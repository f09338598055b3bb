"""Train one model: `fit`, a plain loop over batches."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Unpack

import numpy as np

from dlfaq.seeding import seeded
from dlfaq.training.arguments import Training, check_known
from dlfaq.training.averaging import measure_batch_norm
from dlfaq.training.batches import batches
from dlfaq.training.checks import check_dataset, check_model, one_rate
from dlfaq.training.clipping import clip_gradients
from dlfaq.training.device import moved, training_device
from dlfaq.training.evaluation import measure
from dlfaq.training.fitting import check_fits
from dlfaq.training.history import History
from dlfaq.training.planning import make_plan

if TYPE_CHECKING:
    from torch import Tensor, nn

    from dlfaq.data.sets import Dataset
    from dlfaq.training.evaluation import Scores
    from dlfaq.training.plan import Plan

__all__ = ["fit", "fit_plan"]


def fit(
    model: nn.Module, data: Dataset, *, lr: float, seed: int = 0, **training: Unpack[Training]
) -> History:
    """Train `model` in place on the training part of `data`, and measure it on all three.

    The environment variable DLFAQ_DEVICE names the device to train on; the model comes back.

    Args:
        model: maps x (n, …) to logits (n, classes).
        data: a `Dataset`, such as `digits(seed=0)`.
        lr: the learning rate.
        seed: of the order of the batches, and of what the model itself draws (dropout).
        training: `steps` or `epochs`, `batch_size`, `optimizer` and the others that
            `dlfaq.training.arguments.Training` explains.

    Raises:
        InputError: data and model do not fit, or an argument is unknown or out of its range.

    Example:
        >>> data = digits(seed=0)
        >>> history = fit(mlp([64, 32, 10], seed=0), data, lr=0.3, epochs=20, batch_size=50)
        >>> history.test.accuracy.shape  # at the start, and after each epoch
        (21,)
    """
    check_known(training, Training)
    check_dataset(data)
    check_model(model)
    rate = one_rate(lr)
    plan = make_plan(len(data.train.y), training)
    check_fits(model, data, plan)
    device = training_device()
    home = next((parameter.device for parameter in model.parameters()), device)
    history = fit_plan(model.to(device), moved(data, device), plan, rate=rate, seed=seed)
    model.to(home)
    return history.to(home)


def fit_plan(model: nn.Module, data: Dataset, plan: Plan, *, rate: float, seed: int) -> History:
    """Train `model` in place as `plan` says: what `fit` does once its arguments are checked."""
    x, y = data.train
    loss_of = plan.loss_on(data)
    order = batches([y], plan.batch_size, [seed], plan.order) if plan.batch_size else None
    update = plan.stepper([(rate, model.parameters())])

    def step() -> Tensor:
        batch = next(order)[0] if order else slice(None)
        inputs, labels = x[batch], y[batch]

        def backward() -> Tensor:
            if plan.zero_grad:
                model.zero_grad()
            loss = loss_of(model(inputs), labels).mean()
            loss.backward()
            if plan.clip is not None:
                gradients = [p.grad for p in model.parameters() if p.grad is not None]
                clip_gradients([gradient.unsqueeze(0) for gradient in gradients], plan.clip)
            return loss.detach()

        return update(backward)

    def evaluate() -> Scores:
        model.eval()
        scores = measure(model, data, plan.parts, loss_of)
        model.train()
        return scores

    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    state = dict(chain(model.named_parameters(), model.named_buffers()))
    model.train()
    with seeded(seed, "noise"):
        curves, batch_loss = plan.run(
            step, evaluate, learned=learned, settle=lambda: measure_batch_norm(model, state, x)
        )
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
