"""Keeps a chain from changing the site that it is part of.

What one chain writes there another may read, so that the order of runs would decide what a page
shows; and what it deletes is gone for its author.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    # Paths, each with the descriptor of the folder that it is relative to; -1 for none.
    _Paths = list[tuple[Any, int]]

__all__ = ["keep_from_writing"]

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

# The paths that what an event tells of would change.
_CHANGED: dict[str, Callable[..., _Paths]] = {
    "open": lambda path, _mode, flags: [(path, -1)] if flags & _WRITES else [],
    "os.chmod": lambda path, _mode, folder: [(path, folder)],
    "os.chown": lambda path, _user, _group, folder: [(path, folder)],
    "os.link": lambda _old, new, _, folder: [(new, folder)],
    "os.mkdir": lambda path, _mode, folder: [(path, folder)],
    "os.remove": lambda path, folder: [(path, folder)],
    "os.rename": lambda old, new, from_, to: [(old, from_), (new, to)],
    "os.rmdir": lambda path, folder: [(path, folder)],
    "os.symlink": lambda _old, new, folder: [(new, folder)],
    "os.truncate": lambda path, _length: [(path, -1)],
    "os.utime": lambda path, _times, _ns, folder: [(path, folder)],
    "shutil.rmtree": lambda path, folder=None: [(path, -1 if folder is None else folder)],
}

#: What Python itself keeps beside a module.
_CACHE = "__pycache__"


def keep_from_writing(root: str, kept: Iterable[str], caches: Iterable[str]) -> None:
    """From here on let this process, and those it forks, change no file of the site.

    What begins with a dot is a cache and may be changed. Programs that are started are free.

    Args:
        root: the site.
        kept: folders that are no caches, whatever they are called: results, what is published.
        caches: folders that are, where they lie in it.
    """
    never = tuple(f"{folder}/" for folder in (*kept, f"{root}/.git"))
    free = tuple(f"{folder}/" for folder in caches if folder.startswith(f"{root}/"))

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CHANGED:
            for path, folder in _CHANGED[event](*arguments):
                if isinstance(path, (str, bytes, os.PathLike)):
                    check(_absolute(os.fsdecode(path), folder))

    def check(file: str) -> None:
        if not file.startswith((f"{root}/", *never)) or f"/{_CACHE}" in file:
            return
        hidden = "/." in file.removeprefix(root)
        if f"{file}/".startswith(never) or not (hidden or f"{file}/".startswith(free)):
            raise PermissionError(
                "expected a chain to change nothing of the site; got "
                f"{os.path.relpath(file, root)}; write to the working directory, which is a "
                "temporary folder"
            )

    sys.addaudithook(audit)


def _absolute(path: str, folder: int) -> str:
    """A path from the root of the system; a link stays what it is."""
    if folder >= 0:
        path = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)  # noqa: PTH115, PTH118
    return os.path.abspath(path)  # noqa: PTH100
