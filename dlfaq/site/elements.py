"""Builds element trees: a tag, its attributes, then text and elements in reading order.

Trees, not strings, because MkDocs resolves the links of a page (`../topic/page.md`) in the tree.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

__all__ = ["append", "element", "html", "text_and_code"]


def element(tag: str, *children: str | ET.Element, **attributes: str) -> ET.Element:
    """Build one element.

    Args:
        tag: its name.
        children: text and elements, in order.
        attributes: `class_` stands for `class`, an underscore inside a name for a hyphen.

    Example:
        >>> html(element("p", "a ", element("b", "b"), " c", class_="dl-x"))
        '<p class="dl-x">a <b>b</b> c</p>'
    """
    node = ET.Element(tag, {k.rstrip("_").replace("_", "-"): v for k, v in attributes.items()})
    append(node, *children)
    return node


def append(node: ET.Element, *children: str | ET.Element) -> None:
    """Append text and elements to what `node` holds already."""
    for child in children:
        if isinstance(child, ET.Element):
            node.append(child)
        elif len(node):
            node[-1].tail = (node[-1].tail or "") + child
        else:
            node.text = (node.text or "") + child


def text_and_code(text: str) -> list[str | ET.Element]:
    """Split plain text with `code` in backticks into text and `<code>` elements.

    Example:
        >>> [c if isinstance(c, str) else html(c) for c in text_and_code("call `step()` once")]
        ['call ', '<code>step()</code>', ' once']
    """
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a backtick without its partner is a backtick
        parts[-2:] = ["`".join(parts[-2:])]
    return [element("code", part) if i % 2 else part for i, part in enumerate(parts) if part]


def html(node: ET.Element) -> str:
    """Write an element as HTML, its text escaped."""
    return ET.tostring(node, encoding="unicode", method="html")
