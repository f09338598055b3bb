"""Train many replicas of a model together: `fit_many`.

A replica has its own seed, and from it its own split, initialisation and order of the batches.
Replicas share no number, so they may be computed in one go: their parameters are stacked along a
first axis, the model is mapped over it (`torch.func`), and the losses of the replicas are summed,
which leaves the gradient of each what it is alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, TypeAlias, Unpack

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from dlfaq.data.sets import Dataset
from dlfaq.errors import InputError
from dlfaq.seeding import seeded
from dlfaq.training.arguments import ReplicaTraining, check_known
from dlfaq.training.checks import (
    called_with_seed,
    check_dataset,
    check_model,
    check_seeds,
    several_rates,
)
from dlfaq.training.device import moved, training_device
from dlfaq.training.fitting import check_fits
from dlfaq.training.models import mlp
from dlfaq.training.planning import make_plan
from dlfaq.training.replicas import fit_replicas
from dlfaq.training.stacked.stackable import check_alike

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from dlfaq.training.arguments import Model
    from dlfaq.training.history import History

__all__ = ["Data", "fit_many"]

Data: TypeAlias = "Dataset | Callable[..., Dataset]"
"""A data set that all replicas share, or a function of `seed=` that gives each its own."""


def fit_many(
    data: Data,
    *,
    seeds: Sequence[int],
    lr: float | Sequence[float],
    **training: Unpack[ReplicaTraining],
) -> History:
    """Train one replica for each seed (and each rate) as `fit` would, but together.

    Replica by replica this is `fit(mlp(sizes, seed=s), data(seed=s), lr=lr, seed=s, …)`. Several
    rates train the same replicas once each, so that rates are compared on equal data, order and
    initialisation. The environment variable DLFAQ_DEVICE names the device to train on.

    Args:
        data: called with `seed=` for each replica, such as `digits`; or one `Dataset` for all.
        seeds: of the replicas, such as `seeds(16)`.
        lr: one learning rate, or several.
        training: `sizes` or `model`, `steps` or `epochs`, `batch_size`, `optimizer` and the others
            that `dlfaq.training.arguments.ReplicaTraining` explains.

    Returns:
        A `History` whose arrays lead with (replicas,), or with (rates, replicas) for several rates.
        Its `how` says whether replicas were stacked. They are looped over where that is not exact
        (an optimizer that is not known to work element by element; a module or a loss of your own
        that is found, at the start or on the way, to do something else when it is stacked) or
        gains nothing (so many numbers in a step that memory sets the pace).

    Raises:
        InputError: no seeds or rates, not exactly one of sizes and model, no function where one is
            due, data sets of unlike shapes, or whatever `fit` refuses.

    Example:
        >>> history = fit_many(digits, sizes=[64, 32, 10], lr=0.3, seeds=seeds(16), steps=50)
        >>> history.accuracy.shape
        (16,)
    """
    check_known(training, ReplicaTraining)
    rates, seeds = several_rates(lr), check_seeds(seeds)
    if not rates or not seeds:
        raise InputError(
            expected="at least one seed and one rate",
            got=f"{len(seeds)} seeds and {len(rates)} rates",
            cure="pass seeds=seeds(16) and lr=0.1",
        )
    _check_function("data", data)
    datasets = [data] if isinstance(data, Dataset) else _datasets(data, seeds)
    _check_alike(datasets)
    plan = make_plan(len(datasets[0].train.y), training)
    make = _maker(training, datasets[0].train.x.dtype)
    models = []
    for _, seed in product(rates, seeds):
        with seeded(seed, "initialisation"):
            made = check_model(called_with_seed("model", make, seed), where="what model gives")
            models.append(_made(made, datasets[0].train.x[:2]))
    check_fits(models[0], datasets[0], plan)
    if training.get("model"):
        check_alike(models, datasets[0].train.x[:2])
    device = training_device()
    models = [made.to(device) for made in models]
    datasets = [moved(own, device) for own in datasets]
    history = fit_replicas(models, datasets, plan, rates=rates, seeds=seeds)
    history.template.cpu()
    history = history.to("cpu")
    one = not isinstance(lr, Iterable) or np.ndim(lr) == 0
    return history if one else history.by_rate(len(rates))


def _datasets(data: Callable[..., Dataset], seeds: Sequence[int]) -> list[Dataset]:
    return [
        check_dataset(called_with_seed("data", data, seed), where="what data gives")
        for seed in seeds
    ]


def _maker(training: ReplicaTraining, dtype: torch.dtype) -> Model:
    """What makes the model of a replica, an `mlp` of type `dtype` or the author's own."""
    sizes, model = training.get("sizes"), training.get("model")
    if (model is None) == (sizes is None):
        raise InputError(
            expected="either the sizes of an MLP or a model",
            got="both" if sizes else "neither",
            cure="pass sizes=[64, 32, 10], or a function of seed= as model",
        )
    if model is not None:
        _check_function("model", model)
        return model
    return partial(
        mlp,
        sizes or (),
        activation=training.get("activation", "relu"),
        init=training.get("init", "default"),
        bias=training.get("bias", True),
        dtype=dtype,
    )


def _check_function(name: str, given: object) -> None:
    """Raise InputError unless `given` is a function, or a data set."""
    if not isinstance(given, Dataset) and (isinstance(given, nn.Module) or not callable(given)):
        cure = f"pass {name}=lambda seed: …, which makes what the replica of that seed gets"
        if name == "data":
            cure += "; or a Dataset(Examples(x, y), validation, test) that all share"
        raise InputError(
            expected=f"a function of seed= as {name}",
            got=f"a {type(given).__name__}",
            cure=cure,
        )


def _made(model: nn.Module, x: Tensor) -> nn.Module:
    """The model; lazy layers draw their weights now, since the replica's seed is set."""
    if any(map(is_lazy, model.parameters())):
        with torch.no_grad():
            model.eval()(x.clone())
        model.train()
    return model


def _check_alike(datasets: Sequence[Dataset]) -> None:
    shapes = {(data.train.x.shape, data.train.x.dtype) for data in datasets}
    if len(shapes) > 1:
        raise InputError(
            expected="training parts of one shape and dtype, whatever the seed",
            got=", ".join(f"{dtype} of shape {tuple(shape)}" for shape, dtype in shapes),
            cure="give all replicas equally many examples",
        )
