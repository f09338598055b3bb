"""The HTML of a figure and of its plate."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup

from dlfaq.site.page.figures import figure_html, plate

SVG = '<svg><path id="__figure__0"/><use href="#__figure__0"/></svg>'


def parsed(html):
    return BeautifulSoup(html, "html.parser")


def test_both_widths_with_ids_of_their_own() -> None:
    page = parsed(figure_html({"wide": SVG, "narrow": SVG}, prefix="one", alt='a "swing" & more'))
    (figure,) = page.select("[role=img]")
    assert figure["aria-label"] == 'a "swing" & more'
    drawings = figure.select("svg")
    assert [drawing.parent["class"] for drawing in drawings] == [
        ["dl-fig__wide"],
        ["dl-fig__narrow"],
    ]
    assert all(drawing.parent.has_attr("data-search-exclude") for drawing in drawings)
    for drawing in drawings:
        assert drawing.use["href"] == f"#{drawing.path['id']}"
    assert len({drawing.path["id"] for drawing in drawings}) == 2


def test_plate_reads_from_finding_to_run() -> None:
    page = parsed(
        plate(
            "<div>FIGURE</div>",
            number=2,
            title="It <em>swings</em>",
            subtitle="From 16 starts",
            claim="<article>CLAIM</article>",
            seeds=range(1000, 1016),
            elapsed_s=0.44,
        )
    )
    (figure,) = page.find_all("figure")
    assert list(figure.stripped_strings) == [
        "It",
        "swings",
        "From 16 starts",
        "FIGURE",
        "CLAIM",
        "Figure 2",
        "16 runs, seeds 1000 to 1015",
        "0.4 s on one core",
    ]
    assert figure.em.string == "swings"
    assert figure.find(string="Figure 2").find_parent("figcaption").has_attr("data-search-exclude")


def test_plate_without_words_is_figure_and_number() -> None:
    figure = parsed(plate("<div>FIGURE</div>", number=1)).figure
    assert list(figure.stripped_strings) == ["FIGURE", "Figure 1"]


def test_duration_stands_only_where_a_comparison_of_builds_empties_it() -> None:
    html = plate("", number=1, elapsed_s=12.34)
    assert "12.3" in html
    page = parsed(html)
    for run in page.select(".dl-run"):
        run.clear()
    assert "12.3" not in page.get_text()


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ([1000], "1 run, seed 1000"),
        ([1000, 1001, 1002], "3 runs, seeds 1000 to 1002"),
        ([1000, 1001, 1064], "3 runs, seeds 1000 to 1001, 1064"),
    ],
    ids=["one", "in a row", "with a gap"],
)
def test_a_plate_says_how_many_runs_and_their_seeds(seeds, words) -> None:
    assert words in parsed(plate("", number=1, seeds=seeds)).get_text("|").split("|")
