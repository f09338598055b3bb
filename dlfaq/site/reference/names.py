"""Reads the public names of a package from its source, by griffe."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import griffe

from dlfaq.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Public", "Room", "public_names", "rooms_of"]


@dataclass(frozen=True)
class Public:
    """One public name.

    Attributes:
        name: by which the package gives it.
        source: the function or the class, as griffe reads it.
    """

    name: str
    source: griffe.Object


@dataclass(frozen=True)
class Room:
    """What a package keeps together, a folder or a module of it.

    Attributes:
        name: of the folder or the module.
        about: what its docstring says first.
        names: its public names.
    """

    name: str
    about: str
    names: tuple[Public, ...]


def public_names(package: Path) -> dict[str, str]:
    """The names that a package takes from its own modules, and where each of them is at home.

    They stand in its `__init__.py`, if only for type checkers, as in a package that is loaded name
    by name.

    Args:
        package: the folder.

    Raises:
        InputError: the folder is no package.
    """
    file = package / "__init__.py"
    if not file.is_file():
        raise InputError(
            expected=f"a package in {package}",
            got="no __init__.py there",
            cure="correct the option `reference` of the extension",
        )
    return dict(_public_names(file, file.stat().st_mtime_ns))


@lru_cache(maxsize=8)
def _public_names(file: Path, _changed: int) -> list[tuple[str, str]]:
    own = f"{file.parent.name}."
    module = griffe.visit(file.parent.name, file, file.read_text(encoding="utf-8"))
    found = (
        (name, member.target_path)
        for name, member in module.members.items()
        if isinstance(member, griffe.Alias) and not name.startswith("_")
    )
    return [(name, path) for name, path in found if path.startswith(own)]


def rooms_of(package: Path) -> list[Room]:
    """The public names of a package, those of a room together, in the order of `__init__.py`."""
    rooms: dict[str, list[Public]] = {}
    for name, path in public_names(package).items():
        module_path, _, own = path.rpartition(".")
        module = _module(package, module_path)
        room = module_path.split(".")[1]
        source = module.members[own]
        assert isinstance(source, griffe.Object)  # a name is at home where it is defined
        rooms.setdefault(room, []).append(Public(name, source))
    return [Room(room, _about(package, room), tuple(names)) for room, names in rooms.items()]


def _about(package: Path, room: str) -> str:
    docstring = _module(package, f"{package.name}.{room}").docstring
    return docstring.value.split("\n\n")[0].replace("\n", " ") if docstring is not None else ""


def _module(package: Path, path: str) -> griffe.Module:
    """A module of a package, by its whole name."""
    base = package.joinpath(*path.split(".")[1:])
    file = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    return _visited(path, file, file.stat().st_mtime_ns)


# While serving, all modules but one are what they were at the last save.
@lru_cache(maxsize=200)
def _visited(path: str, file: Path, _changed: int) -> griffe.Module:
    return griffe.visit(path, file, file.read_text(encoding="utf-8"))
