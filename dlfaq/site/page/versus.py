"""Sets the common answer beside what is exact, in the section "What people say"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlfaq.site.elements import element
from dlfaq.site.verdicts import badge_element

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["unquote", "versus"]

_HEADING = "What people say"
_OPEN, _CLOSE = '\u201c"', '\u201d"'


def versus(root: Element, status: str) -> None:
    """Put the block quote of the section and all that follows into two columns, in place.

    `==marks==` inside the quote get the class `off`, those outside it `on`. A page without such a
    section, or a section without a quote, stays as it is.
    """
    children = list(root)
    start = next((i for i, node in enumerate(children) if _is_heading(node)), None)
    if start is None:
        return
    rest = children[start + 1 :]
    end = next((i for i, node in enumerate(rest) if node.tag in {"h1", "h2"}), len(rest))
    section = rest[:end]
    at = next((i for i, node in enumerate(section) if node.tag == "blockquote"), None)
    if at is None:
        return
    quote, exact = section[at], section[at + 1 :]
    _mark(quote, "off")
    for node in exact:
        _mark(node, "on")
    paragraphs = [node for node in quote if node.tag == "p"]
    if len(paragraphs) == 1:
        unquote(paragraphs[0])
    said = element("p", "The common answer ", badge_element(status), class_="dl-vs__k")
    box = element(
        "div",
        element("div", said, quote, class_="dl-vs__said"),
        element("div", element("p", "What is exact", class_="dl-vs__k"), *exact),
        class_="dl-vs",
    )
    quote.tail = None
    for node in [quote, *exact]:
        root.remove(node)
    root.insert(start + 1 + at, box)


def unquote(node: Element) -> None:
    """Drop one pair of quotation marks around what `node` holds: the style sheet writes them."""
    text = (node.text or "").lstrip()
    children = list(node)
    end = (children[-1].tail if children else text) or ""
    if not text or text[0] not in _OPEN or not end.rstrip() or end.rstrip()[-1] not in _CLOSE:
        return
    if not children:
        node.text = text.rstrip()[1:-1]
        return
    node.text = text[1:]
    children[-1].tail = end.rstrip()[:-1]


def _is_heading(node: Element) -> bool:
    return node.tag == "h2" and "".join(node.itertext()).strip() == _HEADING


def _mark(node: Element, name: str) -> None:
    for mark in node.iter("mark"):
        mark.set("class", name)
