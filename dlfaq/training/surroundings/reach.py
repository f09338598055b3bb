"""What an object holds, by the place where it holds it, and how to put it back there.

Followed are containers, functions (the globals they name, the variables around them), classes and
objects of who uses the library. Nothing of PyTorch, of other installed packages or of Python itself
is followed.
"""

from __future__ import annotations

import random
import sys
from collections import deque
from copy import deepcopy
from functools import partial, singledispatch
from itertools import count
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch._C._functorch import is_batchedtensor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["GENERATORS", "contents", "followed", "is_own", "numbers", "put_contents", "put_numbers"]

_COPIED_AT_MOST = 1_000_000  # numbers; what has more is data and no state
_FOLLOWED_AT_MOST = 10_000  # entries of a container, for the same reason
_LENGTH = ("length",)
_CONTAINERS = (list, dict, tuple, deque, MethodType, partial)
GENERATORS = (random.Random, np.random.Generator, torch.Generator)
_NUMBERS = (Tensor, np.ndarray, set, count, *GENERATORS)


def followed(thing: object) -> bool:
    """Whether what is in `thing` may matter."""
    if isinstance(thing, FunctionType | type):
        return is_own(thing)
    return isinstance(thing, (*_CONTAINERS, *_NUMBERS, nn.Module)) or _is_instance(thing)


def is_own(thing: object) -> bool:
    """Whether a class, function or module is that of who uses the library, and of no package."""
    named = "__name__" if isinstance(thing, ModuleType) else "__module__"
    name = str(getattr(thing, named, None) or "builtins")
    if name == "__main__":  # whatever started the process
        return True
    root = name.partition(".")[0]
    path = str(getattr(sys.modules.get(name), "__file__", None) or "")
    packaged = any(folder in path for folder in ("site-packages", "dist-packages"))
    return not packaged and root != "dlfaq" and root not in sys.stdlib_module_names


@singledispatch
def contents(thing: object) -> dict[Any, Any]:
    """What `thing` holds: attributes of an object, and its class."""
    if not (isinstance(thing, nn.Module) or _is_instance(thing)):
        return {}
    passing = {key for key in vars(thing) if "hooks" in key or key == "training"}
    held = {key: value for key, value in vars(thing).items() if key not in passing}
    return {**held, ("class",): type(thing)}


@contents.register(list)
@contents.register(tuple)
@contents.register(deque)
def _(thing: Any) -> dict[Any, Any]:  # noqa: ANN401
    return dict(enumerate(thing)) if len(thing) <= _FOLLOWED_AT_MOST else {_LENGTH: len(thing)}


@contents.register(dict)
def _(thing: dict[Any, Any]) -> dict[Any, Any]:
    return dict(thing) if len(thing) <= _FOLLOWED_AT_MOST else {_LENGTH: len(thing)}


@contents.register(MethodType)
def _(thing: MethodType) -> dict[Any, Any]:
    return {("self",): thing.__self__, ("function",): thing.__func__}


@contents.register(partial)
def _(thing: partial[Any]) -> dict[Any, Any]:
    return {("function",): thing.func, ("args",): thing.args, ("keywords",): thing.keywords}


@contents.register(type)
def _(thing: type) -> dict[Any, Any]:
    """Attributes and methods, but not what Python keeps there, such as __doc__."""
    return {
        key: _unwrapped(value)
        for key, value in vars(thing).items()
        if isinstance(value, FunctionType) or not key.startswith("__")
    }


@contents.register(FunctionType)
def _(thing: FunctionType) -> dict[Any, Any]:
    """Globals that it names, also in modules, variables around it, defaults and attributes."""
    named = {*_names(thing.__code__)}
    names = named & thing.__globals__.keys()
    cells = thing.__closure__ or ()
    modules = {name: thing.__globals__[name] for name in names}
    return {
        **{
            ("module", name, key): vars(module)[key]
            for name, module in modules.items()
            if isinstance(module, ModuleType) and is_own(module)
            for key in named & vars(module).keys()
        },
        **{("global", name): thing.__globals__[name] for name in names},
        **{("cell", i): _in_cell(cell) for i, cell in enumerate(cells)},
        **vars(thing),
        ("defaults",): thing.__defaults__,
    }


@singledispatch
def put_contents(thing: object, held: Mapping[Any, Any]) -> None:
    """Make the places of `thing` hold what they held; what was added to a container stays."""
    if isinstance(thing, nn.Module) or _is_instance(thing):
        vars(thing).update({key: value for key, value in held.items() if isinstance(key, str)})


@put_contents.register(list)
def _(thing: list[object], held: Mapping[Any, Any]) -> None:
    if _LENGTH not in held:
        thing[: len(held)] = held.values()


@put_contents.register(dict)
def _(thing: dict[object, object], held: Mapping[Any, Any]) -> None:
    if _LENGTH not in held:
        thing.update(held)


@put_contents.register(type)
def _(thing: type, held: Mapping[Any, Any]) -> None:
    for key, value in held.items():
        if _unwrapped(vars(thing).get(key)) is not value:
            setattr(thing, key, value)


@put_contents.register(FunctionType)
def _(thing: FunctionType, held: Mapping[Any, Any]) -> None:
    for place, value in held.items():
        if place[0] == "global":
            thing.__globals__[place[1]] = value
        elif place[0] == "module":
            vars(thing.__globals__[place[1]])[place[2]] = value
        elif place[0] == "cell" and value is not _EMPTY:
            (thing.__closure__ or ())[place[1]].cell_contents = value


def numbers(thing: object) -> Any:  # noqa: ANN401 - of many kinds
    """A copy of what `thing` holds in no place of its own: numbers, the state of a generator."""
    if isinstance(thing, Tensor):
        # What has escaped from torch.func cannot be copied.
        small = thing.numel() <= _COPIED_AT_MOST and not is_batchedtensor(thing)
        return thing.detach().clone() if small else None
    if isinstance(thing, np.ndarray):
        return thing.copy() if thing.size <= _COPIED_AT_MOST else None
    copied: Any = None
    if isinstance(thing, random.Random):
        copied = thing.getstate()
    elif isinstance(thing, np.random.Generator):
        copied = deepcopy(thing.bit_generator.state)
    elif isinstance(thing, torch.Generator):
        copied = thing.get_state()
    elif isinstance(thing, set):
        copied = set(thing)
    elif isinstance(thing, count):
        copied = repr(thing)  # which says where it stands
    return copied


def put_numbers(thing: Any, kept: Any) -> None:  # noqa: ANN401
    """Undo what happened to `thing` since `numbers` gave `kept`."""
    if kept is None:
        return
    if isinstance(thing, Tensor):
        with torch.no_grad():
            thing.copy_(kept)
    elif isinstance(thing, np.ndarray):
        thing[...] = kept
    elif isinstance(thing, random.Random):
        thing.setstate(kept)
    elif isinstance(thing, np.random.Generator):
        thing.bit_generator.state = kept
    elif isinstance(thing, torch.Generator):
        thing.set_state(kept)
    elif isinstance(thing, set):
        thing.clear()
        thing.update(kept)


_EMPTY = object()


def _in_cell(cell: Any) -> object:  # noqa: ANN401 - its type has no name
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return _EMPTY


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _unwrapped(value: Any) -> object:  # noqa: ANN401
    if isinstance(value, property):
        return value.fget
    return value.__func__ if isinstance(value, staticmethod | classmethod) else value


def _is_instance(thing: object) -> bool:
    """Whether it is an object, with attributes, of a class of who uses the library."""
    return hasattr(thing, "__dict__") and not isinstance(thing, type) and is_own(type(thing))
