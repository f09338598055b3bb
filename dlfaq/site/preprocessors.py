"""Two preprocessors that carry what we fill in past the rest of Markdown.

`Read` sees the file's own lines, before includes are expanded, and leaves plain tokens. `Fill` runs
behind normalize_whitespace, which would delete the stash's placeholders, and before superfences,
and swaps the tokens for placeholders. So no other extension ever sees our code or our values.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from markdown.preprocessors import Preprocessor

from dlfaq.pages.fences import CONTINUE
from dlfaq.site.claim.card import group
from dlfaq.site.page.cells import cell, claim_card, figure_plate
from dlfaq.site.page.failures import error_html, page_failures

if TYPE_CHECKING:
    from markdown import Markdown

    from dlfaq.pages.spans import Place
    from dlfaq.site.page.context import Context
    from dlfaq.site.source import Source

__all__ = ["LISTS", "Fill", "Read", "Session"]

#: Places that the tree processor fills, because what stands there has links.
LISTS = ("questions", "labs", "cards", "evidence", "drift", "changes", "reference")

_INCLUDE = re.compile(r"^([ \t]*)(?=-+8<-)")

_PREFIX = "dlfaqtoken"

# Python-Markdown marks its own places with these two, and takes those in our HTML for its own.
_MARKS = str.maketrans("\x02\x03", "␂␃")


class Session:
    """The page that is being converted, and what its tokens stand for.

    Every step of a conversion is registered before its page is known, so they share this.

    Attributes:
        page: the page with its results; None outside a page of the site.
        prefix: what every token begins with, and nothing that is written on the page.
        html: HTML by number of the token.
        lists: tokens that stand for a list, and which.
    """

    def __init__(self) -> None:
        self.page: Context | None = None
        self.prefix = _PREFIX
        self.html: list[str] = []
        self.lists: dict[str, str] = {}

    def begin(self, page: Context | None, lines: list[str]) -> None:
        """Forget the page before."""
        self.__init__()  # type: ignore[misc]
        self.page = page
        while any(self.prefix in line for line in lines):
            self.prefix += "x"

    def token(self, html: str) -> str:
        """A token for HTML that is filled in later."""
        self.html.append(html.translate(_MARKS))
        return f"{self.prefix}{len(self.html) - 1}end"


class Read(Preprocessor):
    """Replaces snippets, inline values and placed things by tokens.

    Args:
        md: the converter.
        session: shared with the other steps.
        source: tells which page is being converted.
    """

    def __init__(self, md: Markdown, session: Session, source: Source) -> None:
        super().__init__(md)
        self.session = session
        self.source = source

    def run(self, lines: list[str]) -> list[str]:
        """Rewrite the lines of a page; front matter and blank lines below it are already gone."""
        context = self.source.context(lines)
        self.session.begin(context, lines)
        if context is None:
            return lines
        if context.page.errors:
            errors = "".join(map(error_html, page_failures(context.page)))
            # An include that is missing, or goes round in a circle, ends pymdownx.snippets.
            shown = (_INCLUDE.sub(r"\1;", line) for line in lines)
            return [self.session.token(errors), "", *shown]
        page = context.page
        above = page.lines_above(lines)
        assert above is not None  # source.py has read these very lines
        new = list(lines)
        self._values(context, new, above)
        for place in page.places:
            new[place.line - 1 - above] = self._place(context, place)
        for state in context.states:
            for index, snippet in enumerate(state.job.chain.snippets):
                first, last = snippet.start - 1 - above, snippet.end - 1 - above
                if first > 0 and new[first - 1] == CONTINUE:
                    new[first - 1] = ""
                token = self.session.token(cell(context, state, index))
                new[first : last + 1] = ["\n" + token + "\n"] + [""] * (last - first)
        return "\n".join(new).split("\n")

    def _values(self, context: Context, lines: list[str], above: int) -> None:
        # From the right, so that columns further left stay true.
        spans = sorted(context.page.spans, key=lambda pair: -pair[0].start)
        for span, index in spans:
            if span.start < 0:
                continue
            value = context.value(index, span.expression)
            html = "…" if value is None else escape(value, quote=False)
            number = span.line - 1 - above
            line = lines[number]
            lines[number] = line[: span.start] + self.session.token(html) + line[span.end :]

    def _place(self, context: Context, place: Place) -> str:
        html: str | None
        if place.kind in LISTS:
            token = self.session.token("")
            self.session.lists[token] = place.kind
            return token
        if place.kind == "figure":
            figure = context.figure_at(place.line)
            html = None if figure is None else figure_plate(context, figure)
        elif context.in_plate(place.line):
            return ""
        else:
            html = claim_card(context, place.label)
            html = None if html is None else group([html])
        if html is not None:
            return self.session.token(html)
        if all(state.result is not None for state in context.states):
            context.report(
                place.line,
                f"no {place.kind} {place.label!r} on this page; correct the label, or make it",
            )
        return ""


class Fill(Preprocessor):
    """Swaps tokens for placeholders of the stash, out of reach of all that follows.

    Args:
        md: the converter.
        session: shared with the other steps.
    """

    def __init__(self, md: Markdown, session: Session) -> None:
        super().__init__(md)
        self.session = session

    def run(self, lines: list[str]) -> list[str]:
        """Rewrite the lines, and have superfences tell of each snippet that is still one."""
        context = self.session.page
        if context is None:
            return lines
        if not context.page.errors:
            superfences: Any = self.md.preprocessors["fenced_code_block"]
            extension = superfences.extension
            extension.extend_super_fences("python", self._not_run, lambda *_: True, None)
        token = re.compile(rf"{self.session.prefix}(\d+)end")
        return [token.sub(self._placeholder, line) for line in lines]

    def _not_run(self, src: str = "", **_: object) -> str:
        assert self.session.page is not None
        first = src.partition("\n")[0]
        self.session.page.report(1, f"the renderer sees a snippet that is not run: {first!r}")
        return ""

    def _placeholder(self, match: re.Match[str]) -> str:
        if match[0] in self.session.lists:
            return match[0]
        return self.md.htmlStash.store(self.session.html[int(match[1])])
