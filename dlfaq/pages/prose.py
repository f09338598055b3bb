"""Reads what the prose of a page asks to be filled in: values, places, and included Markdown."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from dlfaq.errors import PageError
from dlfaq.pages.fences import CONTINUE, Fail, Fence, scan
from dlfaq.pages.includes import (
    INCLUDE,
    LOOKS_LIKE_INCLUDE,
    WRITE_INCLUDE,
    Line,
    expand,
    included_error,
)
from dlfaq.pages.spans import PLACES, Place, Span, code_spans, parse_place, parse_span
from dlfaq.protocol import LABEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlfaq.pages.config import Settings
    from dlfaq.pages.page import Chain, Page

__all__ = ["Prose"]

# In a list or a quotation too; Python-Markdown asks for no space behind the signs.
_HEADING = re.compile(r"^(?:[\s>]|[-*+]\s|\d+\.\s)*#")
_UNDERLINE = re.compile(r"^[\s>]*(=+|-+)\s*$")
_LIKE_VALUE = re.compile(r"\{\s*python[\s}]", re.IGNORECASE)

#: What may stand behind a label: which of the figures of a snippet.
_INDEX = {"figure": re.compile(r"(\.[1-9][0-9]*)?"), "claim": re.compile("")}


class Prose:
    """Adds to a page its spans, its places and its errors.

    Args:
        page: the page; its spans and places are added to.
        settings: the site.
        fences: all fences of the page.
        chains: its chains.
    """

    def __init__(
        self, page: Page, settings: Settings, fences: Sequence[Fence], chains: Sequence[Chain]
    ) -> None:
        self._page = page
        self._settings = settings
        self._snippet_lines: set[int] = set()
        self._shown_lines: set[int] = set()
        for fence in fences:
            lines = self._snippet_lines if fence.is_snippet else self._shown_lines
            lines.update(range(fence.start, fence.end + 1))
        self._heads_at = [chain.head.start for chain in chains]
        labels = [chain.head.options.label for chain in chains]
        self._heads = {label: index for index, label in enumerate(labels) if label}
        self._chains = chains

    def read(self) -> None:
        """Read all lines outside of snippets, and the titles of figures."""
        for number in range(self._page.first + 1, len(self._page.lines) + 1):
            line = self._page.lines[number - 1]
            if number in self._snippet_lines or line == CONTINUE:
                continue
            if LOOKS_LIKE_INCLUDE.match(line):
                self._include(number, line)
            elif number not in self._shown_lines:
                self._line(number, line)
        for chain in self._chains:
            for snippet in chain.snippets:
                for key in ("fig-title", "fig-sub"):
                    text = getattr(snippet.options, key.replace("-", "_")) or ""
                    self._title(snippet.option_line(key), text, chain.index)

    def _fail(self, line: int, message: str) -> None:
        self._page.errors.append(PageError(self._page.path, line, message))

    def _line(self, number: int, line: str) -> None:
        rest = list(line)
        for ticks, start, end, content in code_spans(line):
            rest[start:end] = " " * (end - start)
            if ticks > 1:
                continue
            place = parse_place(content)
            if place is not None:
                self._place(number, line, line[start:end], *place)
            elif parse_span(content) is not None and self._is_heading(number):
                self._fail(number, "no inline value in a heading: its anchor would move with it")
            else:
                # The one chain of a lab is that of all its text.
                heads = (head < number or self._page.is_lab for head in self._heads_at)
                above = sum(heads) - 1
                self._value(number, (start, end), content, above)
        if _LIKE_VALUE.search("".join(rest).partition("`")[2]):
            self._fail(number, "an inline value ends on the line it begins on; close its backtick")

    def _title(self, number: int, text: str, chain: int) -> None:
        for ticks, _, _, content in code_spans(text):
            if ticks == 1:
                self._value(number, (-1, -1), content, chain)

    def _value(self, number: int, columns: tuple[int, int], content: str, above: int) -> None:
        """Check an inline value and give it to its chain."""
        parsed = parse_span(content)
        if parsed is None:
            if _LIKE_VALUE.match(content):
                self._fail(
                    number, "write `{python} expression` or `{python label} expression` for a value"
                )
            return
        label, expression = parsed
        index = above if label is None else self._heads.get(label, -1)
        if index < 0:
            self._fail(
                number,
                "no snippet stands above this value; write `{python label}` with a chain's label"
                if label is None
                else f"no chain's first snippet has `#| label: {label}`",
            )
            return
        try:
            ast.parse(expression, mode="eval")
        except (SyntaxError, ValueError) as error:
            message = error.msg if isinstance(error, SyntaxError) else str(error)
            self._fail(number, f"SyntaxError: {message} in `{expression}`")
            return
        self._page.spans.append((Span(number, *columns, expression, label), index))

    def _place(self, number: int, line: str, written: str, kind: str, label: str) -> None:
        lines = self._page.lines
        around = lines[number - 2 : number - 1] + lines[number : number + 1]
        if line.rstrip() != written or any(other.strip() for other in around):
            self._fail(number, f"`{{{kind}}}` is a paragraph of its own at the left margin")
            return
        name, _, index = label.partition(".")
        if not PLACES[kind]:
            if label:
                self._fail(number, f"`{{{kind}}}` takes no label")
                return
        elif not LABEL.fullmatch(name) or not _INDEX[kind].fullmatch(label[len(name) :]):
            self._fail(number, f"`{{{kind}}} label` names a label, not {label!r}")
            return
        self._page.places.append(Place(number, kind, name, int(index or 1)))

    def _is_heading(self, number: int) -> bool:
        lines = self._page.lines
        if _HEADING.match(lines[number - 1]):
            return True
        return number < len(lines) and _UNDERLINE.match(lines[number]) is not None

    def _include(self, number: int, line: str) -> None:
        """Check what prose includes: the renderer sees its fences, the tests do not."""
        where = Line(line, self._page.path, number, number)
        if not INCLUDE.match(line):
            self._fail(number, WRITE_INCLUDE)
            return
        try:
            included = expand([where], self._settings.snippets_dir, self._settings.root)
        except PageError as error:
            self._page.errors.append(error)
            return

        def fail(at: int, message: str) -> None:
            one = included[at - 1]
            error = PageError(one.file, one.number, message)
            self._page.errors.append(included_error(where, error))

        texts = [one.text for one in included]
        if number in self._shown_lines:
            _check_shown(texts, fail)
        else:
            _check_markdown(texts, fail)


def _check_shown(texts: list[str], fail: Fail) -> None:
    for at, text in enumerate(texts, 1):
        if text.lstrip().startswith("```"):
            fail(at, "a file included in a fence holds no fence, which would end it")


def _check_markdown(texts: list[str], fail: Fail) -> None:
    for fence in scan(texts, 0, fail):
        if fence.is_snippet:
            fail(
                fence.start,
                "Markdown included outside a fence holds no snippet; move it to the page",
            )
    for at, text in enumerate(texts, 1):
        for ticks, _, _, content in code_spans(text):
            if ticks == 1 and (_LIKE_VALUE.match(content) or parse_place(content)):
                fail(at, "values and figures stand on a page, not in included Markdown")
