"""Builds the reference of a package: what it holds, room by room, each name with its uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import griffe

from dlfaq.site.elements import element, text_and_code
from dlfaq.site.lists.rows import link
from dlfaq.site.page.code import highlighted
from dlfaq.site.reference.docstring import described, docstring_elements, signature
from dlfaq.site.reference.names import rooms_of
from dlfaq.site.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from dlfaq.pages.page import Page
    from dlfaq.site.reference.names import Public

__all__ = ["reference"]

#: More pages than these are named when one asks for them.
_FEW = 4


def reference(
    package: Path, uses: Mapping[str, Sequence[Page]], *, page: str, store: Callable[[str], str]
) -> list[Element]:
    """Build a section for each room of a package, and in it one for each public name.

    The anchor of a name is the name.

    Args:
        package: its folder.
        uses: the pages that use each name.
        page: the page of the reference, relative to docs_dir.
        store: keeps HTML until the page is written, and gives a placeholder for it.

    Raises:
        InputError: the folder is no package.
    """
    parts: list[Element] = []
    for room in rooms_of(package):
        parts.append(element("h2", room.name.capitalize(), id=f"room-{room.name}"))
        parts.append(element("p", *text_and_code(room.about)))
        for public in room.names:
            parts += _name(public, uses.get(public.name, ()), page=page, store=store)
    return parts


def _name(
    public: Public, uses: Sequence[Page], *, page: str, store: Callable[[str], str]
) -> Iterator[Element]:
    name, source = public.name, public.source
    yield element("h3", element("code", name), id=name)
    yield _signature(name, source, store)
    yield from docstring_elements(source, store)
    for method in _methods(source):
        yield _signature(f"{name}.{method.name}", method, store)
        yield from docstring_elements(method, store)
    if uses:
        yield _used(uses, page=page)


def _signature(name: str, source: griffe.Object, store: Callable[[str], str]) -> Element:
    """How a name is written, in a block of its own."""
    code = highlighted(f"{signature(name, source)}\n")
    pre = f'<pre tabindex="0" data-search-exclude><code>{code}</code></pre>'
    return element("p", store(f'<div class="highlight dl-ref__sig">{pre}</div>'))


def _methods(source: griffe.Object) -> list[griffe.Object]:
    """The public methods of a class, and the properties that its docstring leaves to themselves."""
    if not isinstance(source, griffe.Class):
        return []
    told = described(source)
    return [
        member
        for name, member in source.members.items()
        if isinstance(member, griffe.Object)
        and not name.startswith("_")
        and member.docstring is not None
        and (member.is_function or ("property" in member.labels and name not in told))
    ]


def _used(pages: Sequence[Page], *, page: str) -> Element:
    links: list[str | Element] = []
    for one in pages:
        title = str(one.meta.get("title", one.src))
        links += [", " if links else "", element("a", title, href=link(one.src, page=page))]
    if len(pages) <= _FEW:
        return element("p", "Used by ", *links, class_="dl-ref__used", data_search_exclude="")
    summary = element("summary", f"Used by {counted(len(pages), 'page')}")
    words = element("p", *links)
    return element("details", summary, words, class_="dl-ref__used", data_search_exclude="")
