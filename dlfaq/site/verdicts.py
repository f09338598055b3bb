"""The four verdicts on a common answer, each a shape and a word, never a colour alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlfaq.site.elements import element, html

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["VERDICTS", "badge", "badge_element", "glyph"]

VERDICTS = {"right": "Right", "incomplete": "Incomplete", "wrong": "Wrong", "missing": "Missing"}
"""The word that a reader sees for each `status`, in the order in which a tally shows them."""


def glyph(status: str) -> Element:
    """Draw the shape of a verdict in the text's colour, 16 by 16.

    Right is a filled disc with a tick, incomplete a half disc, wrong a bare cross, missing a
    dashed ring.

    Raises:
        KeyError: `status` is none of the four.
    """
    return element(
        "svg",
        *_SHAPES[status](),
        class_="dl-g",
        viewBox="0 0 16 16",
        aria_hidden="true",
        data_search_exclude="",
    )


def badge_element(status: str) -> Element:
    """Build shape and word as an element of a page's tree."""
    return element("span", glyph(status), VERDICTS[status], class_=f"dl-v dl-v--{status}")


def badge(status: str) -> str:
    """Build shape and word as HTML.

    Raises:
        KeyError: `status` is none of the four.
    """
    return html(badge_element(status))


def _ring(**stroke: str) -> Element:
    return element("circle", cx="8", cy="8", r="6.1", fill="none", stroke="currentColor", **stroke)


def _right() -> list[Element]:
    # One even-odd path: the tick is a hole, so it shows whatever lies behind the badge.
    disc = "M8 1a7 7 0 1 0 0 14a7 7 0 0 0 0-14Z"
    tick = "M3.8 8.9L7 12.1L12.3 6.4L10.9 5L7 9.3L5.2 7.5Z"
    return [element("path", fill="currentColor", fill_rule="evenodd", d=disc + tick)]


def _incomplete() -> list[Element]:
    half = element("path", fill="currentColor", d="M8 1a7 7 0 0 0 0 14Z")
    return [_ring(stroke_width="1.8"), half]


def _wrong() -> list[Element]:
    cross = "m2.6 2.6 10.8 10.8M13.4 2.6 2.6 13.4"
    return [element("path", fill="none", stroke="currentColor", stroke_width="2.9", d=cross)]


def _missing() -> list[Element]:
    return [_ring(stroke_width="1.7", stroke_dasharray="2.1 2.16")]  # nine dashes close the ring


_SHAPES = {"right": _right, "incomplete": _incomplete, "wrong": _wrong, "missing": _missing}
