"""When each verdict was given and changed, from git."""

from __future__ import annotations

import shutil
import subprocess
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["verdict_dates"]

#: What a reader of a feed is told of: lines of the front matter.
_TOLD = "^(status|description):"


def verdict_dates(docs_dir: Path) -> dict[str, tuple[datetime, datetime]]:
    """The first and the last commit in which the verdict or the answer of each page changed.

    Args:
        docs_dir: the pages; the answer's keys are relative to it.

    Returns:
        Nothing where there is no git, no repository, or only the last part of its history, in which
        every page would be new.
    """
    git = shutil.which("git")
    if git is None or _said(git, docs_dir, "rev-parse", "--is-shallow-repository") != "false\n":
        return {}
    shown = ("--no-merges", "--relative", "--name-only", "--format=%x00%aI", f"-G{_TOLD}")
    log = _said(git, docs_dir, "-c", "core.quotePath=false", "log", *shown, "--", ".") or ""
    dates: dict[str, tuple[datetime, datetime]] = {}
    for commit in log.split("\0")[1:]:  # the newest first
        when, *files = commit.split("\n")
        date = datetime.fromisoformat(when)
        for file in filter(None, files):
            dates[file] = (date, dates.get(file, (date, date))[1])
    return dates


def _said(git: str, folder: Path, *arguments: str) -> str | None:
    """What a command of git prints; None where it fails."""
    done = subprocess.run(
        [git, "-C", str(folder), *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode == 0 else None
