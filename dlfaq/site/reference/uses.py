"""Which pages use a public name of a package: those whose code imports it."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dlfaq.pages.page import Page

__all__ = ["uses_of"]


def uses_of(package: str, pages: Iterable[Page]) -> dict[str, list[Page]]:
    """The pages whose snippets import each name of a package, by the name.

    Args:
        package: its name.
        pages: those of a site, in their order.
    """
    uses: dict[str, list[Page]] = {}
    for page in pages:
        code = (snippet.code for chain in page.chains for snippet in chain.snippets)
        for name in sorted({name for one in code for name in _imported(package, one)}):
            uses.setdefault(name, []).append(page)
    return uses


@lru_cache(maxsize=4000)
def _imported(package: str, code: str) -> tuple[str, ...]:
    if package not in code:
        return ()
    try:
        tree = ast.parse(code)
    except SyntaxError:  # which the page reports where it runs
        return ()
    return tuple(
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == package and not node.level
        for alias in node.names
    )
