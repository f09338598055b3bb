"""The glossary: its file, and the first use of each term on a page as a link to what it means.

The file is `glossary.md` among the snippets, a Markdown definition list; the page `glossary.md`
shows it, and a site that lacks either has no glossary. The link's title is the definition, which a
pointer shows; a finger or a key follows the link.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from dlfaq.site.elements import element
from dlfaq.site.lists.rows import link

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from dlfaq.pages.config import Settings

__all__ = ["GLOSSARY", "Term", "give_anchors", "glossary_of", "link_terms", "terms_in"]

#: The page, and the file among the snippets that it includes.
GLOSSARY = "glossary.md"

_ENTRY = re.compile(r"^(?P<name>\S[^\n]*)\n:[ ]+(?P<definition>[^\n]+)$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\(([^)#]*)[^)]*\)")

# Prose, and what may hold it. A head, a quoted answer, a heading or a link keeps its own words.
_PROSE = {"p", "li"}
_AROUND = {"details", "div", "ol", "ul"}
_INSIDE = {"em", "strong"}


@dataclass(frozen=True)
class Term:
    """A term and what it means.

    Attributes:
        name: as the glossary writes it, "Batch norm".
        definition: its first sentence, as plain text.
        pages: those that it refers to, relative to docs_dir; they say themselves what it is.
    """

    name: str
    definition: str
    pages: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """Where it stands on the glossary's page.

        Example:
            >>> Term("Batch norm", "").anchor
            'batch-norm'
        """
        return re.sub(r"\W+", "-", self.name.lower()).strip("-")


def terms_in(text: str) -> list[Term]:
    r"""Read a definition list: a term on a line of its own, its definition on the next after `:`.

    Example:
        >>> terms_in("Step\n:   One update of the [weights](a.md). It costs a batch.")
        [Term(name='Step', definition='One update of the weights.', pages=('a.md',))]
    """
    return [
        Term(
            found["name"].strip(),
            _first_sentence(found["definition"]),
            tuple(target for _, target in _LINK.findall(found["definition"])),
        )
        for found in _ENTRY.finditer(text)
    ]


def glossary_of(settings: Settings) -> tuple[Term, ...]:
    """The terms of a site; none if it has no glossary."""
    file = settings.snippets_dir / GLOSSARY
    if not file.is_file() or not (settings.docs_dir / GLOSSARY).is_file():
        return ()
    return _read(file, file.stat().st_mtime_ns)


def give_anchors(root: Element) -> None:
    """Give each term of a definition list its anchor."""
    for node in root.iter("dt"):
        node.set("id", Term("".join(node.itertext()), "").anchor)


def link_terms(root: Element, terms: Sequence[Term], *, page: str) -> None:
    """Link the first use of each term in the prose of a page to the glossary, in place.

    A plural counts as a use, and so does another case, unless the term has a capital after its
    first letter ("ReLU"). A page that a definition refers to says itself what that term is.

    Args:
        root: the page.
        terms: those of the site.
        page: the page's file, relative to docs_dir.
    """
    wanted = {term.name.lower(): term for term in terms if page not in term.pages}
    if not wanted:
        return
    longest_first = sorted(wanted, key=len, reverse=True)
    names = "|".join(re.escape(name) for name in longest_first)
    pattern = re.compile(rf"(?<![\w-])({names})(?:e?s)?(?![\w-])", re.IGNORECASE)
    for parent, place in list(_texts(root)):
        text = (parent.text if place is None else place.tail) or ""
        pieces: list[str | Element] = []
        start = 0
        for found in pattern.finditer(text):
            term = wanted.get(found[1].lower())
            if term is None or not _same_word(term.name, found[1]):
                continue
            del wanted[term.name.lower()]
            href = link(f"{GLOSSARY}#{term.anchor}", page=page)
            a = element("a", found[0], class_="dl-term", href=href, title=term.definition)
            pieces += [text[start : found.start()], a]
            start = found.end()
        if pieces:
            _replace(parent, place, [*pieces, text[start:]])


@lru_cache(maxsize=4)
def _read(file: Path, _changed: int) -> tuple[Term, ...]:
    return tuple(terms_in(file.read_text(encoding="utf-8")))


def _first_sentence(markdown: str) -> str:
    plain = re.sub(r"[`*]", "", _LINK.sub(r"\1", markdown)).strip()
    return re.split(r"(?<=[.!?]) (?=[A-Z])", plain, maxsplit=1)[0]


def _same_word(name: str, used: str) -> bool:
    return name[1:] == used[1:] if name[1:] != name[1:].lower() else True


def _texts(node: Element, *, prose: bool = False) -> Iterator[tuple[Element, Element | None]]:
    """Each text of the prose: the element it stands in, and the child that it follows."""
    if prose:
        yield node, None
    for child in node:
        own = "dl-" in (child.get("class") or "")
        if child.tag in _PROSE and not own:
            yield from _texts(child, prose=True)
        elif child.tag in (_INSIDE if prose else _AROUND) and not own:
            yield from _texts(child, prose=prose)
        if prose:
            yield node, child


def _replace(parent: Element, place: Element | None, pieces: Sequence[str | Element]) -> None:
    """Put text and elements where one text stood: at the beginning, or after the child `place`."""
    at = 0 if place is None else list(parent).index(place) + 1
    before = place
    for piece in pieces:
        if isinstance(piece, str):
            if before is None:
                parent.text = piece
            else:
                before.tail = piece
        else:
            parent.insert(at, piece)
            before, at = piece, at + 1
