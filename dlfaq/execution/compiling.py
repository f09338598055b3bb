"""Compiles one snippet so that its last expression can be shown and its lines be found."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import CodeType

__all__ = ["CHAIN_FILE", "Compiled", "compile_snippet"]

#: The file name of all code of a chain: line n of it is line n of the chain's snippets together.
CHAIN_FILE = "<snippets>"


@dataclass(frozen=True)
class Compiled:
    """A snippet ready to run.

    Attributes:
        body: its statements, without the last if that is shown.
        last: its last expression, or None.
        above: how many lines of the chain stand above it.
    """

    body: CodeType
    last: CodeType | None
    above: int

    def run(self, namespace: dict[str, Any]) -> object:
        """Run it; the value of its last expression, or None."""
        exec(self.body, namespace)  # noqa: S102 - running the page's code is the point
        return eval(self.last, namespace) if self.last is not None else None  # noqa: S307


def compile_snippet(code: str, above: int) -> Compiled:
    """Compile a snippet that stands `above` lines below the start of its chain.

    Raises:
        SyntaxError: with the line of the chain.
    """
    tree = ast.parse("\n" * above + code, CHAIN_FILE)
    last = None
    if (
        tree.body
        and isinstance(tree.body[-1], ast.Expr)
        and not _hidden(code, tree.body[-1], above)
    ):
        expression = tree.body.pop()
        assert isinstance(expression, ast.Expr)
        last = _compile(ast.Expression(expression.value), "eval")
    return Compiled(_compile(tree, "exec"), last, above)


def _compile(tree: ast.Module | ast.Expression, mode: str) -> CodeType:
    compiled: CodeType = compile(tree, CHAIN_FILE, mode, dont_inherit=True)
    return compiled


def _hidden(code: str, last: ast.Expr, above: int) -> bool:
    """Whether a semicolon behind the last expression asks not to show it."""
    lines = code.split("\n")[last.end_lineno - 1 - above :] if last.end_lineno else []
    behind = lines[0].encode()[last.end_col_offset :].decode() if lines else ""
    return re.match(r"\s*;", behind) is not None
