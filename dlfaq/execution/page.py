"""Reads a page: its front matter, its snippets and the chains they form, what its prose asks to fill in.

Everything that renders, runs or tests a page starts from the `Page` that `read_page` gives. What
cannot be read is collected in `Page.errors`, so that one build names every fault of a page.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from dlfaq.errors import PageError
from dlfaq.execution.config import Settings
from dlfaq.execution.fences import CONTINUE, Fence, scan
from dlfaq.execution.front_matter import front_matter
from dlfaq.execution.includes import INCLUDE, Line, expand, locate
from dlfaq.execution.options import LABEL, Options, parse_options
from dlfaq.execution.spans import PLACES, Place, Span, code_spans, parse_place, parse_span

__all__ = ["Chain", "Page", "Snippet", "page_text", "read_page"]

_HEADING = re.compile(r"^ {0,3}#{1,6}(\s|$)")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-+)\s*$")


@dataclass(frozen=True)
class Snippet:
    """One fence that is run.

    Attributes:
        start: line of its opening backticks on the page.
        end: line of its closing backticks.
        raw: its body as written, options and includes unexpanded, as pytest-codeblocks sees it.
        lines: the code that is run and shown: no options, includes expanded.
        options: what its option lines say.
    """

    start: int
    end: int
    raw: str
    lines: tuple[Line, ...]
    options: Options

    @property
    def code(self) -> str:
        """The code that is run and shown."""
        return "".join(f"{line.text}\n" for line in self.lines)


@dataclass(frozen=True)
class Chain:
    """Snippets that run in one process, in order, in one namespace.

    Attributes:
        index: which chain of the page, from 0.
        snippets: its snippets.
        expressions: the inline expressions it evaluates at its end, each once.
    """

    index: int
    snippets: tuple[Snippet, ...]
    expressions: tuple[str, ...] = ()

    @property
    def head(self) -> Snippet:
        """The first snippet, which names the chain and sets its limit of time."""
        return self.snippets[0]

    @property
    def lines(self) -> list[Line]:
        """All lines of code, in order: line n of a traceback is `lines[n - 1]`."""
        return [line for snippet in self.snippets for line in snippet.lines]


@dataclass
class Page:
    """A page as the engine sees it.

    Attributes:
        path: relative to the root, as messages name it.
        src: relative to docs_dir, as MkDocs names it.
        meta: the front matter.
        lines: the lines of the file, without their ends.
        first: index of the first line behind the front matter.
        chains: its chains, in order.
        spans: its inline values and the chain each belongs to.
        places: its placed figures, claims and lists.
        errors: what cannot be read, in the order of lines.
    """

    path: str
    src: str
    meta: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    first: int = 0
    chains: list[Chain] = field(default_factory=list)
    spans: list[tuple[Span, int]] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    errors: list[PageError] = field(default_factory=list)

    @cached_property
    def snippets(self) -> list[tuple[Chain, int]]:
        """Every snippet of the page as its chain and its index there, in order."""
        return [(chain, i) for chain in self.chains for i in range(len(chain.snippets))]


def page_text(file: Path, path: str) -> str:
    """The text of a page: UTF-8, a byte-order mark dropped, every line end a newline.

    Raises:
        PageError: the file is not UTF-8; the message gives the offset of the first bad byte.
    """
    data = file.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise PageError(
            path, line, f"not UTF-8 at byte {error.start} of the file; save it as UTF-8"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_page(file: Path, settings: Settings) -> Page:
    """Read one Markdown file of the site."""
    path = settings.relative(file)
    page = Page(path, file.relative_to(settings.docs_dir).as_posix())
    try:
        text = page_text(file, path)
        page.meta, page.first = front_matter(text, path)
    except PageError as error:
        page.errors.append(error)
        return page
    page.lines = text.split("\n")
    _Reader(page, settings).read()
    page.errors.sort(key=lambda error: error.line)
    return page


class _Reader:
    """Fills a page in, step by step."""

    def __init__(self, page: Page, settings: Settings) -> None:
        self.page = page
        self.settings = settings

    def fail(self, line: int, message: str) -> None:
        self.page.errors.append(PageError(self.page.path, line, message))

    def read(self) -> None:
        fences = scan(self.page.lines, self.page.first, self.fail)
        groups: list[list[Snippet]] = []
        for fence in fences:
            if fence.is_snippet:
                if not (fence.continues and groups):
                    groups.append([])
                groups[-1].append(self.snippet(fence, is_head=not groups[-1]))
        chains = [Chain(index, tuple(group)) for index, group in enumerate(groups)]
        heads = self.labels(chains)
        self.prose(fences, chains, heads)
        for chain in chains:
            for snippet in chain.snippets:
                self.option_spans(snippet, chain, heads)
        wanted: dict[int, dict[str, None]] = {chain.index: {} for chain in chains}
        for span, index in self.page.spans:
            wanted[index][span.expression] = None
        self.page.chains = [
            Chain(chain.index, chain.snippets, tuple(wanted[chain.index])) for chain in chains
        ]

    def snippet(self, fence: Fence, *, is_head: bool) -> Snippet:
        options, count = parse_options(fence.body, fence.start + 1, self.fail)
        if options.timeout is not None and not is_head:
            self.fail(fence.start, "timeout is for the whole chain: set it in its first snippet")
        lines = [
            Line(text, self.page.path, number, number)
            for number, text in enumerate(fence.body[count:], fence.start + 1 + count)
        ]
        try:
            lines = expand(lines, self.settings.snippets_dir, self.settings.root)
        except PageError as error:
            self.page.errors.append(error)
        raw = "".join(f"{line}\n" for line in fence.body)
        return Snippet(fence.start, fence.end, raw, tuple(lines), options)

    def labels(self, chains: Sequence[Chain]) -> dict[str, int]:
        """The labels of chain heads; a label that stands twice on the page is an error."""
        seen: set[str] = set()
        for chain in chains:
            for snippet in chain.snippets:
                label = snippet.options.label
                if label in seen:
                    self.fail(snippet.start, f"label {label!r} stands twice on this page; rename one")
                if label:
                    seen.add(label)
        return {
            chain.head.options.label: chain.index for chain in chains if chain.head.options.label
        }

    def prose(self, fences: Sequence[Fence], chains: Sequence[Chain], heads: dict[str, int]) -> None:
        fenced = {number for fence in fences for number in range(fence.start, fence.end + 1)}
        starts = [chain.head.start for chain in chains]
        for number in range(self.page.first + 1, len(self.page.lines) + 1):
            line = self.page.lines[number - 1]
            if number in fenced or line == CONTINUE:
                continue
            if INCLUDE.match(line):
                self.included(Line(line, self.page.path, number, number))
                continue
            for ticks, start, end, content in code_spans(line):
                if ticks == 1:
                    above = sum(first < number for first in starts) - 1
                    self.span(number, line, (start, end), content, above, heads)
            if re.search(r"(?<!`)`\{python[ }]", re.sub(r"`[^`]*`", "", line)):
                self.fail(number, "an inline value ends on the line it begins on; close its backtick")

    def span(  # noqa: PLR0913
        self,
        number: int,
        line: str,
        columns: tuple[int, int],
        content: str,
        above: int,
        heads: dict[str, int],
    ) -> None:
        place = parse_place(content)
        if place is not None:
            self.place(number, line, columns, *place)
            return
        inline = parse_span(content)
        if inline is None:
            return
        if self.is_heading(number):
            self.fail(number, "no inline value in a heading: its anchor would move with the value")
            return
        self.value(Span(number, *columns, inline[1], inline[0]), above, heads)

    def value(self, span: Span, above: int, heads: dict[str, int]) -> None:
        """Check an inline value and give it to its chain."""
        index = above if span.label is None else heads.get(span.label, -1)
        if index < 0:
            self.fail(
                span.line,
                "no snippet stands above this value; write `{python label}` with a chain's label"
                if span.label is None
                else f"no chain's first snippet has `#| label: {span.label}`",
            )
            return
        try:
            ast.parse(span.expression, mode="eval")
        except SyntaxError as error:
            self.fail(span.line, f"SyntaxError: {error.msg} in `{span.expression}`")
            return
        self.page.spans.append((span, index))

    def place(
        self, number: int, line: str, columns: tuple[int, int], kind: str, label: str
    ) -> None:
        lines = self.page.lines
        around = [lines[number - 2] if number > 1 else "", lines[number] if number < len(lines) else ""]
        if line.strip() != line[slice(*columns)] or any(other.strip() for other in around):
            self.fail(number, f"`{{{kind}}}` is a paragraph of its own, blank lines around it")
            return
        name, _, index = label.partition(".")
        if not PLACES[kind]:
            if label:
                self.fail(number, f"`{{{kind}}}` takes no label")
                return
        elif not LABEL.fullmatch(name) or (index and not (index.isdecimal() and int(index) > 0)):
            self.fail(number, f"`{{{kind}}} label` names a label, not {label!r}")
            return
        self.page.places.append(Place(number, kind, name, int(index or 1)))

    def is_heading(self, number: int) -> bool:
        lines = self.page.lines
        if _HEADING.match(lines[number - 1]):
            return True
        return number < len(lines) and _UNDERLINE.match(lines[number]) is not None

    def option_spans(self, snippet: Snippet, chain: Chain, heads: dict[str, int]) -> None:
        """The inline values of a figure's title and subtitle."""
        for text in (snippet.options.fig_title, snippet.options.fig_sub):
            for ticks, _, _, content in code_spans(text or ""):
                inline = parse_span(content)
                if ticks == 1 and inline is not None:
                    self.value(Span(snippet.start, -1, -1, inline[1], inline[0]), chain.index, heads)

    def included(self, where: Line, opened: tuple[Path, ...] = ()) -> None:
        """Check a file that prose includes: the renderer sees its fences, the tests do not."""
        match = INCLUDE.match(where.text)
        assert match is not None
        try:
            file, _ = locate(match["target"], self.settings.snippets_dir, self.settings.root, where)
            path = self.settings.relative(file)
            lines = page_text(file, path).split("\n")
        except PageError as error:
            self.page.errors.append(error)
            return
        if file in opened:
            self.fail(where.number, f"{path} includes itself; break the circle")
            return

        def fail(line: int, message: str) -> None:
            self.page.errors.append(PageError(path, line, message))

        for fence in scan(lines, 0, fail):
            if fence.is_snippet:
                fail(fence.start, "Markdown included outside a fence holds no snippet; move it to the page")
        for number, line in enumerate(lines, 1):
            if any(ticks == 1 and parse_span(text) for ticks, _, _, text in code_spans(line)):
                fail(number, "an inline value stands on a page, not in included Markdown")
            if INCLUDE.match(line):
                self.included(Line(line, path, number, where.page_line), (*opened, file))
