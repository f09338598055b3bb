"""Notices files that change while a chain runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Snapshot"]

_Status = tuple[int, int, int]


def _status(path: Path) -> _Status | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


class Snapshot:
    """The state of all files under a root at one moment.

    A chain tells only at its end what it read, so the state of everything is noted before it
    starts. A result of code that changed meanwhile belongs to no version of it.

    Args:
        root: the site's root.
        excluded: folders under it that do not count.
    """

    def __init__(self, root: Path, excluded: Iterable[str]) -> None:
        self._root = root
        self._files: dict[str, _Status | None] = {}
        left_out = set(excluded)
        for folder, folders, files in os.walk(root):
            folders[:] = [
                name
                for name in folders
                if not name.startswith(".")
                and name not in {"__pycache__", "node_modules"}
                and os.path.join(folder, name) not in left_out  # noqa: PTH118 - in a hot loop
            ]
            for name in files:
                path = Path(folder, name)
                self._files[path.relative_to(root).as_posix()] = _status(path)

    def changed(self, paths: Iterable[str]) -> list[str]:
        """Those of the paths, relative to the root, that are not as they were."""
        return [path for path in paths if _status(self._root / path) != self._files.get(path)]
