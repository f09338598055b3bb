"""How much a question's page may ask of its reader: lines of visible code, and claims.

Visible is a line of a snippet that is not blank, its includes expanded, unless the snippet is
folded (`#| code-fold: true`), not shown (`#| echo: false`) or stands in closed `/// details`.
Options are never shown, so they do not count, and neither do fences that are not run.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from dlfaq.errors import PageError
from dlfaq.pages.sections import closed_lines, sections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlfaq.pages.page import Page, Snippet

__all__ = ["limits"]

#: Visible lines, and the characters of the longest that a phone and a printed page can hold.
PAGE_LINES, PART_LINES, WIDTH = 80, 15, 79

#: Three to five carry an argument; design.md.
CLAIMS = 7

_TRAINS = {"fit", "fit_many", "compare", "tune"}
_FOLD = "fold what is not the point (`#| code-fold: true`)"


def limits(page: Page) -> Iterator[PageError]:
    """What is too long, too wide or too many on a question's page, and what it must repeat."""
    closed = closed_lines(page)
    seen = [
        (chain.index, snippet, count)
        for chain in page.chains
        for snippet in chain.snippets
        if snippet.start not in closed and (count := _visible(snippet))
    ]
    yield from _parts(page, seen)
    if (total := sum(count for _, _, count in seen)) > PAGE_LINES:
        message = f"{total} lines of code are visible on this page, at most {PAGE_LINES}; {_FOLD}"
        yield PageError(page.path, page.first + 1, message)
    for _, snippet, _ in seen:
        yield from _wide(page, snippet)
    yield from _claims(page)


def _visible(snippet: Snippet) -> int:
    if snippet.options.code_fold or not snippet.options.echo:
        return 0
    return sum(bool(line.text.strip()) for line in snippet.lines)


def _parts(page: Page, seen: list[tuple[int, Snippet, int]]) -> Iterator[PageError]:
    """All of "Do this" together, and each experiment of "Measure it".

    An experiment is what one chain shows under one heading, of the second or the third level:
    prose between its snippets does not make two of it, another chain or another heading does.
    """
    found = sections(page)
    lines: defaultdict[tuple[str, int, int], int] = defaultdict(int)
    starts: dict[tuple[str, int, int], int] = {}
    for chain, snippet, count in seen:
        here = next((one for one in reversed(found) if one.line < snippet.start), None)
        if here is not None and here.within in {"Do this", "Measure it"}:
            whole = here.within == "Do this"
            key = (here.within, 0, 0) if whole else (here.within, here.line, chain)
            lines[key] += count
            starts.setdefault(key, snippet.start)
    for key, count in lines.items():
        if count > PART_LINES:
            where = '"Do this" shows' if key[0] == "Do this" else "this experiment shows"
            message = f"{where} {count} lines of code, at most {PART_LINES}; {_FOLD}"
            yield PageError(page.path, starts[key], message)


def _wide(page: Page, snippet: Snippet) -> Iterator[PageError]:
    for line in snippet.lines:
        if len(line.text) > WIDTH:
            message = f"a visible line of {len(line.text)} characters, at most {WIDTH}; break it"
            yield PageError(page.path, line.page_line, message)


class _Call(NamedTuple):
    name: str
    label: str


def _calls(page: Page) -> list[_Call]:
    """The calls of plain names, or of names of the package, in the snippets of a page."""
    found = []
    for chain in page.chains:
        for snippet in chain.snippets:
            try:
                tree = ast.parse(snippet.code)
            except SyntaxError:
                continue  # the run reports it, with its line
            found += [_call(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return found


def _call(node: ast.Call) -> _Call:
    labels = [keyword.value for keyword in node.keywords if keyword.arg == "label"]
    label = labels[0].value if labels and isinstance(labels[0], ast.Constant) else ""
    return _Call(ast.unparse(node.func).removeprefix("dlfaq."), str(label))


def _claims(page: Page) -> Iterator[PageError]:
    """Protocol rule 15: where networks were trained, the central claim is repeated for longer."""
    calls = _calls(page)
    first = next((one.line for one in sections(page)), len(page.lines))
    claims = [call for call in calls if call.name == "claim"]
    if not claims:
        yield PageError(page.path, first, "no snippet makes a claim; state a fact with claim(...)")
    if len(claims) > CLAIMS:
        message = (
            f"{len(claims)} claims, where three to five carry an argument and {CLAIMS} are the "
            "most; what repeats a definition is a test"
        )
        yield PageError(page.path, first, message)
    told = {call.label for call in calls if call.name in {"claim", "estimate"}}
    if any(call.name in _TRAINS for call in calls) and "longer" not in told:
        message = (
            "the page trains and says nothing of longer training; repeat its central claim at four "
            'times the steps, in a claim or an estimate with label="longer"'
        )
        yield PageError(page.path, first, message)
