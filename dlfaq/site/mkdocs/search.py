"""How much the pages of a site weigh in the search that MkDocs' search plugins write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from dlfaq.pages.page import Page

__all__ = ["weigh"]

#: Of a page that answers no question. The glossary, the lists and the labs hold every word that the
#: questions do, and would stand above the page that answers.
_BESIDE = 0.3


def weigh(meta: MutableMapping[str, Any], page: Page | None) -> None:
    """Give a page its weight, in its front matter, unless that says one.

    Args:
        meta: the front matter as the search will read it, `search: {boost: ...}`.
        page: the page; None for what another plugin has added.
    """
    if page is None or page.is_question:
        return
    search = meta.setdefault("search", {})
    if isinstance(search, dict):
        search.setdefault("boost", _BESIDE)
