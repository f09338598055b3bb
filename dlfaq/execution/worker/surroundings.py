"""The environment variables of a process: fixed, passed on, or found when asked for."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, ClassVar

from dlfaq.execution.variables import FIXED, is_passed_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["fix_environment", "visible", "watch_environment"]

#: What the engine itself sets: part of the key of a chain, or of none.
_set_here: set[str] = set()


# What is given but not passed on.
_found_by_name: dict[str, str] = {}


class _Watched(os._Environ):  # type: ignore[type-arg]  # noqa: SLF001 - what os.environ is
    """`os.environ`, which tells what is read of it and finds what is not passed on."""

    tell: ClassVar[Callable[[str], None]]

    def __getitem__(self, name: str) -> str:
        if name not in _set_here:
            type(self).tell(name)
        try:
            return str(super().__getitem__(name))
        except KeyError:
            if name in _found_by_name:
                return _found_by_name[name]
            raise

    def __iter__(self) -> Iterator[str]:
        for name in visible():
            type(self).tell(name)
        return super().__iter__()

    def __setitem__(self, name: str, value: str) -> None:
        super().__setitem__(name, value)
        _found_by_name.pop(name, None)
        _set_here.add(name)

    def __delitem__(self, name: str) -> None:
        if _found_by_name.pop(name, None) is None:
            super().__delitem__(name)
        _set_here.add(name)


def fix_environment(variables: Mapping[str, str], own: Mapping[str, str]) -> None:
    """Make the environment the fixed one, what is passed on, and the engine's own variables.

    Args:
        variables: what the chain is given.
        own: what the engine tells the chain.
    """
    passed_on = {name: value for name, value in variables.items() if is_passed_on(name)}
    for name in list(os.environ):
        del os.environ[name]
    os.environ.update({**passed_on, **FIXED, **own})
    time.tzset()
    _set_here.update(FIXED, own)


def watch_environment(variables: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """From here on tell of each variable that is read by name, there or not.

    Args:
        variables: what the chain is given; what of it is not passed on is found by its name.
        tell: called with the name.
    """
    _found_by_name.update(
        (name, value) for name, value in variables.items() if not is_passed_on(name)
    )
    _Watched.tell = tell
    # The object stays: packages that are loaded hold it.
    os.environ.__class__ = _Watched


def visible() -> list[str]:
    """The variables that a program started now sees, but for those that the engine has set."""
    return [name for name in map(os.fsdecode, os.environb) if name not in _set_here]
