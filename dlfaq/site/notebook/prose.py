"""Turns the text of a lab into what Jupyter's Markdown can show: values, folds, marks, links."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dlfaq.site.markdown_text import outside_code

if TYPE_CHECKING:
    from dlfaq.site.page.context import Context

__all__ = ["jupyter_markdown"]

_SPECIAL = re.compile(r"([\\`*_<>\[\]$|])")
_FOLD = re.compile(r"^/// details \| (.*?)\n(.*?)^///$", re.DOTALL | re.MULTILINE)
_BOX = re.compile(r"^/// \w+(?: \| (.*?))?\n(.*?)^///$", re.DOTALL | re.MULTILINE)
_MARK = re.compile(r"==(?=\S)(.+?)(?<=\S)==", re.DOTALL)
_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:)[^)\s]*\)")
_ATTRIBUTES = re.compile(r"[ \t]*\{[:#.][^}\n]*\}[ \t]*$", re.MULTILINE)


def jupyter_markdown(context: Context, first: int, last: int) -> str:
    """The text of one cell of a lab, its values filled in.

    What is placed there on the page, a figure or a claim, Jupyter shows below the cell of code that
    made it. A link to another page would lead nowhere from a reader's folder, so its text stays.

    Args:
        context: the lab.
        first: the first line of the cell's text, from 1.
        last: its last line.
    """
    text = outside_code("\n".join(_filled(context)[first - 1 : last]), _for_jupyter)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def _for_jupyter(text: str) -> str:
    text = _FOLD.sub(r"<details><summary>\1</summary>\n\n\2\n</details>", text)
    text = _BOX.sub(lambda box: f"**{box[1]}**\n\n{box[2]}" if box[1] else box[2], text)
    return _ATTRIBUTES.sub("", _LINK.sub(r"\1", _MARK.sub(r"<mark>\1</mark>", text)))


def _filled(context: Context) -> list[str]:
    """The lines of the lab, its values in place, without what is placed in a paragraph."""
    page = context.page
    lines = list(page.lines)
    # From the right, so that columns further left stay true.
    for span, index in sorted(page.spans, key=lambda pair: -pair[0].start):
        if span.start >= 0:
            line = lines[span.line - 1]
            value = _SPECIAL.sub(r"\\\1", context.value(index, span.expression) or "…")
            lines[span.line - 1] = line[: span.start] + value + line[span.end :]
    for place in page.places:
        lines[place.line - 1] = ""
    return lines
