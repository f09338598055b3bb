"""What a site has beside a page for who runs it elsewhere: notebook, script, package, data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlfaq.pages.notebooks import is_lab
from dlfaq.site.elements import element
from dlfaq.site.lists.rows import link

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

    from dlfaq.site.notebook.package import Package

__all__ = ["Offers", "data_src", "download_src", "offers_line", "place_offers"]


def _nowhere(_: str) -> None:
    return None


@dataclass(frozen=True)
class Offers:
    """What a site has beside one page; "" stands for what it has not.

    Attributes:
        notebook: where it keeps the page as a notebook, relative to docs_dir.
        script: likewise its code as a script.
        colab: the address that opens the notebook in Colab.
        page: the whole address of the page.
        package: the package that the page imports.
        address_of: tells the whole address of what a link on the page leads to, or None.
    """

    notebook: str = ""
    script: str = ""
    colab: str = ""
    page: str = ""
    package: Package | None = None
    address_of: Callable[[str], str | None] = _nowhere


def download_src(src: str, suffix: str) -> str:
    """Where the site keeps a page to download, as `suffix` says.

    A lab lies in the folder of its page: its own name is that of the page.

    Example:
        >>> download_src("gradients/zero-grad.md", ".ipynb")
        'gradients/zero-grad.ipynb'
        >>> download_src("labs/backprop.py", ".ipynb")
        'labs/backprop/backprop.ipynb'
    """
    if not is_lab(src):
        return f"{src.removesuffix('.md')}{suffix}"
    stem = src.removesuffix(".py")
    return f"{stem}/{stem.rpartition('/')[2]}{suffix}"


def data_src(src: str, number: int) -> str:
    """Where the site keeps the data of a figure of a page.

    Example:
        >>> data_src("gradients/zero-grad.md", 2)
        'gradients/zero-grad-figure-2.csv'
    """
    return download_src(src, f"-figure-{number}.csv")


def offers_line(offers: Offers, *, page: str) -> Element | None:
    """Build the links by which a reader runs the page; None where there is nothing to offer.

    The script of the page is copied by a button that `docs/assets/dlfaq.js` puts beside its link.

    Args:
        offers: what there is.
        page: the page, relative to docs_dir.
    """
    links = []
    if offers.notebook:
        href = link(offers.notebook, page=page)
        links.append(element("a", "Download the notebook", href=href, download=""))
    if offers.colab:
        links.append(element("a", "Open in Colab", href=offers.colab))
    if offers.script:
        href = link(offers.script, page=page)
        links.append(element("a", "Download the script", href=href, download=""))
    return element("p", *links, class_="dl-links", data_search_exclude="") if links else None


def place_offers(root: Element, offers: Offers, *, page: str) -> None:
    """Put them before the first section: below the answer, and the figure that shows it."""
    line = offers_line(offers, page=page)
    if line is None:
        return
    at = next((i for i, node in enumerate(root) if node.tag == "h2"), len(root))
    root.insert(at, line)
