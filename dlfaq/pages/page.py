"""A page as the engine sees it: front matter, snippets and the chains they form, values, places.

Everything that renders, runs or tests a page starts from the `Page` that `read_page` gives. What
cannot be read is collected in `Page.errors`, so that one build names every fault of a page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dlfaq.pages.front_matter import key_line
from dlfaq.pages.notebooks import is_lab

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlfaq.errors import PageError
    from dlfaq.pages.includes import Line
    from dlfaq.pages.options import Options
    from dlfaq.pages.spans import Place, Span

__all__ = ["Chain", "Page", "Snippet"]

#: How many lines stand above and below one that is shown as a failure's place.
_AROUND = 2


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

    @property
    def is_question(self) -> bool:
        """Whether it answers a question: it has the head and the anatomy of such a page."""
        return "answers" in self.meta or "question" in self.meta

    def key_line(self, key: str) -> int:
        """The line on which the front matter sets `key`; 1 if it does not."""
        return key_line("\n".join(self.lines[: self.first]), key)

    def around(self, line: int) -> list[tuple[int, str]]:
        """The lines of the file around one of them, with their numbers."""
        numbers = range(max(1, line - _AROUND), min(len(self.file_lines), line + _AROUND) + 1)
        return [(number, self.file_lines[number - 1]) for number in numbers]

    def lines_above(self, lines: Sequence[str]) -> int | None:
        """How many lines of the page stand above its last `lines`; None if it does not end so."""
        above = len(self.lines) - len(lines)
        return above if above >= 0 and self.lines[above:] == list(lines) else None

    @cached_property
    def snippets(self) -> list[tuple[Chain, int]]:
        """Every snippet of the page as its chain and its index there, in order."""
        return [(chain, i) for chain in self.chains for i in range(len(chain.snippets))]
