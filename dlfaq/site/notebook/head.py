"""Makes the head of a lab's page: where it stands, its title, the notebook to download."""

from __future__ import annotations

from posixpath import dirname
from typing import TYPE_CHECKING

from dlfaq.site.elements import element
from dlfaq.site.lists.rows import link
from dlfaq.site.page.head import kicker, mark_answer, title_children
from dlfaq.site.page.offers import offers_line

if TYPE_CHECKING:
    from datetime import date
    from xml.etree.ElementTree import Element

    from dlfaq.site.lists.catalogue import Lab
    from dlfaq.site.page.offers import Offers

__all__ = ["apply"]


def apply(
    root: Element,
    *,
    lab: Lab,
    claims_total: int,
    claims_hold: int,
    verified: date | None,
    offers: Offers,
) -> None:
    """Transform the tree of a lab, in place.

    Args:
        root: the tree.
        lab: what its header says; in its title a word that ends in () becomes code.
        claims_total: how many claims the lab makes.
        claims_hold: how many of them hold.
        verified: when its result was made.
        offers: what the site has for who runs it elsewhere.
    """
    mark_answer(root)
    href = link(f"{dirname(lab.src)}/index.md", page=lab.src)
    root.insert(0, kicker("Labs", href, claims_total, claims_hold, verified))
    root.insert(1, element("h1", *title_children(lab.title)))
    line = offers_line(offers, page=lab.src)
    if line is not None:
        lead = next((i for i, node in enumerate(root) if node.get("class") == "dl-answer"), 1)
        root.insert(lead + 1, line)
