"""Notices a snippet that forks and lets both processes run to the end of the chain."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Forks"]

_PATIENCE_S = 1.0


class Forks:
    """Knows whether this process is a copy that a snippet forked, and waits for such copies.

    A copy that runs to the end of the chain too would report twice; it leaves a mark instead.

    Args:
        mark: the file that a copy leaves.
    """

    def __init__(self, mark: Path) -> None:
        self._mark = mark
        self._is_copy = False
        self._count = 0
        os.register_at_fork(after_in_child=self._in_copy, after_in_parent=self._in_parent)

    def _in_copy(self) -> None:
        self._is_copy = True

    def _in_parent(self) -> None:
        self._count += 1

    @property
    def is_copy(self) -> bool:
        """Whether this process is a copy; asked at the end of the chain, which it has reached."""
        if self._is_copy:
            self._mark.touch()
        return self._is_copy

    def wait_for_copies(self) -> None:
        """Give copies a second to reach the end of the chain, if there are any."""
        end = time.monotonic() + _PATIENCE_S
        while self._count and not self._mark.exists() and time.monotonic() < end:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                time.sleep(0.01)
