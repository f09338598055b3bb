"""What matplotlib wrote as inline SVG in the page's own colours.

Ink becomes `currentColor` and the palette of the house style CSS variables, so that one SVG follows
light and dark mode. What would differ from build to build, or repeat from figure to figure, goes:
dates, fonts, unused ids. The ids that stay begin with a placeholder, for which `with_id_prefix` of
`dlfaq.execution.drawings` puts what is unique on the page.

An artist whose gid is `state:NAME:VALUE`, its parts percent-encoded, becomes a group with
`data-state` and `data-value`: every state of a sweep is drawn, and a script shows one of them.
"""

from __future__ import annotations

import re
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from dlfaq.execution.drawings import PLACEHOLDER

__all__ = ["DATA_ID", "HALO_ID", "cleaned"]

HALO_ID = "halo"
"""What the id begins with that `drawing` gives to text which has a halo."""

DATA_ID = "data"
"""What the id begins with that `drawing` gives to what keeps its colours in both modes."""

_STATE = re.compile(r"state:(?P<name>[^:]*):(?P<value>[^:]*)")

# The colours of dlfaq/figures/house.mplstyle, and black.
_INK = {
    "#000000": "currentColor",
    "#16211b": "currentColor",
    "#4c5a52": "var(--dl-ink-2)",
    "#c4d3c8": "var(--dl-rule)",
    "#eef4ee": "var(--dl-plate)",
    "#b4232a": "var(--dl-needle)",
}
_SERIES = ["#1a56b0", "#d9500a", "#0c8f6d", "#b05ac8", "#5e4a00", "#123c4c"]
_COLOURS = _INK | {colour: f"var(--dl-c{i})" for i, colour in enumerate(_SERIES, 1)}
# Small text needs more contrast than a line.
_TEXT_COLOURS = _INK | {colour: f"var(--dl-c{i}-t)" for i, colour in enumerate(_SERIES, 1)}

_HALO = "paint-order:stroke;stroke:var(--dl-plate);stroke-width:3.5px;stroke-linejoin:round"

_FILLED = {"path", "polygon", "rect", "text", "use"}

_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
_COORDINATES = {"d", "points", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height"}


def cleaned(raw: str) -> str:
    """What matplotlib wrote, without what the page does not need and in the page's colours."""
    root = ET.fromstring(raw)  # noqa: S314  (our own matplotlib wrote it)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.text = _kept(element.text, element)
        element.tail = _kept(element.tail, element)
        if "{http://www.w3.org/1999/xlink}href" in element.attrib:
            reference = element.attrib.pop("{http://www.w3.org/1999/xlink}href")
            element.set("href", "".join(reference.split()))
    _drop(root, {"metadata", "style"})
    _restyle(root)
    _round(root)
    _mark_states(root)
    _rename_ids(root)
    _unwrap(root)
    root.attrib = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": root.attrib["viewBox"],
        "fill": "currentColor",
        "stroke-linejoin": "round",
        "stroke-linecap": "butt",
    }
    return ET.tostring(root, encoding="unicode")


def _kept(text: str | None, element: ET.Element) -> str | None:
    """Text inside <text> as it stands, without the indentation around all else."""
    return text if text and (element.tag in {"text", "tspan"} and text.strip()) else None


def _drop(parent: ET.Element, tags: set[str]) -> None:
    for child in list(parent):
        if child.tag in tags:
            parent.remove(child)
        else:
            _drop(child, tags)


def _restyle(root: ET.Element) -> None:
    """Colours to variables, fonts to the page's, a marked group to a halo."""

    def walk(element: ET.Element, *, text: bool, halo: bool, data: bool) -> None:
        text = text or element.tag == "text"
        halo = halo or element.get("id", "").startswith((HALO_ID, DATA_ID + HALO_ID))
        data = data or element.get("id", "").startswith(DATA_ID)
        colours = {} if data else _TEXT_COLOURS if text else _COLOURS
        pairs = [
            # An image that is not smoothed has its style without spaces.
            [part.strip() for part in pair.split(":", 1)]
            for pair in element.attrib.pop("style", "").split(";")
            if pair.strip()
        ]
        style = [
            f"{key}:{colours.get(value, value)}" for key, value in pairs if key != "font-family"
        ]
        if halo and element.tag == "text":
            style.append(_HALO)
        if data and element.tag in _FILLED and not any(one.startswith("fill:") for one in style):
            style.append("fill:#000000")  # matplotlib leaves black out; the page's ink is another
        if style:
            element.set("style", ";".join(style))
        for child in element:
            walk(child, text=text, halo=halo, data=data)

    walk(root, text=False, halo=False, data=False)


def _round(root: ET.Element) -> None:
    """A tenth of a point is less than anyone sees; a marker, drawn once for all, keeps more."""

    def walk(element: ET.Element, digits: int) -> None:
        digits = 2 if element.tag == "defs" else digits
        for name, value in element.attrib.items():
            if name in _COORDINATES:
                element.set(name, _rounded(value, digits))
            elif name == "transform":
                element.set(name, _rounded_transform(value))
        if "d" in element.attrib:
            element.set("d", re.sub(r"\s*([A-Za-z])\s*", r"\1", element.attrib["d"].strip()))
        for child in element:
            walk(child, digits)

    walk(root, 1)


def _rounded(value: str, digits: int) -> str:
    return _NUMBER.sub(lambda found: f"{round(float(found[0]), digits) + 0.0:g}", value)


def _rounded_transform(value: str) -> str:
    """Only shifts lose decimals: a scale of 0.0156 is the size of a letter."""
    return re.sub(
        r"(translate|rotate|scale|matrix)\(([^)]*)\)",
        lambda call: f"{call[1]}({_rounded(call[2], 1 if call[1] == 'translate' else 6)})",
        value,
    )


def _mark_states(root: ET.Element) -> None:
    """Say of each artist that shows one state of a sweep which it is, for a script to pick by."""
    for element in root.iter():
        own = element.get("id", "").removeprefix(DATA_ID).removeprefix(HALO_ID)
        found = _STATE.fullmatch(own)
        if found is not None:
            element.set("data-state", unquote(found["name"]))
            element.set("data-value", unquote(found["value"]))


def _rename_ids(root: ET.Element) -> None:
    """Keep the ids that something refers to, numbered in order of appearance."""
    ids: dict[str, str] = {}

    def renamed(found: re.Match[str]) -> str:
        return found[1] + ids.setdefault(found[2], f"{PLACEHOLDER}{len(ids)}")

    for element in root.iter():
        for name, value in element.attrib.items():
            if name == "href":
                element.set(name, re.sub(r"^(#)(.+)", renamed, value))
            elif "url(#" in value:  # of clips, masks and filters, and of fills and strokes in style
                element.set(name, re.sub(r"(url\(#)([^)]+)", renamed, value))
    for element in root.iter():
        old = element.attrib.pop("id", None)
        if old in ids:
            element.set("id", ids[old])


def _unwrap(parent: ET.Element) -> None:
    """Replace each group that says nothing by what it holds."""
    children: list[ET.Element] = []
    for child in parent:
        _unwrap(child)
        children.extend(child if child.tag == "g" and not child.attrib else [child])
    parent[:] = children
