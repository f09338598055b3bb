"""What replicas have in common without being told so: globals, closures, attributes of classes.

Replicas share no number, but a loss that counts its calls, or a module that keeps a list for all
models of its class, makes them share one. Stacked replicas see it change once a step, looped ones
once a step each. So what their code holds outside of the models is kept, compared, and put back.
"""

from __future__ import annotations

import random
from functools import partial
from itertools import chain
from types import FunctionType, MethodType, NoneType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from dlfaq.training.surroundings.reach import (
    GENERATORS,
    contents,
    followed,
    is_own,
    numbers,
    put_contents,
    put_numbers,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch import nn

__all__ = ["Attributes", "Surroundings", "unlike_attribute"]


_FUNCTIONS = (FunctionType, MethodType, partial)
_PLAIN = (int, float, complex, str, bytes, NoneType, np.generic, torch.dtype)
_TENSORS = ("_parameters", "_buffers", "_modules")


class Surroundings:
    """A picture of what some code can reach, as it is when the picture is taken.

    Args:
        models: of one structure; what each holds for itself does not count.
        functions: a loss, what makes a scheduler.
    """

    def __init__(self, models: Sequence[nn.Module], functions: Iterable[object] = ()) -> None:
        seen: dict[int, _Kept] = {}
        self._kept = [_Kept(root, seen) for root in (*_shared(models), *functions)]
        self._python = random.getstate()
        self._numpy: Any = np.random.get_state()  # noqa: NPY002 - the process's own

    def changed(self) -> str | None:
        """What is no longer as it was, in words, or None."""
        numpy: Any = np.random.get_state()  # noqa: NPY002
        if random.getstate() != self._python or not _same_numbers(numpy, self._numpy):
            return "what Python or NumPy draw"
        seen: set[int] = set()
        if any(kept.changed(seen) for kept in self._kept):
            return "what the model, loss or scheduler keeps outside of them"
        return None

    def put_back(self, *, draws: bool) -> None:
        """Make all as it was, but leave what was added to a list or a dict, such as a log.

        Args:
            draws: whether generators draw once more what they have drawn since.
        """
        if draws:
            random.setstate(self._python)
            np.random.set_state(self._numpy)  # noqa: NPY002
        seen: set[int] = set()
        for kept in self._kept:
            kept.put_back(seen, draws=draws)


class Attributes:
    """A picture of the attributes of a model; parameters and buffers do not count."""

    def __init__(self, model: nn.Module) -> None:
        apart: list[object] = [type(module) for module in model.modules()]
        apart += [vars(module)[held] for module in model.modules() for held in _TENSORS[:2]]
        self._seen = {id(thing): _Kept(None, {}) for thing in apart}
        self._kept = _Kept(model, self._seen)

    @property
    def tensors(self) -> list[Tensor]:
        """All tensors in them."""
        return [kept.thing for kept in self._seen.values() if isinstance(kept.thing, Tensor)]

    def changed(self) -> bool:
        """Whether an attribute is another now."""
        return self._kept.changed(set())


class _Kept:
    """An object, and a copy of what it held, down to plain values."""

    def __init__(self, thing: object, seen: dict[int, _Kept]) -> None:
        seen[id(thing)] = self
        self.thing = thing  # no other object gets its id
        self._numbers = numbers(thing)
        self._held = contents(thing)
        self._parts = [
            seen.get(id(value)) or _Kept(value, seen)
            for value in self._held.values()
            if followed(value)
        ]

    def changed(self, seen: set[int]) -> bool:
        """Whether it or a part of it that is not in `seen` is another now."""
        if id(self) in seen:
            return False
        seen.add(id(self))
        now = contents(self.thing)
        return (
            not _same_numbers(numbers(self.thing), self._numbers)
            or now.keys() != self._held.keys()
            or not all(_same(value, now[key]) for key, value in self._held.items())
            or any(part.changed(seen) for part in self._parts)
        )

    def put_back(self, seen: set[int], *, draws: bool) -> None:
        """Make it, and its parts that are not in `seen`, what they were."""
        if id(self) in seen:
            return
        seen.add(id(self))
        put_contents(self.thing, self._held)
        changed = not _same_numbers(numbers(self.thing), self._numbers)
        if changed and (draws or not isinstance(self.thing, GENERATORS)):
            put_numbers(self.thing, self._numbers)
        for part in self._parts:
            part.put_back(seen, draws=draws)


def unlike_attribute(model: nn.Module, other: nn.Module) -> str | None:
    """The attribute in which two models of one structure differ; parameters do not count."""
    others = dict(other.named_modules())
    for name, module in model.named_modules():
        held = vars(others[name])
        for key, value in vars(module).items():
            if key not in _TENSORS and not _alike(value, held.get(key), set()):
                return f"{name}.{key}".lstrip(".")
    return None


def _alike(a: Any, b: Any, seen: set[int]) -> bool:  # noqa: ANN401
    """Whether two objects hold the same; of what is not followed, plain values are compared."""
    if a is b or id(a) in seen:
        return True
    seen.add(id(a))
    if type(a) is not type(b):
        return False
    if not followed(a):
        return bool(a == b) if isinstance(a, _PLAIN) else True
    if isinstance(a, FunctionType) and a.__code__ is not b.__code__:
        return False
    if not _same_numbers(numbers(a), numbers(b)):
        return False
    parts, others = contents(a), contents(b)
    same_places = parts.keys() == others.keys()
    return same_places and all(_alike(part, others[key], seen) for key, part in parts.items())


def _shared(models: Sequence[nn.Module]) -> Iterator[object]:
    """The classes of the modules, functions that they hold, and objects that two models hold."""
    other = dict(models[-1].named_modules()) if len(models) > 1 else {}
    for name, module in chain.from_iterable(model.named_modules() for model in models[:1]):
        yield from filter(is_own, type(module).__mro__)
        for key, value in vars(module).items():
            shared = name in other and vars(other[name]).get(key) is value
            if followed(value) and (shared or isinstance(value, _FUNCTIONS)):
                yield value


def _same(kept: object, now: object) -> bool:
    """Whether a place holds the very object that it held, or a plain value equal to it."""
    if kept is now:
        return True
    if type(kept) is not type(now) or (followed(kept) and not isinstance(kept, tuple)):
        return False
    try:
        return bool(kept == now)
    except Exception:  # noqa: BLE001 - whatever its == does
        return False


def _same_numbers(a: Any, b: Any) -> bool:  # noqa: ANN401
    """Whether two results of `numbers` are equal, NaN and NaN too."""
    if isinstance(a, Tensor):
        return _same_tensors(a, b)
    if isinstance(a, np.ndarray):
        return bool(a.dtype == b.dtype and a.tobytes() == b.tobytes())
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same_numbers(a[key], b[key]) for key in a)
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(_same_numbers, a, b))
    return bool(a == b)


def _same_tensors(a: Tensor, b: Tensor) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    try:
        return torch.equal(a, b) or torch.allclose(a, b, rtol=0, atol=0, equal_nan=True)
    except RuntimeError:  # a layout that has no comparison, such as a sparse one
        return True
