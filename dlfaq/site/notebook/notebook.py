"""Writes a page as a notebook with its outputs, for readers to download and go on in Jupyter.

It looks right in any front end, trusted or not: figures are PNG, claims are Markdown. The page
itself is made of the same results, by the Markdown extension.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat
from nbformat import v4

from dlfaq.execution.drawings import SIZES
from dlfaq.pages.notebooks import cells
from dlfaq.pages.sections import prose as prose_lines
from dlfaq.site.claim.line import claim_line
from dlfaq.site.notebook.prose import Prose
from dlfaq.site.notebook.stamp import ran_with
from dlfaq.site.page.cells import inline_html, inline_text
from dlfaq.site.page.offers import Offers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbformat import NotebookNode

    from dlfaq.execution.output import Output
    from dlfaq.pages.options import Options
    from dlfaq.pages.page import Page, Snippet
    from dlfaq.site.page.context import ChainState, Context

__all__ = ["notebook_text"]

_KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}

#: What a rich last expression is to Jupyter.
_MIME = {"html": "text/html", "svg": "image/svg+xml", "png": "image/png", "text": "text/plain"}

#: A figure is shown as large as on the page.
_PNG_SIZE = {"width": round(96 * SIZES["wide"][0]), "height": round(96 * SIZES["wide"][1])}


def notebook_text(context: Context, offers: Offers | None = None) -> str:
    """The notebook of a page or a lab: its cells, and what they showed when it ran last.

    Its first cell installs the package that the site publishes, if it publishes one. All chains of
    a page share the notebook's one process, in their order. Two builds give the same bytes while
    the results are the same.

    Args:
        context: the page with its results.
        offers: what the site has for who runs the page elsewhere.
    """
    offers = offers or Offers()
    page = context.page
    prose = Prose(context, offers.address_of)
    version = next((s.shown.environment["python"] for s in context.states if s.shown), None)
    language = {"name": "python"} | ({"version": version} if version else {})
    notebook = v4.new_notebook(metadata={"kernelspec": _KERNEL, "language_info": language})
    if offers.package is not None:
        notebook.cells.append(
            v4.new_code_cell(offers.package.install_cell(draws=bool(context.figures)))
        )
    if head := _head(context, offers):
        notebook.cells.append(v4.new_markdown_cell(head))
    code = {snippet.start: (state, i) for state, i, snippet, _ in context.snippets()}
    for start, last in _parts(page):
        if start in code:
            notebook.cells.append(_code_cell(context, *code[start]))
        elif text := prose.cell(start, last):
            notebook.cells.append(v4.new_markdown_cell(text))
    if text := ran_with(context):
        notebook.cells.append(v4.new_markdown_cell(text))
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number}"  # in place of a random one
    return f"{nbformat.writes(notebook)}\n"


def _head(context: Context, offers: Offers) -> str:
    """The title, where the text does not begin with one; a lab's description; the address."""
    meta, page = context.page.meta, context.page
    titled = any(line.startswith("# ") for _, line in prose_lines(page))
    parts = [f"# {meta['title']}"] if meta.get("title") and not titled else []
    parts += [str(meta["description"])] if page.is_lab and meta.get("description") else []
    parts += [f"The page: <{offers.page}>"] if offers.page else []
    return "\n\n".join(parts)


def _parts(page: Page) -> Iterator[tuple[int, int]]:
    """First and last line of each part of a page: a snippet, or the text before or behind it."""
    if page.is_lab:
        for marker, last in cells(page.file_lines):
            is_code = page.lines[marker - 1].startswith("```")
            yield (marker if is_code else marker + 1), last
        return
    done = page.first
    for chain, index in page.snippets:
        snippet = chain.snippets[index]
        yield done + 1, snippet.start - 1
        yield snippet.start, snippet.end
        done = snippet.end
    yield done + 1, len(page.lines)


def _code_cell(context: Context, state: ChainState, index: int) -> NotebookNode:
    snippet = state.job.chain.snippets[index]
    outputs = state.shown.outputs if state.shown is not None else []
    values = state.shown.values if state.shown is not None else {}
    shown = list(_outputs(outputs[index], index + 1)) if index < len(outputs) else []
    shown += _figures(snippet.options, outputs[index], values) if index < len(outputs) else []
    shown += _claims(context, snippet)
    shown += _failures(state, index)
    cell: NotebookNode = v4.new_code_cell(
        snippet.code.rstrip("\n"),
        execution_count=index + 1 if index < len(outputs) else None,
        outputs=shown,
    )
    options = snippet.options
    hidden = {"source_hidden": not options.echo or options.code_fold}
    hidden["outputs_hidden"] = not options.output
    if options.raises is not None:
        cell.metadata["tags"] = ["raises-exception"]  # or "run all" would end here
    if any(hidden.values()):
        cell.metadata["jupyter"] = {name: True for name, is_so in hidden.items() if is_so}
    return cell


def _outputs(output: Output, count: int) -> Iterator[NotebookNode]:
    """What a cell printed and showed, in the order in which the page has it."""
    for name in ("stdout", "stderr"):
        if text := getattr(output, name):
            yield v4.new_output("stream", name=name, text=text)
    if output.exception is not None:
        yield _error(*output.exception.partition(": ")[::2])
    for kind, data in output.display:
        bundle = {"text/plain": f"<{kind}>", _MIME[kind]: data}
        yield v4.new_output("execute_result", data=bundle, execution_count=count)


def _figures(options: Options, output: Output, values: dict[str, str]) -> Iterator[NotebookNode]:
    """Each figure, its finding above it; its text is for who does not see it."""
    title = inline_text(options.fig_title or "", values)
    for figure in output.figures:
        if title:
            html = inline_html(options.fig_title or "", values)
            sub = inline_html(options.fig_sub or "", values)
            bundle = {"text/plain": title, "text/markdown": f"**{html}**\n\n{sub}".strip()}
            yield v4.new_output("display_data", data=bundle)
        alt = inline_text(options.fig_alt or "<figure>", values)
        bundle = {"text/plain": alt, "image/png": figure["png"]}
        yield v4.new_output("display_data", data=bundle, metadata={"image/png": _PNG_SIZE})


def _claims(context: Context, snippet: Snippet) -> Iterator[NotebookNode]:
    for _, claim in context.claims:
        if snippet.start <= claim.line <= snippet.end:
            text = claim_line(claim)
            bundle = {"text/plain": text.replace("**", ""), "text/markdown": text}
            yield v4.new_output("display_data", data=bundle)


def _failures(state: ChainState, index: int) -> Iterator[NotebookNode]:
    for failure in state.failure.failures if state.failure is not None else []:
        if failure.snippet == index:
            yield _error(failure.kind, failure.message, str(failure))


def _error(kind: str, message: str, told: str = "") -> NotebookNode:
    lines = (told or f"{kind}: {message}").split("\n")
    error: NotebookNode = v4.new_output("error", ename=kind, evalue=message, traceback=lines)
    return error
