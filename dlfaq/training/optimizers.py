"""Optimizers by name, by class or by function, one parameter group for each learning rate."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any

from torch import Tensor, optim

from dlfaq.errors import InputError
from dlfaq.training.names import unknown_name

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
        InputError: an unknown name, what is no optimizer, or options it does not take.
    """
    kind: Any = _NAMES.get(optimizer) if isinstance(optimizer, str) else optimizer
    if kind is None:
        otherwise = "pass one of these, a class of torch.optim, or a function of (parameters, lr=…)"
        raise unknown_name(optimizer, _NAMES, what="an optimizer", otherwise=otherwise)
    if not callable(kind):
        made = isinstance(kind, optim.Optimizer)
        raise InputError(
            expected="an optimizer by name, by class or by function",
            got=f"one that is made already, a {type(kind).__name__}" if made else repr(kind),
            cure='pass optimizer="adam" and options={…}, which makes one for each replica',
        )
    keywords = dict(options)
    if isinstance(kind, type) and "fused" in inspect.signature(kind).parameters:
        # One kernel per tensor: Adam's step takes half the time, which counts in nets this small.
        keywords.setdefault("fused", not keywords.keys() & {"foreach", "differentiable"})
    parameters = [{"params": list(tensors), "lr": rate} for rate, tensors in groups]
    try:
        made = kind(parameters, lr=groups[0][0], **keywords)
    except (TypeError, ValueError) as error:
        raise InputError(
            expected=f"options that {getattr(kind, '__name__', kind)} takes",
            got=f"{dict(options)} ({error})",
            cure=_nearest_option(kind, options),
        ) from error
    if not isinstance(made, optim.Optimizer):
        raise InputError(
            expected="an optimizer by name, by class or by function",
            got=f"{getattr(kind, '__name__', kind)}, which gives a {type(made).__name__}",
            cure="write optimizer=lambda parameters, lr: torch.optim.SGD(parameters, lr=lr)",
        )
    return made


def _nearest_option(kind: Callable[..., Any], options: Mapping[str, Any]) -> str:
    """The cure for an option that an optimizer does not take."""
    if "lr" in options:
        return "pass the rate as lr=, beside options="
    known = inspect.signature(kind).parameters
    for name in options.keys() - known.keys():
        for near in get_close_matches(name, known, n=1):
            return f"did you mean {near!r}?"
    return "see its page in the reference of torch.optim"


def is_elementwise(optimizer: Optimizer) -> bool:
    """Whether each number is updated from its own gradients alone, so that replicas can be stacked.

    Known of the optimizers that have a name here, and of a `partial` of one. Any other may clip the
    norm of all gradients, or look at the shapes of its parameters.
    """
    if isinstance(optimizer, partial):
        return is_elementwise(optimizer.func)
    return any(optimizer is known or optimizer == name for name, known in _NAMES.items())
