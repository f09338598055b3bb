"""Turns the text of a page into what Jupyter's Markdown can show: values, folds, marks, links."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dlfaq.site.filled import included, with_values
from dlfaq.site.markdown_text import outside_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dlfaq.site.page.context import Context

__all__ = ["Prose"]

_SPECIAL = re.compile(r"([\\`*_<>\[\]$|])")
_BOX = re.compile(r"^(?P<slashes>/{3,})[ \t]*(?P<kind>[\w-]*)[ \t]*(?:\|[ \t]*(?P<title>.*))?$")
_BOX_OPTION = re.compile(r"^[ \t]+[\w-]+:.*$")
_MARK = re.compile(r"==(?=\S)(.+?)(?<=\S)==", re.DOTALL)
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?![a-z]+:)([^)\s]*)\)")
#: In HTML there is no Markdown.
_SUMMARY, _CODE = re.compile(r"<summary>.*</summary>"), re.compile(r"`([^`]+)`")
_ATTRIBUTES = re.compile(r"[ \t]*\{[:#.][^}\n]*\}[ \t]*$", re.MULTILINE)


class Prose:
    """The text of one page, a cell at a time.

    What is placed in a paragraph of the page, a figure or a claim, Jupyter shows below the cell of
    code that made it.

    Args:
        context: the page.
        address: tells the whole address of what a link leads to, or None where it has none: the
            link would lead nowhere from a reader's folder, so its text stays.
    """

    def __init__(self, context: Context, address: Callable[[str], str | None]) -> None:
        self._context = context
        self._address = address
        self._lines = with_values(context, lambda value: _SPECIAL.sub(r"\\\1", value))
        for place in context.page.places:
            self._lines[place.line - 1] = ""

    def cell(self, first: int, last: int) -> str:
        """The text of the cell that stands for the lines from `first` to `last`, from 1."""
        page, settings = self._context.page, self._context.site.settings
        lines = included(self._lines[first - 1 : last], page.path, settings)
        text = outside_code("\n".join(lines), self._for_jupyter)
        text = _SUMMARY.sub(lambda found: _CODE.sub(r"<code>\1</code>", found[0]), text)
        return re.sub(r"\n{3,}", "\n\n", text).strip("\n")

    def _for_jupyter(self, text: str) -> str:
        text = "\n".join(_unboxed(text.split("\n")))
        text = _LINK.sub(self._link, _MARK.sub(r"<mark>\1</mark>", text))
        return _ATTRIBUTES.sub("", text)

    def _link(self, link: re.Match[str]) -> str:
        address = self._address(link[3])
        return link[2] if address is None else f"{link[1]}[{link[2]}]({address})"


def _unboxed(lines: Iterable[str]) -> list[str]:
    """Boxes as folds of HTML; as their title in bold where they do not fold, or go on below."""
    written: list[str] = []
    #: Those that are open: slashes, kind, and where the line stands that opened it.
    boxes: list[tuple[str, str, int]] = []
    opened = False
    for line in lines:
        box = _BOX.match(line)
        if box is None:
            if not (opened and _BOX_OPTION.match(line)):
                written.append(line)
                opened = False
            continue
        opened = bool(box["kind"])
        if opened:
            boxes.append((box["slashes"], box["kind"], len(written)))
            written.append(f"**{box['title']}**\n" if box["title"] else "")
        elif boxes and boxes[-1][0] == box["slashes"]:
            _, kind, start = boxes.pop()
            if kind == "details":
                title = written[start].strip("*\n")
                written[start] = f"<details><summary>{title}</summary>\n"
                written.append("\n</details>")
    return written
