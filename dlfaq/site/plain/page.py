"""A page as Markdown that says what the page says: values, outputs, figures in words, claims.

It is the author's Markdown with everything that was measured filled in, so that a program, or a
reader with a terminal, need not read HTML. Its links are those of the source, from one Markdown
file to another: the site keeps them under the same names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dlfaq.pages.sections import prose
from dlfaq.site.claim.line import claim_line
from dlfaq.site.filled import included, with_values
from dlfaq.site.markdown_text import outside_code
from dlfaq.site.page.cells import inline_text
from dlfaq.site.plain.lists import plain_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlfaq.execution.output import Output
    from dlfaq.pages.page import Snippet
    from dlfaq.pages.spans import Place
    from dlfaq.site.lists.catalogue import Catalogue, Lab
    from dlfaq.site.page.context import Context, PlacedFigure

__all__ = ["plain_page"]

_BOX = re.compile(r"^/{3,}[ \t]*\w*[ \t]*(?:\| (.*))?\n", re.MULTILINE)
_MARK = re.compile(r"==(?=\S)(.+?)(?<=\S)==", re.DOTALL)
_ATTRIBUTES = re.compile(r"[ \t]*\{[:#.][^}\n]*\}[ \t]*$", re.MULTILINE)
_TO_LAB = re.compile(r"(\]\((?!https?:)[^)\s]*)\.py(?=[#)])")


def plain_page(context: Context, catalogue: Catalogue, labs: list[Lab]) -> str:
    """Write the page of a site as Markdown.

    Args:
        context: the page with its results.
        catalogue: the questions, for the lists that a page places.
        labs: likewise the labs.
    """
    page = context.page
    lines = with_values(context)
    for place in page.places:
        lines[place.line - 1] = _placed(context, place, catalogue, labs)
    for _, _, snippet, output in context.snippets():
        first, last = snippet.start - 1, snippet.end - 1
        lines[first : last + 1] = [_snippet(context, snippet, output)] + [""] * (last - first)
    body = "\n".join(included(lines, page.path, context.site.settings)[page.first :])
    return f"{_head(context)}\n\n{outside_code(body, _plain).strip()}".strip() + "\n"


def _plain(text: str) -> str:
    """Without what only our Markdown extensions understand: boxes, marks, attributes."""
    text = _BOX.sub(lambda box: f"**{box[1]}**\n\n" if box[1] else "", text)
    text = _TO_LAB.sub(r"\1.md", _ATTRIBUTES.sub("", _MARK.sub(r"\1", text)))
    return re.sub(r"\n{3,}", "\n\n", text)


def _head(context: Context) -> str:
    """The title, where the text does not begin with one, and a question's answer in a sentence."""
    meta, page = context.page.meta, context.page
    titled = any(line.startswith("# ") for _, line in prose(page))
    parts = [f"# {meta['title']}"] if meta.get("title") and not titled else []
    parts += [f"> {meta['description']}"] if page.is_question and meta.get("description") else []
    return "\n\n".join(parts)


def _placed(context: Context, place: Place, catalogue: Catalogue, labs: list[Lab]) -> str:
    if place.kind == "figure":
        figure = context.figure_at(place.line)
        return "" if figure is None else _figure(figure)
    if place.kind == "claim":
        claim = context.claim(place.label)
        return "" if claim is None else f"> {claim_line(claim)}"
    return plain_list(place.kind, catalogue, labs, page=context.page.src)


def _snippet(context: Context, snippet: Snippet, output: Output | None) -> str:
    """The code, what it showed, and the figures and claims that stand below it on the page."""
    options = snippet.options
    parts = [_fenced(snippet.code, "python")] if options.echo else []
    if output is not None and options.output:
        parts += _outputs(output, options.fig_alt or "")
    parts += [_figure(figure) for figure in context.figures if figure.line == snippet.start]
    placed = context.placed_claims()
    parts += [
        f"> {claim_line(claim)}"
        for _, claim in context.claims
        if snippet.start <= claim.line <= snippet.end and claim.label not in placed
    ]
    return "\n\n".join(parts)


def _outputs(output: Output, alt: str) -> Iterator[str]:
    for text in (output.stdout, output.stderr, output.exception or ""):
        if text.strip():
            yield _fenced(text, "text")
    for kind, data in output.display:
        if kind == "text":
            yield _fenced(data, "text")
        elif kind == "html":
            yield data
        elif alt:
            yield f"({alt})"


def _figure(figure: PlacedFigure) -> str:
    """A figure in words: its finding, what is drawn, and what there is to see."""
    options = figure.snippet.options
    result = figure.state.shown
    values = result.values if result is not None else {}
    title, sub, alt = (
        inline_text(text or "", values).rstrip(".")
        for text in (options.fig_title, options.fig_sub, options.fig_alt)
    )
    parts = [f"**Figure {figure.number}: {title}.**" if title else f"**Figure {figure.number}.**"]
    parts += [f"{sub}."] if sub else []
    parts += [f"What is to be seen: {alt}."] if alt else []
    return " ".join(parts)


def _fenced(text: str, language: str) -> str:
    """Text in a fence that is longer than any within it."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    ticks = "`" * (longest + 1)
    return f"{ticks}{language}\n{text.strip(chr(10))}\n{ticks}"
