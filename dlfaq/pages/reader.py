"""Reads a page or a lab of the site."""

from __future__ import annotations

from codecs import BOM_UTF8
from dataclasses import replace
from typing import TYPE_CHECKING

from dlfaq.errors import PageError
from dlfaq.pages.fences import Fence, scan
from dlfaq.pages.front_matter import front_matter
from dlfaq.pages.includes import Line, expand
from dlfaq.pages.notebooks import as_markdown
from dlfaq.pages.options import parse_options
from dlfaq.pages.page import Chain, Page, Snippet
from dlfaq.pages.prose import Prose
from dlfaq.pages.text import page_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dlfaq.pages.config import Settings

__all__ = ["read_data", "read_page", "reread"]


def read_page(file: Path, settings: Settings) -> Page:
    """Read one page of the site: a Markdown file or a lab."""
    src = file.relative_to(settings.docs_dir).as_posix()
    return read_data(file.read_bytes(), settings.relative(file), src, settings)


def read_data(data: bytes, path: str, src: str, settings: Settings) -> Page:
    """Read a page that is in no file of docs_dir, such as one that a plugin of MkDocs has made.

    Args:
        data: the page as a file would hold it.
        path: how messages name it.
        src: its path relative to docs_dir, as MkDocs has it.
        settings: the site.
    """
    page = Page(path, src)
    reader = _Reader(page, settings)
    try:
        lines = file_lines = page_text(data, path).split("\n")
        if page.is_lab:
            lines = as_markdown(file_lines, reader.fail)
        page.meta, page.first = front_matter("\n".join(lines), path)
    except PageError as error:
        page.errors.append(error)
        return page
    page.lines, page.file_lines = lines, file_lines
    if page.lines[0].startswith("```") and data.startswith(BOM_UTF8):
        message = "pytest-codeblocks misses a fence behind a byte-order mark; begin with prose"
        page.errors.append(PageError(path, 1, message))
    reader.read()
    page.errors.sort(key=lambda error: error.line)
    return page


def reread(page: Page, lines: Sequence[str], settings: Settings) -> Page:
    """Read what a page has become where another plugin has rewritten its text.

    Args:
        page: as it was read.
        lines: the new text, without front matter.
        settings: the site.
    """
    new = Page(page.path, page.src, meta=page.meta, lines=list(lines), file_lines=list(lines))
    _Reader(new, settings).read()
    return new


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
        chains = [Chain(i, tuple(group)) for i, group in enumerate(groups)]
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
