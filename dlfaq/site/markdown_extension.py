"""Registers our steps with Python-Markdown, under MkDocs and Zensical alike.

Rendering runs nothing: it looks up what `dlfaq run` or the MkDocs plugin stored. What cannot be
shown is a warning on a `mkdocs.` logger, which `mkdocs build --strict` counts; under Zensical,
which counts nothing else, it is an exception.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement

from markdown import Extension
from markdown.postprocessors import Postprocessor
from markdown.treeprocessors import Treeprocessor

import dlfaq.site.needs  # noqa: F401 - first, before a module is missed that it would name
from dlfaq.errors import DlfaqError
from dlfaq.site.mathematics import Mathematics
from dlfaq.site.preprocessors import Fill, Read, Session
from dlfaq.site.source import Source
from dlfaq.site.tree_processor import PageTree

if TYPE_CHECKING:
    from markdown import Markdown

__all__ = ["DlfaqExtension", "makeExtension"]

_log = logging.getLogger("mkdocs.plugins.dlfaq")

_READ, _FILL, _MATHEMATICS, _TREE, _END, _CHECK = 40, 28, 15, 12, -10, 0


class DlfaqExtension(Extension):
    """The Markdown extension `dlfaq.site.markdown_extension`.

    Its options are read by `dlfaq.pages.config`, without Markdown.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - whatever mkdocs.yml holds
        self.config = {name: [value, ""] for name, value in options.items()}
        super().__init__(**options)

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - Python-Markdown's name
        """Register every step; the first one finds out which page is converted."""
        session, source = Session(), Source(md)
        read = Read(md, session, source)
        md.preprocessors.register(read, "dlfaq-read", _READ)
        md.preprocessors.register(Fill(md, session), "dlfaq-fill", _FILL)
        mathematics = Mathematics(md, lambda latex, message: _bad_latex(session, latex, message))
        md.treeprocessors.register(mathematics, "dlfaq-mathematics", _MATHEMATICS)
        md.treeprocessors.register(PageTree(md, session, source), "dlfaq-tree", _TREE)
        md.treeprocessors.register(_End(md), "dlfaq-end", _END)
        md.postprocessors.register(_Check(md, session, source), "dlfaq-check", _CHECK)


class _End(Treeprocessor):
    """Marks the end of the page: the table of contents also sends each heading through `_Check`."""

    MARK = "<p>dlfaqpageend</p>"

    def run(self, root: Element) -> None:
        SubElement(root, "p").text = "dlfaqpageend"


class _Check(Postprocessor):
    """Compares the snippets of the page with those in its HTML, and reports what went wrong."""

    def __init__(self, md: Markdown, session: Session, source: Source) -> None:
        super().__init__(md)
        self.session = session
        self.source = source

    def run(self, text: str) -> str:
        if _End.MARK not in text:
            return text
        text = text.replace(_End.MARK, "").rstrip()
        context = self.session.page
        if context is None:
            return text
        # With the bracket: printed text that looks like it has none.
        shown = [int(n) for n in re.findall(r'<div class="dl-snippet" data-line="(\d+)"', text)]
        snippets = [snippet.start for _, _, snippet, _ in context.snippets()]
        if shown != snippets:
            for line in sorted(set(snippets) ^ set(shown)) or snippets[:1]:
                context.report(line, "this snippet does not reach the page; write it plainly")
        _report(self.source, context.problems)
        return text


def _bad_latex(session: Session, latex: str, message: str) -> None:
    """Find the formula on the page: the converter knows no lines."""
    if session.page is None:
        return
    lines = session.page.page.lines
    wanted = (latex, latex.partition("\n")[0])
    found = (n for text in wanted for n, line in enumerate(lines, 1) if text and text in line)
    session.page.report(next(found, 1), f"LaTeX: {message} in `{latex}`")


def _report(source: Source, problems: list[str]) -> None:
    if not problems:
        return
    if source.zensical is not None:
        raise DlfaqError("\n".join(problems))
    for problem in problems:
        _log.warning(problem)


def makeExtension(**options: Any) -> DlfaqExtension:  # noqa: ANN401, N802 - Python-Markdown's name
    """Return the extension; Python-Markdown calls this by name."""
    return DlfaqExtension(**options)
