"""The order of a question's page: a reader knows where to look, whichever page it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlfaq.errors import PageError
from dlfaq.pages.sections import prose, sections
from dlfaq.site.lists.curriculum import FORTY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlfaq.pages.page import Page

__all__ = ["SECTIONS", "anatomy"]

#: The sections of a question's page, in order.
SECTIONS = (
    "Do this",
    "See it",
    "Measure it",
    "What people say",
    "Why",
    "When it fails",
    "Exercises",
    "Sources",
)

_ASKED_AT_LEAST = 3


def anatomy(page: Page) -> Iterator[PageError]:
    """What a question's page lacks, or has in another place, from its front matter to its end.

    The form of what the front matter does say is checked where it is read, in the catalogue.
    """
    yield from _front_matter(page)
    yield from _opening(page)
    yield from _key_figure(page)
    yield from _sections(page)


def _front_matter(page: Page) -> Iterator[PageError]:
    asked = page.meta.get("asked", [])
    if isinstance(asked, list) and len(asked) < _ASKED_AT_LEAST:
        message = (
            f"`asked`: expected at least {_ASKED_AT_LEAST} other ways to ask it (symptoms, error "
            f"messages, search words); got {len(asked)}"
        )
        yield PageError(page.path, page.key_line("asked"), message)
    answers = page.meta.get("answers")
    for name in answers if isinstance(answers, list) else []:
        if name not in FORTY:
            message = f"`answers`: {name} is none of the forty; write `question: true` instead"
            yield PageError(page.path, page.key_line("answers"), message)


def _opening(page: Page) -> Iterator[PageError]:
    """The answer, then `People say:`, then `Verdict:`, before anything else."""
    starts: list[tuple[int, str]] = []
    blank = True
    for number, line in prose(page):
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


def _key_figure(page: Page) -> Iterator[PageError]:
    """Between the verdict and the first section."""
    placed = [place.line for place in page.places if place.kind == "figure"]
    first = next((one.line for one in sections(page)), len(page.lines))
    verdict = next((n for n, line in prose(page) if line.startswith("Verdict:")), 0)
    if not any(verdict < line < first for line in placed):
        message = "no key figure above the first section; place one with `{figure} label`"
        if any(line < verdict for line in placed):
            message = "the key figure stands below the verdict; move it there"
        yield PageError(page.path, first, message)


def _sections(page: Page) -> Iterator[PageError]:
    found = [(one.line, one.name) for one in sections(page) if one.level == 2]  # noqa: PLR2004
    names = [name for _, name in found]
    idle = page.meta.get("do_this") is False
    for name in SECTIONS:
        if name not in names and not (idle and name == "Do this"):
            also = ", or `do_this: false` in the front matter" if name == "Do this" else ""
            yield PageError(page.path, len(page.lines), f'no section "## {name}"; write it{also}')
    known = [(number, name) for number, name in found if name in SECTIONS]
    order = sorted(known, key=lambda pair: SECTIONS.index(pair[1]))
    for (number, name), (_, wanted) in zip(known, order, strict=True):
        if name != wanted:
            message = f'"## {name}" stands where "## {wanted}" belongs; sections have one order'
            yield PageError(page.path, number, message)
            break
    for index, (number, name) in enumerate(found):
        if name not in SECTIONS:
            message = f'"## {name}" is no section of a question; use ### below "Measure it"'
            yield PageError(page.path, number, message)
        elif idle and name == "Do this":
            message = '`do_this: false` says that there is no "## Do this"; delete one of the two'
            yield PageError(page.path, number, message)
        if name in names[:index]:
            message = f'"## {name}" stands here a second time; join the two'
            yield PageError(page.path, number, message)
