"""Optimizers by name, by class or by function, one parameter group for each learning rate."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from torch import Tensor, optim

from dlfaq.errors import InputError

__all__ = ["Optimizer", "build_optimizer", "is_elementwise"]

Optimizer = str | type[optim.Optimizer] | Callable[..., optim.Optimizer]
"""A name, a class of torch.optim, or a function of (parameters, lr=…) such as a `partial`."""

_NAMES: dict[str, type[optim.Optimizer]] = {
    "adadelta": optim.Adadelta,
    "adagrad": optim.Adagrad,
    "adam": optim.Adam,
    "adamax": optim.Adamax,
    "adamw": optim.AdamW,
    "nadam": optim.NAdam,
    "radam": optim.RAdam,
    "rmsprop": optim.RMSprop,
    "rprop": optim.Rprop,
    "sgd": optim.SGD,
}


def build_optimizer(
    optimizer: Optimizer,
    options: Mapping[str, Any],
    groups: Sequence[tuple[float, Iterable[Tensor]]],
) -> optim.Optimizer:
    """An optimizer over groups of (learning rate, parameters).

    Raises:
        InputError: an unknown name, a rate that is not finite and above 0, or options it does not
            take.
    """
    kind = _NAMES.get(optimizer) if isinstance(optimizer, str) else optimizer
    if kind is None:
        raise InputError(
            expected=f"an optimizer among {', '.join(_NAMES)}",
            got=repr(optimizer),
            cure="pass one of these, a class of torch.optim, or a function of (parameters, lr=…)",
        )
    for rate, _ in groups:
        _check_rate(rate)
    keywords = dict(options)
    if isinstance(kind, type) and "fused" in inspect.signature(kind).parameters:
        # One kernel per tensor: Adam's step takes half the time, which counts in nets this small.
        keywords.setdefault("fused", not keywords.keys() & {"foreach", "differentiable"})
    parameters = [{"params": list(tensors), "lr": rate} for rate, tensors in groups]
    try:
        return kind(parameters, lr=groups[0][0], **keywords)
    except (TypeError, ValueError) as error:
        raise InputError(
            expected=f"options that {getattr(kind, '__name__', kind)} takes",
            got=f"{dict(options)} ({error})",
            cure="see its page in the reference of torch.optim",
        ) from error


def is_elementwise(optimizer: Optimizer) -> bool:
    """Whether each number is updated from its own gradients alone, so that replicas can be stacked.

    Known of the optimizers that have a name here, and of a `partial` of one. Any other may clip the
    norm of all gradients, or look at the shapes of its parameters.
    """
    if isinstance(optimizer, partial):
        return is_elementwise(optimizer.func)
    return optimizer in (*_NAMES, *_NAMES.values())


def _check_rate(rate: float) -> None:
    """Raise InputError unless `rate` is a finite number above 0."""
    if not (math.isfinite(rate) and rate > 0):
        raise InputError(
            expected="a learning rate that is finite and above 0",
            got=repr(rate),
            cure="start with 0.1 for SGD, 0.003 for Adam",
        )
