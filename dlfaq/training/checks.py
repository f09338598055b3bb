"""What is refused before anything is trained: rates, seeds, data, and what makes models."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from dlfaq.data.sets import Dataset
from dlfaq.errors import InputError

__all__ = [
    "called_with_seed",
    "check_dataset",
    "check_model",
    "check_seeds",
    "is_number",
    "one_rate",
    "several_rates",
]

_EXAMPLES = "Dataset(Examples(x, y), validation, test)"


def is_number(thing: object) -> bool:
    """Whether it is a real number, and no switch."""
    return isinstance(thing, Real) and not isinstance(thing, bool)


def one_rate(lr: object) -> float:
    """The learning rate that was given as one, as a float.

    Raises:
        InputError: it is no number, not finite, or not above 0.
    """
    if isinstance(lr, Tensor) and lr.ndim == 0:
        lr = lr.item()
    if not is_number(lr) or not (math.isfinite(lr) and lr > 0):  # type: ignore[operator, arg-type]
        raise InputError(
            expected="a learning rate that is finite and above 0",
            got=repr(lr),
            cure="start with 0.1 for SGD, 0.003 for Adam",
        )
    return float(lr)  # type: ignore[arg-type]


def several_rates(lr: object) -> list[float]:
    """The learning rates that were given, one or several, as floats; errors as for `one_rate`."""
    if isinstance(lr, np.ndarray | Tensor) and lr.ndim == 1:
        lr = lr.tolist()
    if isinstance(lr, Iterable) and not isinstance(lr, str | bytes | dict | np.ndarray | Tensor):
        return [one_rate(rate) for rate in lr]
    return [one_rate(lr)]


def check_seeds(seeds: object) -> list[int]:
    """The seeds as a list.

    Raises:
        InputError: they are no whole numbers from 0, none, or one of them is there twice.
    """
    many = isinstance(seeds, Iterable) and not isinstance(seeds, str | bytes | dict)
    given: list[Any] = list(seeds) if many else []  # type: ignore[call-overload]
    if not many or any(type(seed) is not int or seed < 0 for seed in given):
        cure = f"pass seeds=seeds({seeds})" if type(seeds) is int else "pass seeds=seeds(16)"
        raise InputError(
            expected="seeds, a list of whole numbers from 0",
            got=repr(seeds),
            cure=cure + ("; of an array, its tolist()" if hasattr(seeds, "tolist") else ""),
        )
    twice = sorted({seed for seed in given if given.count(seed) > 1})
    if twice:
        raise InputError(
            expected="seeds that differ, since equal ones give one replica twice",
            got=f"{', '.join(map(str, twice))} more than once",
            cure="pass seeds=seeds(16)",
        )
    return given


def check_dataset(data: object, *, where: str = "data") -> Dataset:
    """The data set that was given as one.

    Raises:
        InputError: it is something else.
    """
    if isinstance(data, Dataset):
        return data
    cure = f"write {_EXAMPLES}, with tensors x (n, …) and labels y (n,)"
    if isinstance(data, DataLoader | TorchDataset):
        cure += "; batches are drawn by batch_size="
    elif callable(data):
        cure = f"call it: {getattr(data, '__name__', 'digits')}(seed=0)"
    raise InputError(
        expected=f"a Dataset with train, validation and test as {where}",
        got=f"a {type(data).__name__}",
        cure=cure,
    )


def check_model(model: object, *, where: str = "model") -> nn.Module:
    """The model that was given as one.

    Raises:
        InputError: it is something else, or has nothing to learn.
    """
    if not isinstance(model, nn.Module):
        made = isinstance(model, type) or callable(model)
        raise InputError(
            expected=f"an nn.Module as {where}",
            got=f"the {'class' if isinstance(model, type) else 'function'} "
            f"{getattr(model, '__name__', model)}"
            if made
            else f"a {type(model).__name__}",
            cure="call it, and pass what it gives" if made else "pass mlp([64, 32, 10])",
        )
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise InputError(
            expected=f"parameters that require gradients in {where}",
            got="none, so there is nothing to learn",
            cure="register what it learns as nn.Parameter, or take requires_grad_(False) out",
        )
    return model


def called_with_seed(name: str, function: Callable[..., Any], seed: int) -> Any:  # noqa: ANN401
    """What the argument `name` gives for a seed.

    Raises:
        InputError: it does not take one.
    """
    try:
        inspect.signature(function).bind(seed=seed)
    except TypeError as error:
        raise InputError(
            expected=f"a function of seed= as {name}",
            got=f"{getattr(function, '__name__', function)}: {error}",
            cure=f"write {name}=lambda seed: …; it may ignore its seed",
        ) from error
    except ValueError:  # no signature that can be read
        pass
    return function(seed=seed)
