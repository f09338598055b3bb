"""A measured figure as HTML: its drawings at two widths, and the plate that carries it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from dlfaq.execution.drawings import with_id_prefix
from dlfaq.site.wording import counted, seed_ranges

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["figure_html", "plate"]


def figure_html(figure: Mapping[str, str], *, prefix: str, alt: str) -> str:
    """A figure at both widths, of which the page's style shows one.

    Args:
        figure: SVG by size, as `execution.worker.drawing` makes it; a thumb is not used here.
        prefix: what makes its ids unique on the page.
        alt: what the figure shows, in words, plain text.
    """
    # The search index takes the first inner </div> for the end of what is excluded, so the
    # exclusion stands on the innermost one.
    drawings = "".join(
        f'<div class="dl-fig__{size}" data-search-exclude>'
        f"{with_id_prefix(figure[size], f'{prefix}-{size}')}</div>"
        for size in ("wide", "narrow")
        if size in figure
    )
    return f'<div class="dl-fig" role="img" aria-label="{escape(alt)}">{drawings}</div>'


def plate(
    figure: str,
    *,
    number: int,
    title: str = "",
    subtitle: str = "",
    sliders: str = "",
    claim: str = "",
    seeds: Sequence[int] = (),
    elapsed_s: float | None = None,
    data: str = "",
) -> str:
    """A figure on its plate: finding, conditions, sliders, drawing, its claim and its run.

    Args:
        figure: HTML of `figure_html`.
        number: which figure of the page it is, from 1.
        title: the finding, HTML.
        subtitle: what is drawn and under which conditions, HTML.
        sliders: those that move its measured states, HTML of `sliders`.
        claim: the card of the key claim, HTML.
        seeds: the seeds of its runs.
        elapsed_s: seconds its chain took on one core.
        data: the link to its data.
    """
    facts = [f"<b>Figure {number}</b>"]
    if seeds:
        noun = "seed" if len(seeds) == 1 else "seeds"
        facts.append(f"<span>{counted(len(seeds), 'run')}, {noun} {seed_ranges(seeds)}</span>")
    if elapsed_s is not None:
        facts.append(f'<span class="dl-run">{elapsed_s:.1f} s on one core</span>')
    if data:
        facts.append(f'<a href="{escape(data)}" download>Data (CSV)</a>')
    parts = [
        f'<p class="dl-head">{title}</p>' if title else "",
        f'<p class="dl-sub">{subtitle}</p>' if subtitle else "",
        sliders,
        figure,
        claim,
        f"<figcaption data-search-exclude>{''.join(facts)}</figcaption>",
    ]
    return f'<figure class="dl-plate">{"".join(parts)}</figure>'
