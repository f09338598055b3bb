"""The style sheet's colours are those of the visual specification, and every text is legible."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ASSETS = Path(__file__).parents[2] / "docs" / "assets"
STYLE = (ASSETS / "dlfaq.css").read_text(encoding="utf-8")


def tokens(scheme):
    """The colours of one scheme."""
    block = re.search(rf'\[data-md-color-scheme="{scheme}"\][^{{]*\{{(.*?)\}}', STYLE, re.DOTALL)
    return dict(re.findall(r"--dl-([\w-]+): (#[0-9a-f]{6});", block[1]))


def luminance(colour):
    """Relative luminance, WCAG 2.2."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


# Contrast on paper and on plate, from the table of the visual specification.
@pytest.mark.parametrize(
    ("scheme", "token", "paper", "plate"),
    [
        ("default", "ink", 16.2, 14.8),
        ("default", "ink-2", 7.1, 6.5),
        ("default", "link", 6.5, 5.9),
        ("default", "needle", 6.4, 5.9),
        ("default", "incomplete", 5.8, 5.3),
        ("default", "missing", 5.9, 5.4),
        ("default", "c1", 6.9, 6.3),
        ("default", "c2", 4.0, 3.7),
        ("default", "c2-t", 5.8, 5.3),
        ("default", "c3", 4.0, 3.6),
        ("default", "c3-t", 5.7, 5.2),
        ("default", "c4", 4.0, 3.7),
        ("default", "c4-t", 5.7, 5.2),
        ("default", "c5", 8.4, 7.7),
        ("default", "c6", 11.6, 10.6),
        ("slate", "ink", 15.2, 13.6),
        ("slate", "ink-2", 8.5, 7.6),
        ("slate", "link", 10.7, 9.5),
        ("slate", "needle", 8.4, 7.5),
        ("slate", "incomplete", 9.8, 8.7),
        ("slate", "missing", 8.5, 7.6),
        ("slate", "c1", 6.5, 5.8),
        ("slate", "c2", 6.7, 5.9),
        ("slate", "c3", 13.6, 12.1),
        ("slate", "c4", 6.2, 5.6),
        ("slate", "c5", 12.8, 11.4),
        ("slate", "c6", 9.3, 8.3),
    ],
)
def test_contrast_is_what_the_specification_measured(scheme, token, paper, plate):
    colours = tokens(scheme)
    assert contrast(colours[token], colours["paper"]) == pytest.approx(paper, abs=0.1)
    assert contrast(colours[token], colours["plate"]) == pytest.approx(plate, abs=0.1)


@pytest.mark.parametrize("scheme", ["default", "slate"])
def test_every_colour_of_text_is_legible_on_paper_and_plate(scheme):
    colours = tokens(scheme)
    texts = [name for name in colours if name.endswith("-t")]
    texts += ["ink", "ink-2", "link", "needle", "incomplete", "missing"]
    assert len(texts) == 12
    for name in texts:
        for ground in ("paper", "plate"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)


def test_both_schemes_define_the_same_colours():
    assert tokens("default").keys() == tokens("slate").keys()


def test_no_request_leaves_the_site_and_every_font_is_there():
    addresses = re.findall(r'url\("([^"]+)"\)', STYLE)
    files = [address for address in addresses if not address.startswith("data:")]
    assert len(files) == 6
    assert all((ASSETS / file).is_file() for file in files)
    shipped = {f"fonts/{file.name}" for file in (ASSETS / "fonts").glob("*.woff2")}
    assert shipped == set(files)
    assert len(list((ASSETS / "fonts").glob("*LICENSE.txt"))) == 3
