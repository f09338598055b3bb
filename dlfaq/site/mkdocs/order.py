"""Sorts the navigation by the `order` of front matter, and names a folder after its index.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlfaq.execution.site import Site

__all__ = ["in_order"]

_LAST = float("inf")

#: MkDocs' Page, Section or Link, known by attributes alone: only the plugin imports MkDocs.
_Item = Any


def in_order(navigation: Any, site: Site) -> None:  # noqa: ANN401 - as _Item
    """Sort a navigation in place, and its list of pages and their neighbours with it.

    Args:
        navigation: what MkDocs made of the files, sorted by name.
        site: the pages, with their front matter.
    """
    navigation.items = _sorted(navigation.items, site)
    navigation.pages[:] = _pages(navigation.items)
    for before, page in zip([None, *navigation.pages], navigation.pages, strict=False):
        page.previous_page, page.next_page = before, None
        if before is not None:
            before.next_page = page


def _sorted(items: list[_Item], site: Site) -> list[_Item]:
    for item in items:
        if item.is_section:
            item.children = _sorted(item.children, site)
            index = next((c for c in item.children if c.is_page and c.is_index), None)
            if index is not None:
                item.title = _meta(index, site).get("title", item.title)
    return sorted(items, key=lambda item: _order(item, site))


def _order(item: _Item, site: Site) -> tuple[int, float]:
    """A folder stands where its index.md says; inside, the index stands first."""
    if item.is_section:
        index = next((c for c in item.children if c.is_page and c.is_index), None)
        return (1, _LAST if index is None else _number(_meta(index, site)))
    if item.is_page:
        if item.is_index:
            return (0, 0.0)
        return (1, _number(_meta(item, site)))
    return (2, _LAST)


def _number(meta: dict[str, Any]) -> float:
    """The `order` of a page; what is none, as another plugin may have it, is the last."""
    order = meta.get("order")
    return float(order) if isinstance(order, int | float) else _LAST


def _meta(item: _Item, site: Site) -> dict[str, Any]:
    page = site.page(item.file.src_uri)  # None for what another plugin has added
    return page.meta if page is not None else {}


def _pages(items: list[_Item]) -> list[_Item]:
    found: list[_Item] = []
    for item in items:
        if item.is_page:
            found.append(item)
        elif item.is_section:
            found += _pages(item.children)
    return found
