"""Train many replicas of a model together: `fit_many`.

A replica has its own seed, and from it its own split, initialisation and order of the batches.
Replicas share no number, so they may be computed in one go: their parameters are stacked along a
first axis, the model is mapped over it (`torch.func`), and the losses of the replicas are summed,
which leaves the gradient of each what it is alone.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import cycle, product
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from dlfaq.data.sets import Dataset
from dlfaq.errors import InputError
from dlfaq.seeding import seeded
from dlfaq.training.device import moved, training_device
from dlfaq.training.evaluation import PARTS, cross_entropies
from dlfaq.training.fit import check_fits, fit_plan
from dlfaq.training.history import Curve, History
from dlfaq.training.models import mlp
from dlfaq.training.plan import make_plan
from dlfaq.training.stacked.stack import fit_stacked
from dlfaq.training.stacked.stackable import check_alike, why_not_stacked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from dlfaq.training.evaluation import Loss
    from dlfaq.training.history import Floats
    from dlfaq.training.models import Activation
    from dlfaq.training.optimizers import Optimizer, Scheduler
    from dlfaq.training.plan import Plan

__all__ = ["Data", "Model", "fit_many"]

Data: TypeAlias = "Dataset | Callable[..., Dataset]"
"""A data set that all replicas share, or a function of `seed=` that gives each its own."""

Model: TypeAlias = "Callable[..., nn.Module]"
"""A function of `seed=` that makes the model of a replica."""


def fit_many(
    data: Data,
    *,
    seeds: Sequence[int],
    lr: float | Sequence[float],
    sizes: Sequence[int] | None = None,
    activation: Activation = "relu",
    init: str | float = "default",
    bias: bool = True,
    model: Model | None = None,
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
) -> History:
    """Train one replica for each seed (and each rate) as `fit` would, but together.

    Replica by replica this is `fit(mlp(sizes, seed=s), data(seed=s), lr=lr, seed=s, …)`. Several
    rates train the same replicas once each, so that rates are compared on equal data, order and
    initialisation. The environment variable DLFAQ_DEVICE names the device to train on.

    Args:
        data: called with `seed=` for each replica, such as `digits`; or one `Dataset` for all.
        seeds: of the replicas, such as `seeds(16)`.
        lr: one learning rate, or several.
        sizes: of an `mlp`,
        activation: its activation,
        init: its initialisation,
        bias: and whether it has biases; or
        model: called with `seed=` for each replica; PyTorch's generator is seeded with it then.
        optimizer: this and all that follow: as for `fit`.
        options: of the optimizer.
        scheduler: of the rate.
        steps: how many batches; or
        epochs: how many passes over the training part.
        batch_size: examples a batch; None for all.
        loss: outputs and labels to one loss an example.
        zero_grad: False forgets to clear the gradients.
        evaluate_every: evaluate at the start and every so many steps.
        parts: which parts to evaluate.

    Returns:
        A `History` whose arrays lead with (replicas,), or with (rates, replicas) for several rates.
        Its `how` says whether replicas were stacked. They are looped over where that is not exact
        (an optimizer that is not known to work element by element) or gains nothing (so many
        numbers a step that memory sets the pace).

    Raises:
        InputError: no seeds or rates, not exactly one of sizes and model, no function where one is
            due, data sets of unlike shapes, or whatever `fit` refuses.

    Example:
        >>> history = fit_many(digits, sizes=[64, 32, 10], lr=0.3, seeds=seeds(16), steps=400)
        >>> history.accuracy.shape
        (16,)
    """
    rates = [float(lr)] if isinstance(lr, int | float) else [float(rate) for rate in lr]
    if not rates or not seeds:
        raise InputError(
            expected="at least one seed and one rate",
            got=f"{len(seeds)} seeds and {len(rates)} rates",
            cure="pass seeds=seeds(16) and lr=0.1",
        )
    for name, given in (("data", data), ("model", model or mlp)):
        if not isinstance(given, Dataset) and (isinstance(given, nn.Module) or not callable(given)):
            raise InputError(
                expected=f"a function of seed= as {name}",
                got=f"a {type(given).__name__}",
                cure=f"pass {name}=lambda seed: …, which makes what the replica of that seed gets",
            )
    datasets = [data] if isinstance(data, Dataset) else [data(seed=seed) for seed in seeds]
    _check_alike(datasets)
    if (model is None) == (sizes is None):
        raise InputError(
            expected="either the sizes of an MLP or a model",
            got="both" if sizes else "neither",
            cure="pass sizes=[64, 32, 10], or a function of seed= as model",
        )
    make = model or partial(
        mlp,
        sizes or (),
        activation=activation,
        init=init,
        bias=bias,
        dtype=datasets[0].train.x.dtype,
    )
    models = []
    for _, seed in product(rates, seeds):
        with seeded(seed, "initialisation"):
            models.append(_made(make(seed=seed), datasets[0].train.x[:2]))
    check_fits(models[0], datasets[0])
    if model:
        check_alike(models, datasets[0].train.x[:2])
    plan = make_plan(
        len(datasets[0].train.y),
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
    models = [made.to(device) for made in models]
    datasets = [moved(own, device) for own in datasets]
    reason = why_not_stacked(models, datasets, plan, rates)
    if reason is None:
        history = fit_stacked(models, datasets, plan, rates=rates, seeds=seeds)
    else:
        history = _fit_in_turn(models, datasets, plan, rates=rates, seeds=seeds, reason=reason)
    history.template.cpu()
    history = replace(history, weights={name: w.cpu() for name, w in history.weights.items()})
    return history if isinstance(lr, int | float) else _by_rate(history, len(rates))


def _made(model: nn.Module, x: Tensor) -> nn.Module:
    """The model; lazy layers draw their weights now, since the replica's seed is set."""
    if any(map(is_lazy, model.parameters())):
        with torch.no_grad():
            model.eval()(x.clone())
        model.train()
    return model


def _fit_in_turn(
    models: Sequence[nn.Module],
    datasets: Sequence[Dataset],
    plan: Plan,
    *,
    rates: Sequence[float],
    seeds: Sequence[int],
    reason: str,
) -> History:
    runs = [
        fit_plan(model, data, plan, rate=rate, seed=seed)
        for model, data, (rate, seed) in zip(
            models, cycle(datasets), product(rates, seeds), strict=False
        )
    ]
    curves = {}
    for part in plan.parts:
        of_part = [run.curves[part] for run in runs]
        curves[part] = Curve(
            loss=np.stack([curve.loss for curve in of_part]),
            accuracy=np.stack([curve.accuracy for curve in of_part]),
        )
    return replace(
        runs[0],
        curves=curves,
        batch_loss=np.stack([run.batch_loss for run in runs]),
        weights={
            name: torch.stack([run.weights[name] for run in runs]) for name in runs[0].weights
        },
        how=f"loop: {reason}",
    )


def _by_rate(history: History, rates: int) -> History:
    """Split the first axis, (rates · seeds,), into (rates, seeds)."""
    curves = {
        part: Curve(_split(curve.loss, rates), _split(curve.accuracy, rates))
        for part, curve in history.curves.items()
    }
    return replace(
        history,
        curves=curves,
        batch_loss=_split(history.batch_loss, rates),
        weights={
            name: value.reshape(rates, -1, *value.shape[1:])
            for name, value in history.weights.items()
        },
    )


def _split(array: Floats, rates: int) -> Floats:
    return array.reshape(rates, -1, *array.shape[1:])


def _check_alike(datasets: Sequence[Dataset]) -> None:
    shapes = {(data.train.x.shape, data.train.x.dtype) for data in datasets}
    if len(shapes) > 1:
        raise InputError(
            expected="training parts of one shape and dtype, whatever the seed",
            got=", ".join(f"{dtype} of shape {tuple(shape)}" for shape, dtype in shapes),
            cure="give all replicas equally many examples",
        )
