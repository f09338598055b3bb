"""The processes that a process has started, and those that they have, as Linux lists them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections import defaultdict
from pathlib import Path

__all__ = ["adopt_orphans", "descendants", "kill_all"]

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """From here on processes below this one whose parent has ended are this one's children.

    So none gets away by a session of its own.
    """
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(pid: int) -> list[int]:
    """The processes below one, those nearest first."""
    children = defaultdict(list)
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):
                # The name of a program may hold anything, parentheses too.
                after_name = (folder / "stat").read_bytes().rpartition(b")")[2]
                children[int(after_name.split()[1])].append(int(folder.name))
    found = list(children[pid])
    for one in found:  # which grows meanwhile
        found.extend(children[one])
    return found


def kill_all(pids: list[int]) -> None:
    """End processes at once, those that are still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
