"""LaTeX to MathML, while Markdown becomes HTML: no script, and bad LaTeX fails with its line."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from markdown.treeprocessors import Treeprocessor
from math_core import LatexError, LatexToMathML

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

    from markdown import Markdown

__all__ = ["Mathematics"]

_INLINE = re.compile(r"^\\\((.*)\\\)$", re.DOTALL)
_BLOCK = re.compile(r"^\\\[(.*)\\\]$", re.DOTALL)


class Mathematics(Treeprocessor):
    r"""Replaces what pymdownx.arithmatex marked, `\(…\)` and `\[…\]`, by MathML.

    Args:
        md: the converter.
        problem: told of a formula that cannot be converted and why.
    """

    def __init__(self, md: Markdown, problem: Callable[[str, str], None]) -> None:
        super().__init__(md)
        self._problem = problem
        self._converter = LatexToMathML(fancy_error=False)

    def run(self, root: Element) -> None:
        """Convert every formula of the tree."""
        for node in root.iter():
            if "arithmatex" in (node.get("class") or "").split():
                self._convert(node)

    def _convert(self, node: Element) -> None:
        text = self._unstashed("".join(node.itertext())).strip()
        block = _BLOCK.match(text)
        inline = _INLINE.match(text)
        match = block or inline
        if match is None:
            return
        # Block text arrives escaped; an ampersand would be an error.
        latex = html.unescape(match[1]).strip()
        try:
            mathml = self._converter.convert_with_local_state(latex, displaystyle=block is not None)
        except LatexError as error:
            # It begins with an offset into the formula and ends with a full stop.
            self._problem(latex, re.sub(r"^\d+: |\.$", "", str(error)))
            return
        mathml = mathml.replace("<math", "<math data-search-exclude", 1)
        node.attrib.pop("class")
        for child in list(node):
            node.remove(child)
        if block is not None:
            # A long formula scrolls in its own box, by keyboard too.
            node.set("class", "dl-math")
            node.set("tabindex", "0")
        node.text = self.md.htmlStash.store(mathml)

    def _unstashed(self, text: str) -> str:
        """Arithmatex keeps a block's text in the stash."""
        stash: list[Any] = self.md.htmlStash.rawHtmlBlocks
        return re.sub(r"\x02wzxhzdk:(\d+)\x03", lambda m: str(stash[int(m[1])]), text)
