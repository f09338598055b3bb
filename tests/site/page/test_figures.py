"""The HTML of a figure and of its plate."""

from __future__ import annotations

import re

import pytest

from dlfaq.site.page.figures import figure_html, plate, seeds_in_words

SVG = '<svg><path id="__figure__0"/><use href="#__figure__0"/></svg>'


def test_both_widths_with_ids_of_their_own() -> None:
    assert figure_html({"wide": SVG, "narrow": SVG}, prefix="figure-1", alt='a "swing" & more') == (
        '<div class="dl-fig" role="img" aria-label="a &quot;swing&quot; &amp; more">'
        '<div class="dl-fig__wide" data-search-exclude>'
        '<svg><path id="figure-1-wide-0"/><use href="#figure-1-wide-0"/></svg></div>'
        '<div class="dl-fig__narrow" data-search-exclude>'
        '<svg><path id="figure-1-narrow-0"/><use href="#figure-1-narrow-0"/></svg></div></div>'
    )


def test_plate_reads_from_finding_to_run() -> None:
    html = plate(
        "<div>FIGURE</div>",
        number=2,
        title="It <em>swings</em>",
        subtitle="From 16 starts",
        claim="<article>CLAIM</article>",
        seeds=range(1000, 1016),
        elapsed_s=0.44,
    )
    assert html == (
        '<figure class="dl-plate"><p class="dl-head">It <em>swings</em></p>'
        '<p class="dl-sub">From 16 starts</p><div>FIGURE</div><article>CLAIM</article>'
        "<figcaption data-search-exclude><b>Figure 2</b><span>16 runs, seeds 1000 to 1015</span>"
        '<span class="dl-run">0.4 s on one core</span></figcaption></figure>'
    )


def test_plate_without_words_is_figure_and_number() -> None:
    assert plate("<div></div>", number=1) == (
        '<figure class="dl-plate"><div></div>'
        "<figcaption data-search-exclude><b>Figure 1</b></figcaption></figure>"
    )


def test_duration_stands_only_where_a_comparison_of_builds_empties_it() -> None:
    html = plate("", number=1, elapsed_s=12.34)
    assert "12.3" in html
    assert "12.3" not in re.sub(r'(<span class="dl-run">).*?(</span>)', r"\1\2", html)


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ([1000], "seed 1000"),
        ([1000, 1001, 1002], "seeds 1000 to 1002"),
        ([1002, 1000, 1001], "seeds 1000 to 1002"),
        ([1000, 1002], "seeds 1000, 1002"),
    ],
    ids=["one", "in a row", "in any order", "with a gap"],
)
def test_seeds_in_words(seeds, words) -> None:
    assert seeds_in_words(seeds) == words
