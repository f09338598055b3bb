"""A verdict is a shape and a word; the style sheet draws the same shapes in the navigation."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest

from dlfaq.site.verdicts import VERDICTS, badge, glyph

STYLE = Path(__file__).parents[2] / "docs" / "assets" / "dlfaq.css"


@pytest.mark.parametrize(
    ("status", "word"),
    [("right", "Right"), ("incomplete", "Incomplete"), ("wrong", "Wrong"), ("missing", "Missing")],
)
def test_a_badge_is_a_shape_and_a_word(status, word):
    span = ET.fromstring(badge(status))
    assert span.get("class") == f"dl-v dl-v--{status}"
    assert "".join(span.itertext()) == word
    assert len(span[0]) >= 1
    assert span[0].get("aria-hidden") == "true"


def test_no_two_shapes_are_alike():
    assert len({ET.tostring(glyph(status)) for status in VERDICTS}) == 4


def test_an_unknown_verdict_is_refused():
    with pytest.raises(KeyError, match="perhaps"):
        badge("perhaps")


def drawn(svg):
    """The shapes of a drawing, whatever paints them."""
    names = ("d", "cx", "cy", "r", "stroke-width", "stroke-dasharray", "fill-rule")
    return [{name: shape.get(name) for name in names} for shape in svg]


@pytest.mark.parametrize("status", VERDICTS)
def test_the_navigation_draws_the_same_shape(status):
    style = STYLE.read_text(encoding="utf-8")
    rule = re.search(rf"\.md-status--{status}\b[^{{}}]*\{{([^{{}}]*)\}}", style)[1]
    mask = re.search(r"--md-status: url\(\"data:image/svg\+xml,(.*?)\"\)", rule)[1]
    assert drawn(ET.fromstring(unquote(mask))) == drawn(glyph(status))
