"""Reads a lab, a script of cells in docs/labs, as the page that it stands for, line for line.

A lab is a jupytext "percent" script: `# %%` begins a cell of code, `# %% [markdown]` one of text in
comments, and a header in comments is its front matter. Line n of the Markdown made here stands for
line n of the script, so that all that reads a page, and every message, holds for a lab too.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dlfaq.pages.fences import Fail

__all__ = ["as_markdown", "cells", "is_lab", "lab_files"]

_FOLDER = "labs"
_CODE, _TEXT = "# %%", "# %% [markdown]"
_RULE = "# ---"

# Whatever jupytext might take for the beginning of a cell.
_CELL = re.compile(r"\s*#\s*%%")
_SNIPPET = re.compile(r"\s*`{3,}python\s*$")


def is_lab(src: str) -> bool:
    """Whether a file, by its path relative to docs_dir, is a lab."""
    folder, _, name = src.rpartition("/")
    return folder == _FOLDER and name.endswith(".py")


def lab_files(docs_dir: Path) -> list[Path]:
    """The labs of a site, in order of their names."""
    return sorted((docs_dir / _FOLDER).glob("*.py"))


def cells(lines: Sequence[str]) -> list[tuple[int, int]]:
    """The cells of a script: the line of the marker, from 1, and the last line before the next."""
    starts = [number for number, line in enumerate(lines, 1) if _CELL.match(line)]
    return [(start, stop - 1) for start, stop in pairwise([*starts, len(lines) + 1])]


def as_markdown(lines: Sequence[str], fail: Fail) -> list[str]:
    """The Markdown that a script stands for; at its end it may have one line more.

    Args:
        lines: the lines of the script.
        fail: told of each line that cannot be read.
    """
    new = list(lines)
    first = _header(new, fail)
    found = cells(lines)
    for number in range(first + 1, found[0][0] if found else len(lines) + 1):
        if new[number - 1].strip():
            fail(number, f"a cell begins with {_CODE} or {_TEXT}; nothing stands outside of cells")
            new[number - 1] = ""
    for start, last in found:
        if lines[start - 1] == _CODE:
            _code(new, start, last, fail)
        else:
            if lines[start - 1] != _TEXT:
                fail(start, f"a cell begins with exactly {_CODE} or {_TEXT}")
            _text(new, start, last, fail)
    return new


def _header(new: list[str], fail: Fail) -> int:
    """Take the comment signs from the header; how many lines it has."""
    if new[0] != _RULE:
        fail(
            1, f"a lab begins with its header: {_RULE}, then lines like # title: ..., then {_RULE}"
        )
        return 0
    for index, line in enumerate(new):
        if not line.startswith("#"):
            break
        new[index] = line[1:].removeprefix(" ")
        if index > 0 and line == _RULE:
            return index + 1
    fail(1, f"the header is opened here and never closed; add a line {_RULE}")
    new[:index] = [""] * index
    return index


def _code(new: list[str], start: int, last: int, fail: Fail) -> None:
    """Put a fence around the code; the line below it, which is blank, becomes its end."""
    end = max((n for n in range(start, last + 1) if new[n - 1].strip()), default=start)
    if end == last and last < len(new):
        fail(last + 1, "a blank line stands above the beginning of a cell")
        new[start - 1 : last] = [""] * (last - start + 1)
        return
    new[start - 1] = "```python"
    new[end : end + 1] = ["```"]


def _text(new: list[str], start: int, last: int, fail: Fail) -> None:
    """Take the comment signs from a cell of text."""
    new[start - 1] = ""
    for number in range(start + 1, last + 1):
        line = new[number - 1]
        if line.strip() not in {"", "#"} and not line.startswith("# "):
            fail(number, "a line of a cell of text begins with a # and a space")
        text = line[2:]
        if _SNIPPET.match(text):
            fail(number, f"write a cell of code ({_CODE}) to run this, or `py` to show it only")
            text = text.replace("python", "py")
        new[number - 1] = text
