"""Reads a page: front matter, snippets and the chains they form, what prose asks to fill in.

Everything that renders, runs or tests a page starts from the `Page` that `read_page` gives. What
cannot be read is collected in `Page.errors`, so that one build names every fault of a page.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dlfaq.errors import PageError
from dlfaq.execution.fences import Fence, scan
from dlfaq.execution.front_matter import front_matter
from dlfaq.execution.includes import Line, expand
from dlfaq.execution.lab import as_markdown, is_lab
from dlfaq.execution.options import Options, parse_options
from dlfaq.execution.prose import Prose

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dlfaq.execution.config import Settings
    from dlfaq.execution.spans import Place, Span

__all__ = ["Chain", "Page", "Snippet", "markdown_text", "page_text", "read_page"]


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

    def option_line(self, key: str) -> int:
        """The line of the page on which an option stands."""
        option = re.compile(rf"#\|[ \t]*{key}[ \t]*:")
        body = enumerate(self.raw.split("\n"), self.start + 1)
        return next((number for number, line in body if option.match(line)), self.start)


@dataclass(frozen=True)
class Chain:
    """Snippets that run in one process, in order, in one namespace.

    Attributes:
        index: which chain of the page, from 0.
        snippets: its snippets.
        expressions: the inline expressions it evaluates at its end, each once.
        png: whether its figures are drawn as PNG too, for the notebook of a lab.
    """

    index: int
    snippets: tuple[Snippet, ...]
    expressions: tuple[str, ...] = ()
    png: bool = False

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
        lines: its lines of Markdown, without their ends.
        file_lines: the lines of the file: of a lab, which is a script, they are others.
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
    file_lines: list[str] = field(default_factory=list)
    first: int = 0
    chains: list[Chain] = field(default_factory=list)
    spans: list[tuple[Span, int]] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    errors: list[PageError] = field(default_factory=list)

    @property
    def is_lab(self) -> bool:
        """Whether it is a lab: a script whose cells are one chain."""
        return is_lab(self.src)

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


def markdown_text(file: Path, path: str) -> str:
    """The text of a page, or the Markdown that a lab stands for, readable or not.

    Raises:
        PageError: the file is not UTF-8.
    """
    text = page_text(file, path)
    if file.suffix == ".py":
        return "\n".join(as_markdown(text.split("\n"), lambda *_: None))
    return text


def read_page(file: Path, settings: Settings) -> Page:
    """Read one page of the site: a Markdown file or a lab."""
    path = settings.relative(file)
    page = Page(path, file.relative_to(settings.docs_dir).as_posix())
    reader = _Reader(page, settings)
    try:
        lines = file_lines = page_text(file, path).split("\n")
        if page.is_lab:
            lines = as_markdown(file_lines, reader.fail)
        page.meta, page.first = front_matter("\n".join(lines), path)
    except PageError as error:
        page.errors.append(error)
        return page
    page.lines, page.file_lines = lines, file_lines
    if page.lines[0].startswith("```") and file.read_bytes().startswith(BOM_UTF8):
        message = "pytest-codeblocks misses a fence behind a byte-order mark; begin with prose"
        page.errors.append(PageError(path, 1, message))
    reader.read()
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
        page = self.page
        fences = scan(page.lines, page.first, self.fail)
        groups: list[list[Snippet]] = []
        for fence in fences:
            if fence.is_snippet:
                if not (groups and (fence.continues or page.is_lab)):
                    groups.append([])
                groups[-1].append(self.snippet(fence))
        chains = [Chain(i, tuple(group), png=page.is_lab) for i, group in enumerate(groups)]
        self.check_options(chains)
        Prose(page, self.settings, fences, chains).read()
        wanted: dict[int, dict[str, None]] = {chain.index: {} for chain in chains}
        for span, index in page.spans:
            wanted[index][span.expression] = None
        page.chains = [replace(chain, expressions=tuple(wanted[chain.index])) for chain in chains]

    def snippet(self, fence: Fence) -> Snippet:
        options, count = parse_options(fence.body, fence.start + 1, self.fail)
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

    def check_options(self, chains: Sequence[Chain]) -> None:
        """A label stands once on a page, a limit of time in the first snippet of a chain."""
        seen: set[str] = set()
        for chain in chains:
            for snippet in chain.snippets:
                label = snippet.options.label
                if label in seen:
                    line = snippet.option_line("label")
                    self.fail(line, f"label {label!r} stands twice on this page; rename one")
                if label is not None:
                    seen.add(label)
                if snippet.options.timeout is not None and snippet is not chain.head:
                    line = snippet.option_line("timeout")
                    self.fail(line, "timeout is for the whole chain: set it in its first snippet")
