"""What is wrong with a page before it is run: grammar, front matter, anatomy, own seeds."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from dlfaq.errors import PageError
from dlfaq.execution.site import read_pages
from dlfaq.pages.agreement import disagreements
from dlfaq.pages.fences import scan
from dlfaq.site.lists.catalogue import read_catalogue, read_labs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlfaq.pages.config import Settings
    from dlfaq.pages.page import Chain, Page

__all__ = ["SECTIONS", "lint"]

#: The sections of a question's page, in order.
SECTIONS = (
    "See it",
    "Measure it",
    "What people say",
    "Why",
    "When it fails",
    "Exercises",
    "Sources",
)

_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*(\{[^}]*\})?\s*#*$")
_SEEDED = ("seed", "manual_seed", "default_rng", "RandomState")


def lint(settings: Settings) -> list[PageError]:
    """Everything that is wrong on the pages of a site, in order, without running them."""
    errors: list[PageError] = []
    for page in read_pages(settings):
        found = [*page.errors, *disagreements(page), *_headings(page)]
        if not page.errors:
            found += _own_seeds(page)
            found += _anatomy(page) if page.meta.get("answers") else []
        errors += sorted(found, key=lambda error: error.line)
    for read_headers in (read_catalogue, read_labs):
        try:
            read_headers(settings.docs_dir)
        except PageError as error:
            errors.append(error)
    return errors


def _prose(page: Page) -> Iterator[tuple[int, str]]:
    """The lines of a page outside its fences, with their numbers."""
    fences = scan(page.lines, page.first, lambda *_: None)
    fenced = {number for fence in fences for number in range(fence.start, fence.end + 1)}
    for number, line in enumerate(page.lines[page.first :], page.first + 1):
        if number not in fenced:
            yield number, line


def _headings(page: Page) -> Iterator[PageError]:
    for number, line in _prose(page):
        match = _HEADING.match(line)
        if match and "$" in match[2] and not match[3]:
            message = "a heading with mathematics needs its own {#id}: the formula would be in it"
            yield PageError(page.path, number, message)


def _anatomy(page: Page) -> Iterator[PageError]:
    """A question's page reads in one order, so that a reader knows where to look."""
    yield from _sections(page)
    yield from _opening(page)
    placed = [place.line for place in page.places if place.kind == "figure"]
    first = next((n for n, line in _prose(page) if line.startswith("## ")), len(page.lines))
    if not any(line < first for line in placed):
        message = "no key figure above the first section; place one with `{figure} label`"
        yield PageError(page.path, first, message)
    claims = sum("claim(" in snippet.code for chain in page.chains for snippet in chain.snippets)
    if not claims:
        yield PageError(page.path, first, "no snippet makes a claim; state a fact with claim(...)")


def _sections(page: Page) -> Iterator[PageError]:
    found = [(n, line[3:].strip()) for n, line in _prose(page) if line.startswith("## ")]
    names = [name for _, name in found]
    for name in SECTIONS:
        if name not in names:
            yield PageError(page.path, len(page.lines), f'no section "## {name}"; write it')
    known = [(number, name) for number, name in found if name in SECTIONS]
    order = sorted(known, key=lambda pair: SECTIONS.index(pair[1]))
    for (number, name), (_, wanted) in zip(known, order, strict=True):
        if name != wanted:
            message = f'"## {name}" stands where "## {wanted}" belongs; sections have one order'
            yield PageError(page.path, number, message)
            return
    for number, name in found:
        if name not in SECTIONS:
            message = f'"## {name}" is no section of a question; use ### below {SECTIONS[1]!r}'
            yield PageError(page.path, number, message)


def _opening(page: Page) -> Iterator[PageError]:
    """The answer, then `People say:`, then `Verdict:`, before anything else."""
    starts: list[tuple[int, str]] = []
    blank = True
    for number, line in _prose(page):
        if blank and line.strip():
            starts.append((number, line))
        blank = not line.strip()
    words = [
        next((i for i, (_, t) in enumerate(starts) if t.startswith(w)), None)
        for w in ("People say:", "Verdict:")
    ]
    first = starts[0][0] if starts else page.first + 1
    if words[0] is None or words[1] is None:
        missing = "People say:" if words[0] is None else "Verdict:"
        yield PageError(
            page.path, first, f"no paragraph begins {missing!r}; write it below the answer"
        )
    elif not 0 < words[0] == words[1] - 1:
        message = "the page begins with its answer, then `People say:`, then `Verdict:`"
        yield PageError(page.path, first, message)


def _own_seeds(page: Page) -> Iterator[PageError]:
    """An experiment behind a claim takes its seeds from `seeds(n)`, so others can shift them."""
    for chain in page.chains:
        if any(re.search(r"\bclaim\(", snippet.code) for snippet in chain.snippets):
            yield from _literal_seeds(page, chain)


def _literal_seeds(page: Page, chain: Chain) -> Iterator[PageError]:
    try:
        tree = ast.parse("".join(snippet.code for snippet in chain.snippets))
    except SyntaxError:
        return  # the run reports it, with its line
    lines = chain.lines
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _literal_seed(node):
            line = lines[node.lineno - 1].page_line
            message = "an experiment behind a claim has a seed of its own; take it from seeds(n)"
            yield PageError(page.path, line, message)


def _literal_seed(call: ast.Call) -> bool:
    """Whether a call is given a seed as a number: `seed=0`, `manual_seed(0)`, `default_rng(0)`."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    given = [keyword.value for keyword in call.keywords if keyword.arg in {"seed", "random_state"}]
    if name in _SEEDED:
        given += call.args[:1]
    return any(isinstance(value, ast.Constant) and isinstance(value.value, int) for value in given)
