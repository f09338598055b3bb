"""Notes every file under the site's root that a chain reads, and what state it was in.

The state is noted at the first reading. A file that is in the same state after the chain is one
that the chain saw as it is now; any other changed meanwhile, and the result belongs to no version.
Notes are lines of a file, because a process that the chain forks reads for it too.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from importlib.util import source_from_cache
from typing import TYPE_CHECKING, Any

from dlfaq.execution.key import file_hash

if TYPE_CHECKING:
    from pathlib import Path

    from dlfaq.execution.task import ChainTask

__all__ = ["Reads", "what_was_read"]


class Reads:
    """Writes down the files of the site that this process opens for reading or imports.

    Args:
        task: says which files are the site's.
        notes: the file to write to.
    """

    def __init__(self, task: ChainTask, notes: Path) -> None:
        self._task = task
        self._notes = notes
        self._noted: set[str] = set()
        notes.touch()
        sys.addaudithook(self._audit)

    def note(self, file: str) -> bool:
        """Note a file, by its absolute path, if it is one of the site's; whether it is."""
        if file in self._noted:
            return True
        if not self._task.counts(file):
            return False
        self._noted.add(file)
        line = json.dumps([os.path.relpath(file, self._task.root), _state(file)]) + "\n"
        # By name each time: a chain may close any descriptor.
        notes = os.open(self._notes, os.O_WRONLY | os.O_APPEND)
        os.write(notes, line.encode())
        os.close(notes)
        return True

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not isinstance(arguments[0], (str, bytes, os.PathLike)):
            return
        flags = arguments[2]
        if flags & os.O_ACCMODE == os.O_WRONLY or flags & os.O_TRUNC:
            return
        file = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100 - a link stays what it is
        if file.endswith(".pyc"):
            with contextlib.suppress(ValueError):
                file = source_from_cache(file)
        self.note(file)


def what_was_read(notes: Path, root: Path) -> tuple[dict[str, str], list[str]]:
    """The files that a chain read, path from the root to SHA-256, and those that changed since."""
    files: dict[str, str] = {}
    changed: list[str] = []
    for line in notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []:
        path, state = json.loads(line)
        if path not in files:
            files[path] = file_hash(root / path)
            if _state(str(root / path)) != state:
                changed.append(path)
    return files, changed


def _state(file: str) -> list[int] | None:
    try:
        status = os.stat(file)  # noqa: PTH116 - in a hot loop
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size, status.st_ino]
