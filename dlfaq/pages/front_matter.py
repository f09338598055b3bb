"""Reads the YAML between two lines of `---` at the top of a page, as MkDocs does, but strictly.

MkDocs takes front matter that it cannot parse for no front matter, in silence. Here it is an error
with its line.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from dlfaq.errors import PageError

__all__ = ["front_matter", "key_line"]

_OPEN = re.compile(r"---[ \t]*")
_CLOSE = re.compile(r"(---|\.\.\.)[ \t]*")


def front_matter(text: str, path: str) -> tuple[dict[str, Any], int]:
    r"""Read the front matter of a page.

    Args:
        text: the page. A byte-order mark and CRLF are accepted.
        path: the file as messages name it.

    Returns:
        The mapping, and the index of the first line behind the closing `---`: the number of lines
        that front matter takes, 0 where there is none.

    Raises:
        PageError: it is not closed, empty, the end of the file, not YAML, or not a mapping of names
            to values.

    Example:
        >>> front_matter("---\ntitle: Why?\n---\nBecause.\n", "docs/why.md")
        ({'title': 'Why?'}, 3)
    """
    lines = _lines(text)
    if not lines or not _OPEN.fullmatch(lines[0]):
        return {}, 0
    end = next((i for i, line in enumerate(lines[1:], 1) if _CLOSE.fullmatch(line)), None)
    if end is None:
        raise PageError(path, 1, "front matter is opened here and never closed; add a line ---")
    if end == 1:
        raise PageError(path, 1, "front matter is empty; take both lines of --- out")
    if end == len(lines) - 1:
        raise PageError(path, end + 1, "the file ends in front matter; end this line too")
    return _mapping("\n".join(lines[1:end]), path), end + 1


def key_line(text: str, key: str) -> int:
    """Find the line, from 1, on which the front matter of `text` sets `key`; 1 if it does not."""
    for number, line in enumerate(_lines(text), 1):
        if number > 1 and _CLOSE.fullmatch(line):
            break
        if re.match(rf"{re.escape(key)}\s*:", line):
            return number
    return 1


def _lines(text: str) -> list[str]:
    # Not splitlines: that also breaks at form feeds and U+2028, which count as no line elsewhere.
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _mapping(source: str, path: str) -> dict[str, Any]:
    try:
        value = yaml.safe_load(source)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        # Marks count from 0, and the first line of the file is the opening ---.
        line = 2 + (mark.line if mark else 0)
        raise PageError(path, line, f"front matter is not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise PageError(path, 2, f"front matter is not YAML: {error}") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        got = type(value).__name__
        raise PageError(path, 2, f"front matter is a {got}; write lines of the form `title: …`")
    for key in value:
        if not isinstance(key, str):
            raise PageError(path, 2, f"front matter has the key {key!r}; put it in quotes")
    return value
