"""Makes the head of a lab's page: where it stands, its title, the notebook to download."""

from __future__ import annotations

from posixpath import dirname
from typing import TYPE_CHECKING

from dlfaq.site.elements import element
from dlfaq.site.lists.rows import link
from dlfaq.site.page.head import kicker, mark_answer, title_children

if TYPE_CHECKING:
    from datetime import date
    from xml.etree.ElementTree import Element

    from dlfaq.site.lists.catalogue import Lab

__all__ = ["apply", "download_src"]


def download_src(src: str, suffix: str) -> str:
    """Where the site keeps a lab to download, as `suffix` says: beside its page.

    Example:
        >>> download_src("labs/backprop.py", ".ipynb")
        'labs/backprop/backprop.ipynb'
    """
    stem = src.removesuffix(".py")
    return f"{stem}/{stem.rpartition('/')[2]}{suffix}"


def apply(
    root: Element,
    *,
    lab: Lab,
    claims_total: int,
    claims_hold: int,
    verified: date | None,
) -> None:
    """Transform the tree of a lab, in place.

    Args:
        root: the tree.
        lab: what its header says; in its title a word that ends in () becomes code.
        claims_total: how many claims the lab makes.
        claims_hold: how many of them hold.
        verified: when its result was made.
    """
    mark_answer(root)
    href = link(f"{dirname(lab.src)}/index.md", page=lab.src)
    root.insert(0, kicker("Labs", href, claims_total, claims_hold, verified))
    root.insert(1, element("h1", *title_children(lab.title)))
    downloads = (("Download the notebook", ".ipynb"), ("Download the script", ".py"))
    links = (
        element("a", words, href=link(download_src(lab.src, suffix), page=lab.src), download="")
        for words, suffix in downloads
    )
    lead = next((i for i, node in enumerate(root) if node.get("class") == "dl-answer"), 1)
    root.insert(lead + 1, element("p", *links, class_="dl-links", data_search_exclude=""))
