"""Temporary folders that do not outlive the process that made them, even if that was killed."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["sweep", "temporary_folder"]

_NAME = re.compile(r"dlfaq-(?P<pid>\d+)-\w+")


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """An empty folder, which goes at the end."""
    prefix = f"dlfaq-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        yield Path(name)


def sweep() -> None:
    """Remove the folders of processes that are gone: who is killed cannot clear up."""
    for folder in Path(tempfile.gettempdir()).glob("dlfaq-*"):
        match = _NAME.fullmatch(folder.name)
        if match is not None and not Path(f"/proc/{match['pid']}").exists():
            shutil.rmtree(folder, ignore_errors=True)
