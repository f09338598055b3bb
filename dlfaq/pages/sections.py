"""The prose of a page between its fences: its sections, and what a reader must unfold to see."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlfaq.pages.fences import scan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlfaq.pages.page import Page

__all__ = ["Section", "closed_lines", "prose", "sections"]

_HEADING = re.compile(r"^(?P<signs>#{2,3})\s+(?P<name>.*?)\s*(\{[^}]*\})?\s*#*$")
_BLOCK = re.compile(r"^(?P<slashes>/{3,})[ \t]*(?P<name>[\w-]*)")
_OPEN = re.compile(r"^[ \t]+open:[ \t]*true[ \t]*$", re.IGNORECASE)


@dataclass(frozen=True)
class Section:
    """A heading of the second or the third level.

    Attributes:
        line: the line of the heading.
        name: its words.
        level: 2 or 3.
        within: the name of the second-level section it belongs to; its own name on that level.
    """

    line: int
    name: str
    level: int
    within: str


def prose(page: Page) -> Iterator[tuple[int, str]]:
    """The lines of a page outside its fences, with their numbers."""
    fences = scan(page.lines, page.first, lambda *_: None)
    fenced = {number for fence in fences for number in range(fence.start, fence.end + 1)}
    for number, line in enumerate(page.lines[page.first :], page.first + 1):
        if number not in fenced:
            yield number, line


def sections(page: Page) -> list[Section]:
    """The sections of a page, those of the third level beside those of the second, in order."""
    found: list[Section] = []
    within = ""
    for number, line in prose(page):
        match = _HEADING.match(line)
        if match is None:
            continue
        level, name = len(match["signs"]), match["name"]
        within = name if level == 2 else within  # noqa: PLR2004 - the level of a section
        found.append(Section(number, name, level, within))
    return found


def closed_lines(page: Page) -> set[int]:
    """The lines in blocks of `/// details` that are not open when the page is.

    A block ends at a line of as many slashes as it began with, and one with more may hold it.
    """
    lines = list(prose(page))
    open_blocks: list[tuple[str, bool, int]] = []
    closed: set[int] = set()
    for index, (number, line) in enumerate(lines):
        match = _BLOCK.match(line)
        if match is None:
            continue
        if match["name"]:
            following = lines[index + 1][1] if index + 1 < len(lines) else ""
            folds = match["name"] == "details" and not _OPEN.match(following)
            open_blocks.append((match["slashes"], folds, number))
        elif open_blocks and open_blocks[-1][0] == match["slashes"]:
            _, folds, start = open_blocks.pop()
            if folds:
                closed.update(range(start, number + 1))
    return closed
