"""A snippet as HTML: its code, what it printed and showed, its figures and claims, or its error."""

from __future__ import annotations

import hashlib
from html import escape
from typing import TYPE_CHECKING

from dlfaq.pages.spans import code_spans, parse_span
from dlfaq.site.claim import card
from dlfaq.site.page.code import code_html
from dlfaq.site.page.context import claim_anchor
from dlfaq.site.page.failures import failure_html, stale_html
from dlfaq.site.page.figures import figure_html, plate
from dlfaq.site.page.offers import data_src
from dlfaq.site.page.sliders import sliders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlfaq.execution.output import Output
    from dlfaq.execution.result import Result
    from dlfaq.pages.page import Snippet
    from dlfaq.site.page.context import ChainState, Context, PlacedFigure

__all__ = ["cell", "claim_card", "figure_plate", "inline_html", "inline_text"]


def cell(context: Context, state: ChainState, index: int) -> str:
    """All that stands where a snippet stands on the page.

    Args:
        context: the page.
        state: the snippet's chain.
        index: which snippet of the chain.
    """
    snippet = state.job.chain.snippets[index]
    result = state.shown
    output = result.outputs[index] if result is not None and index < len(result.outputs) else None
    parts = [_code(context, snippet)] if snippet.options.echo else []
    if snippet.options.output and output is not None:
        parts += _outputs(snippet, output)
    if state.failure is not None:
        parts += failure_html(state, index, _last_shown(snippet, state.last_good, index))
    elif state.pending:
        parts.append('<div class="dl-pending"><p>This runs now; it comes by itself.</p></div>')
        parts += stale_html(state, _last_shown(snippet, state.last_good, index))
    elif result is None:
        parts.append('<div class="dl-error"><p>Not run yet.</p></div>')
    body = f'<div class="dl-cell">{"".join(parts)}</div>' if parts else ""
    below = [
        figure_plate(context, figure)
        for figure in context.figures
        if figure.state is state and figure.snippet is snippet and figure.line == snippet.start
    ]
    below += _claims_below(context, state, snippet) if snippet.options.output else []
    marker = f'<div class="dl-snippet" data-line="{snippet.start}">'
    return f"{marker}{body}{''.join(below)}</div>"


def _last_shown(snippet: Snippet, result: Result | None, index: int) -> list[str]:
    """What a snippet of a failed chain showed when it last worked."""
    if result is None or index >= len(result.outputs):
        return []
    alt = inline_text(snippet.options.fig_alt or "Figure", result.values)
    figures = enumerate(result.outputs[index].figures, 1)
    return _outputs(snippet, result.outputs[index]) + [
        figure_html(svg, prefix=f"last-{snippet.start}-{n}", alt=alt) for n, svg in figures
    ]


def _code(context: Context, snippet: Snippet) -> str:
    code = code_html(snippet.code, context.known)
    # Out of the search index: it loads at once, and code is half of a page.
    pre = f'<pre tabindex="0" data-search-exclude><code>{code}</code></pre>'
    block = f'<div class="highlight">{pre}</div>'
    if snippet.options.code_fold:
        summary = "<summary data-search-exclude>Code</summary>"
        return f'<details class="dl-fold">{summary}{block}</details>'
    return block


def _outputs(snippet: Snippet, output: Output) -> list[str]:
    parts = [
        _printed(name, text)
        for name, text in (
            ("prints", output.stdout),
            ("errors", output.stderr),
            ("raises", output.exception or ""),
        )
        if text.strip()
    ]
    for kind, data in output.display:
        if kind == "text":
            parts.append(_printed("gives", data))
        elif kind == "png":
            alt = escape(snippet.options.fig_alt or "")
            parts.append(_rich(f'<img src="data:image/png;base64,{data}" alt="{alt}">'))
        else:
            parts.append(_rich(data))
    return parts


def _rich(html: str) -> str:
    # No div: the search index takes an inner </div> for the end of what is excluded.
    return f'<section class="dl-rich" tabindex="0" data-search-exclude>{html}</section>'


def _printed(name: str, text: str) -> str:
    text = escape(text.rstrip("\n"), quote=False)
    return (
        f'<div class="dl-out" data-search-exclude><span>{name}</span>'
        f'<pre tabindex="0"><samp>{text}</samp></pre></div>'
    )


def _claims_below(context: Context, state: ChainState, snippet: Snippet) -> list[str]:
    """The cards of the claims that a snippet makes and that are placed nowhere else."""
    placed = context.placed_claims()
    cards = [
        card.card(claim, anchor=claim_anchor(claim))
        for one, claim in context.claims
        if one is state and snippet.start <= claim.line <= snippet.end and claim.label not in placed
    ]
    return [card.group(cards)] if cards else []


def claim_card(context: Context, label: str) -> str | None:
    """The card of a labelled claim, or None if the page makes no such claim."""
    claim = context.claim(label)
    return None if claim is None else card.card(claim, anchor=claim_anchor(claim))


def figure_plate(context: Context, figure: PlacedFigure) -> str:
    """A figure on its plate, with its key claim."""
    options = figure.snippet.options
    result = figure.state.shown
    values = result.values if result is not None else {}
    alt = options.fig_alt or options.fig_title or f"Figure {figure.number}"
    # A page may stand in another, as in the index of a blog, beside a figure of the same number.
    own = hashlib.sha256(context.page.src.encode()).hexdigest()[:6]
    prefix = f"figure-{own}-{figure.number}"
    return plate(
        figure_html(figure.svg, prefix=prefix, alt=inline_text(alt, values)),
        number=figure.number,
        title=inline_html(options.fig_title or "", values),
        subtitle=inline_html(options.fig_sub or "", values),
        sliders=sliders(figure.svg["wide"], prefix=prefix),
        claim=(claim_card(context, figure.claim) or "") if figure.claim else "",
        seeds=context.seeds(figure.state),
        elapsed_s=figure.state.result.elapsed_s if figure.state.result is not None else None,
        data=context.href(data_src(context.page.src, figure.number)) or "",
    )


def inline_html(text: str, values: dict[str, str]) -> str:
    """A line of an option as HTML: inline values filled in, `code` as code, the rest escaped."""
    pieces = ((escape(words, quote=False), is_code) for words, is_code in _filled(text, values))
    return "".join(f"<code>{words}</code>" if is_code else words for words, is_code in pieces)


def inline_text(text: str, values: dict[str, str]) -> str:
    """A line of an option as plain text, inline values filled in."""
    return "".join(words for words, _ in _filled(text, values))


def _filled(text: str, values: dict[str, str]) -> Iterator[tuple[str, bool]]:
    """The pieces of a line, values in the place of what they stand for; whether each is code."""
    position = 0
    for _, start, end, content in code_spans(text):
        yield text[position:start], False
        inline = parse_span(content)
        yield (content.strip(), True) if inline is None else (values.get(inline[1], "…"), False)
        position = end
    yield text[position:], False
