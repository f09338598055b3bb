"""Whether replicas trained together come out as each does alone, found by trying it.

`torch.func` maps most modules faithfully and says so where it cannot. It stays silent where a
module replaces a buffer, where an operator's batching rule is wrong (an embedding's `padding_idx`),
where a tensor that is neither parameter nor buffer is a parameter's memory, or where Python or
NumPy draw the random numbers. So before such a module is stacked, two replicas take two small steps
together and alone. What it does later is for `dlfaq.training.stacked.watch` to see.
"""

from __future__ import annotations

import random
from copy import deepcopy
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dlfaq.data.sets import Dataset, Examples
from dlfaq.errors import first_line
from dlfaq.seeding import same_draws
from dlfaq.training.evaluation import cross_entropies
from dlfaq.training.fit import fit_plan
from dlfaq.training.stacked.fit_stacked import fit_stacked
from dlfaq.training.stacked.stack import Stack
from dlfaq.training.surroundings.surroundings import unlike_attribute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from dlfaq.training.history import History
    from dlfaq.training.plan import Plan

__all__ = ["is_plain", "why_not_alike"]

_STEPS = 2
_RATE = 0.01
_SEEDS = (0, 1)
_EVALUATED_ON = 2

# Of the largest change in the trial. In float32 rounding alone is 10⁻⁴ of so small a step.
_TOLERANCES = {torch.float64: 1e-8, torch.float32: 1e-2}
_COARSE = 0.1

# A gradient below this share of the largest one is what rounding has left of a sum that is zero,
# as for a bias that a later layer takes away again, or that of the keys of an attention.
_ROUNDING = 1e-13


def why_not_alike(
    models: Sequence[nn.Module],
    datasets: Sequence[Dataset],
    plan: Plan,
    by_size: bool,  # noqa: FBT001
) -> str | None:
    """Why replicas would not come out of `fit_stacked` as they do alone, or None.

    Args:
        models: the replicas; they stay as they are.
        datasets: one for each seed, or a single one for all.
        plan: of the training.
        by_size: whether the optimizer makes small steps of small gradients.
    """
    pair = (models[0], models[-1])
    own = [_few(data, plan) for data in (datasets[0], datasets[-1])]
    if not by_size and own[0].train.x.dtype == torch.float64:
        name = _rounded_away(pair[0], own[0], plan)
        if name:
            return f"gradients of {name} are only rounding, which the optimizer enlarges"
    if is_plain(pair[0], plan):
        return None
    for other in models[1:]:
        name = unlike_attribute(models[0], other)
        if name:
            return f"models differ in their attribute {name}"
    trial = replace(
        plan,
        steps=_STEPS,
        evaluated=(0, _STEPS),
        parts=("validation",),
        optimizer="sgd",
        options={},
        scheduler=None,
        class_weights=None,  # a few examples may lack a class
        averaged=0,
    )
    return _tried(pair, own, trial)


def is_plain(model: nn.Module, plan: Plan) -> bool:
    """Whether stacking leaves nothing to `torch.func`: layers and loss are known to come out."""
    return not Stack([deepcopy(model)], [0]).maps and plan.loss is cross_entropies


def _tried(pair: Sequence[nn.Module], own: Sequence[Dataset], trial: Plan) -> str | None:
    try:
        with same_draws():
            before = _elsewhere()
            together = fit_stacked(
                [deepcopy(model) for model in pair], own, trial, rates=[_RATE], seeds=_SEEDS
            )
            after = _elsewhere()
    except Exception as error:  # noqa: BLE001 - any other fault shows in the loop too
        return f"torch.func cannot map the model or the loss: {first_line(error)}"
    if before != after:
        return "replicas would share what Python or NumPy draw"
    for index, (model, data) in enumerate(zip(pair, own, strict=True)):
        with same_draws():
            alone = fit_plan(deepcopy(model), data, trial, rate=_RATE, seed=_SEEDS[index])
        other = _unlike(together, index, alone, model.state_dict(), data.train.x.dtype)
        if other:
            return f"in a trial of {_STEPS} steps {other} came out other than alone"
    return None


def _elsewhere() -> tuple[object, ...]:
    """The states of generators that PyTorch knows nothing of."""
    numpy: Any = np.random.get_state()  # noqa: NPY002 - the process's own
    return random.getstate(), numpy[1].tobytes(), *numpy[2:]


def _few(data: Dataset, plan: Plan) -> Dataset:
    """A batch to learn from, and some examples to be evaluated on."""
    some = Examples(*(part[:_EVALUATED_ON] for part in data.validation))
    return Dataset(Examples(*(part[: plan.batch_size] for part in data.train)), some, some)


def _unlike(
    together: History, index: int, alone: History, start: dict[str, Tensor], dtype: torch.dtype
) -> str | None:
    """What differs between a replica of `together` and `alone`, which began at `start`."""
    tolerance = _TOLERANCES.get(dtype, _COARSE)
    losses = [
        (together.batch_loss[index], alone.batch_loss),
        (together.validation.loss[index], alone.validation.loss),
    ]
    if not all(np.allclose(*pair, rtol=tolerance, atol=1e-9, equal_nan=True) for pair in losses):
        return "the losses"
    for name, value in alone.weights.items():
        moved = (value.double() - start[name].double()).abs().max().item() if value.numel() else 0.0
        if not isfinite(moved):  # it tells nothing of what a run at another rate would do
            return f"{name}, which diverged,"
        rounding = 8 * torch.finfo(value.dtype).eps if value.is_floating_point() else 0.0
        same = torch.allclose(
            together.weights[name][index],
            value,
            rtol=rounding,
            atol=tolerance * moved + rounding,
            equal_nan=True,
        )
        if not same:
            return name
    return None


def _rounded_away(model: nn.Module, data: Dataset, plan: Plan) -> str | None:
    """The name of a parameter with gradients that would be zero in exact arithmetic, or None."""
    copy = deepcopy(model).train()
    x, y = data.train
    with same_draws():
        plan.loss(copy(x), y).mean().backward()
    sizes = {
        name: parameter.grad.abs()
        for name, parameter in copy.named_parameters()
        if parameter.grad is not None
    }
    largest = max((float(size.max()) for size in sizes.values()), default=0.0)
    for name, size in sizes.items():
        if ((size > 0) & (size < _ROUNDING * largest)).any():
            return name
    return None
