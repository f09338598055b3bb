"""Writes all code of a page as one script, in the order of the page."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dlfaq.site.page.offers import Offers

if TYPE_CHECKING:
    from dlfaq.pages.page import Snippet
    from dlfaq.site.page.context import Context

__all__ = ["script_text"]

_CAUGHT = """\
try:
{code}
except {kind} as error:  # which is the point
    print(f"{{type(error).__name__}}: {{error}}")
"""


def script_text(context: Context, offers: Offers | None = None) -> str:
    """The script of a page, in cells that editors know by `# %%`.

    Args:
        context: the page.
        offers: what the site has for who runs the page elsewhere.
    """
    offers = offers or Offers()
    head = [str(context.page.meta.get("title", context.page.src))]
    head += [offers.page] if offers.page else []
    if offers.package is not None:
        head.append(f'It needs: pip install "{offers.package.requirement}"')
    parts = ["".join(f"# {line}\n" for line in head)]
    parts += [f"# %%\n{_code(snippet)}" for _, _, snippet, _ in context.snippets()]
    return "\n".join(parts)


def _code(snippet: Snippet) -> str:
    """The code of a snippet; one whose point is an exception does not end the script."""
    kind = snippet.options.raises
    if kind is None:
        return snippet.code
    return _CAUGHT.format(code=_indented(snippet.code).rstrip("\n"), kind=kind)


def _indented(code: str) -> str:
    """Code one level deeper; the lines inside of a text stay as they are."""
    lines = code.split("\n")
    texts = (ast.Constant, ast.JoinedStr)
    inside = {
        number
        for node in ast.walk(ast.parse(code))
        if isinstance(node, texts) and node.end_lineno is not None
        for number in range(node.lineno + 1, node.end_lineno + 1)
    }
    deeper = (
        f"    {line}" if line and number not in inside else line
        for number, line in enumerate(lines, 1)
    )
    return "\n".join(deeper)
