"""Checks that what was read back from JSON is what its types say.

A file of the store may be whole and yet not ours: of another version, or written by hand.
"""

from __future__ import annotations

import sys
from dataclasses import is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

__all__ = ["check_shape"]


def check_shape(record: object) -> None:
    """Raise a TypeError that names the first field of a dataclass that does not fit its type."""
    kind: Any = type(record)
    for name, hint in _hints(kind).items():
        if not _fits(getattr(record, name), hint):
            raise TypeError(f"{name} is of another type")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _fits(value: Any, hint: Any) -> bool:  # noqa: ANN401 - whatever JSON holds
    outer, inner = get_origin(hint), get_args(hint)
    if outer in {Union, UnionType}:
        return any(_fits(value, one) for one in inner)
    if outer is Literal:
        return isinstance(value, str) and value in inner
    if hint is float and type(value) is int:  # JSON knows one kind of number
        return abs(value) <= sys.maxsize
    if not isinstance(value, outer or hint):
        return False
    return _fits_inside(value, hint, outer, inner)


def _fits_inside(value: Any, hint: Any, outer: Any, inner: tuple[Any, ...]) -> bool:  # noqa: ANN401
    if _is_record(hint):
        return all(_fits(getattr(value, name), one) for name, one in _hints(hint).items())
    if outer is dict:
        return all(_fits(key, inner[0]) and _fits(one, inner[1]) for key, one in value.items())
    if outer in {list, tuple}:
        inner = inner[:1] * len(value) if outer is list or Ellipsis in inner else inner
        return len(value) == len(inner) and all(map(_fits, value, inner))
    if hint is str:
        return value.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in value)
    return hint is not int or (type(value) is int and abs(value) <= sys.maxsize)


def _is_record(hint: Any) -> bool:  # noqa: ANN401 - a type
    return is_dataclass(hint)
