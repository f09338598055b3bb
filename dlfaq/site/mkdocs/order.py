"""Sorts the navigation by the `order` of front matter, and names a folder after its index.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlfaq.errors import PageError
from dlfaq.pages.front_matter import front_matter
from dlfaq.pages.text import markdown_text

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["in_order"]

_LAST = float("inf")

#: MkDocs' Page, Section or Link, known by attributes alone: only the plugin imports MkDocs.
_Item = Any


def in_order(navigation: Any, docs_dir: Path) -> None:  # noqa: ANN401 - as _Item
    """Sort a navigation in place, and its list of pages and their neighbours with it.

    Args:
        navigation: what MkDocs made of the files, sorted by name.
        docs_dir: where the pages lie.
    """
    navigation.items = _sorted(navigation.items, docs_dir)
    navigation.pages[:] = _pages(navigation.items)
    for before, page in zip([None, *navigation.pages], navigation.pages, strict=False):
        page.previous_page, page.next_page = before, None
        if before is not None:
            before.next_page = page


def _sorted(items: list[_Item], docs_dir: Path) -> list[_Item]:
    for item in items:
        if item.is_section:
            item.children = _sorted(item.children, docs_dir)
            index = next((c for c in item.children if c.is_page and c.is_index), None)
            if index is not None:
                item.title = _meta(index, docs_dir).get("title", item.title)
    return sorted(items, key=lambda item: _order(item, docs_dir))


def _order(item: _Item, docs_dir: Path) -> tuple[int, float]:
    """A folder stands where its index.md says; inside, the index stands first."""
    if item.is_section:
        index = next((c for c in item.children if c.is_page and c.is_index), None)
        return (1, _LAST if index is None else float(_meta(index, docs_dir).get("order", _LAST)))
    if item.is_page:
        if item.is_index:
            return (0, 0.0)
        return (1, float(_meta(item, docs_dir).get("order", _LAST)))
    return (2, _LAST)


def _meta(page: _Item, docs_dir: Path) -> dict[str, str]:
    src = page.file.src_uri
    try:
        return front_matter(markdown_text(docs_dir / src, src), src)[0]
    except (PageError, OSError):
        return {}


def _pages(items: list[_Item]) -> list[_Item]:
    found: list[_Item] = []
    for item in items:
        if item.is_page:
            found.append(item)
        elif item.is_section:
            found += _pages(item.children)
    return found
