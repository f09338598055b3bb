"""Whether model, data and loss fit together, tried on some examples before anything is trained."""

from __future__ import annotations

import warnings
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dlfaq.errors import InputError, first_line
from dlfaq.seeding import same_draws
from dlfaq.training.evaluation import cross_entropies
from dlfaq.training.surroundings.surroundings import Surroundings

if TYPE_CHECKING:
    from torch import nn

    from dlfaq.data.sets import Dataset
    from dlfaq.training.plan import Plan

__all__ = ["check_fits"]

_FEW = 2


def check_fits(model: nn.Module, data: Dataset, plan: Plan) -> None:
    """Try `model` and the loss on some examples; both, and all around them, stay as they are.

    Raises:
        InputError: the model does not take the inputs as they are, or does not give an output per
            class; the loss does not take the outputs, or does not give a loss per example.
    """
    around, mode = Surroundings([model], [plan.loss]), model.training
    try:
        with torch.enable_grad(), same_draws():
            outputs = _outputs(_copied(model).eval(), data, plan)
            _check_class_weights(plan, outputs)
            if plan.batch_size == 1:
                _check_trains_on_one(_copied(model).train(), data.train.x[:1].clone())
            if plan.loss is not cross_entropies:
                _check_loss(plan, outputs, data.train.y[: len(outputs)])
    finally:
        model.train(mode)
        around.put_back(draws=True)


def _copied(model: nn.Module) -> nn.Module:
    """A copy, since a model may count its calls; itself, if it holds what has none."""
    try:
        return deepcopy(model)
    except Exception:  # noqa: BLE001 - a generator, a lock, a tensor with a history
        return model


def _outputs(model: nn.Module, data: Dataset, plan: Plan) -> Tensor:
    # Of a whole batch for a loss of one's own, which may want so many.
    x = data.train.x[: _FEW if plan.loss is cross_entropies else plan.batch_size].clone()
    untouched = x._version  # noqa: SLF001 - how often it was changed in place
    try:
        outputs = model(x)
    except Exception as error:
        raise InputError(
            expected=f"a model that takes {x.dtype} inputs of shape (n, {_shape(x)})",
            got=first_line(error),
            cure="match the model's first size and dtype to the data; data.to(dtype) converts",
        ) from error
    if x._version != untouched:  # noqa: SLF001
        raise InputError(
            expected="a model that leaves its inputs as they are",
            got="one that changes them, and with them the data set",
            cure="take inplace=True out of its first layer",
        )
    if not isinstance(outputs, Tensor):
        raise InputError(
            expected="a model that gives one tensor, the outputs (n, classes)",
            got=f"a {type(outputs).__name__}",
            cure="let its forward() return the logits alone",
        )
    if outputs.ndim != 2 or len(outputs) != len(x) or outputs.shape[1] < data.classes:  # noqa: PLR2004
        raise InputError(
            expected=f"labels below the model's number of outputs, {outputs.shape[-1:].numel()}",
            got=f"outputs of shape (n, {_shape(outputs)}) and label {data.classes - 1}",
            cure=f"give the model {data.classes} outputs, or correct the labels",
        )
    if not outputs.requires_grad:
        raise InputError(
            expected="outputs with a gradient",
            got="outputs that do not depend on any parameter",
            cure="take detach(), no_grad() and argmax out of the model",
        )
    return outputs


def _check_class_weights(plan: Plan, outputs: Tensor) -> None:
    given = plan.class_weights
    if given is not None and given != "balanced" and len(given) != outputs.shape[1]:
        raise InputError(
            expected=f"a class weight for each of the model's {outputs.shape[1]} outputs",
            got=f"{len(given)}",
            cure="pass as many as it has outputs, in the order of the labels",
        )


def _check_trains_on_one(model: nn.Module, x: Tensor) -> None:
    try:
        model(x)
    except ValueError as error:  # as batch norm raises it
        raise InputError(
            expected="a model that trains on a batch of one example",
            got=first_line(error),
            cure="raise batch_size, or replace batch norm by nn.LayerNorm",
        ) from error


def _check_loss(plan: Plan, outputs: Tensor, y: Tensor) -> None:
    n = len(outputs)
    expected = f"as loss a function of outputs ({n}, {outputs.shape[1]}) and labels ({n},)"
    with warnings.catch_warnings():
        # PyTorch only warns where shapes differ and it takes all pairs.
        warnings.filterwarnings("error", message="Using a target size")
        try:
            losses: Any = plan.loss(outputs, y)
        except Exception as error:
            raise InputError(
                expected=expected,
                got=first_line(error),
                cure="convert labels inside it, with y.float() or one_hot(y, classes)",
            ) from error
    if not isinstance(losses, Tensor):
        raise InputError(
            expected="a loss that is a tensor",
            got=f"{_article(losses)} {type(losses).__name__}",
            cure="leave out .item() and .numpy(), and return the loss alone",
        )
    if losses.shape not in ((), (n,)):
        pairs = losses.shape == (n, n)
        raise InputError(
            expected=f"one loss per example, of shape ({n},), or their mean",
            got=f"shape {tuple(losses.shape)}"
            + (", a loss for each pair of examples: (n, 1) against (n,)" if pairs else ""),
            cure="squeeze the outputs, outputs[:, 0], or compare with y[:, None]"
            if pairs
            else "take the mean over what is not an example, such as .mean(1)",
        )
    if not (losses.is_floating_point() and losses.requires_grad):
        raise InputError(
            expected="a loss with a gradient",
            got="one that does not depend on the outputs",
            cure="take detach(), argmax and comparisons out of it",
        )


def _article(thing: object) -> str:
    return "an" if type(thing).__name__[0] in "aeiou" else "a"


def _shape(batch: Tensor) -> str:
    return ", ".join(map(str, batch.shape[1:]))
