"""Compiles one snippet so that its last expression can be shown and its lines be found."""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlfaq.execution.task import CHAIN_FILE

if TYPE_CHECKING:
    from types import CodeType

__all__ = ["Compiled", "compile_snippet"]

_BLANK = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.NEWLINE,
    tokenize.NL,
}


@dataclass(frozen=True)
class Compiled:
    """A snippet ready to run.

    Attributes:
        body: its statements, without the last if that is shown.
        last: its last expression, or None.
        first_line: where it begins in the chain, from 1.
        last_line: where its last statement begins, from 1.
    """

    body: CodeType
    last: CodeType | None
    first_line: int
    last_line: int

    def run(self, namespace: dict[str, Any]) -> object:
        """Run it; the value of its last expression, or None."""
        exec(self.body, namespace)  # noqa: S102 - running the page's code is the point
        return eval(self.last, namespace) if self.last is not None else None  # noqa: S307


def compile_snippet(code: str, above: int) -> Compiled:
    """Compile a snippet that stands `above` lines below the start of its chain.

    Raises:
        SyntaxError: with the line of the chain.
    """
    last = None
    tree = ast.parse("\n" * above + code, CHAIN_FILE)
    last_line = tree.body[-1].lineno if tree.body else above + 1
    if tree.body and isinstance(tree.body[-1], ast.Expr) and not _ends_in_semicolon(code):
        expression = ast.Expression(tree.body.pop().value)  # type: ignore[attr-defined]
        last = compile(expression, CHAIN_FILE, "eval", dont_inherit=True)
    body = compile(tree, CHAIN_FILE, "exec", dont_inherit=True)
    return Compiled(body, last, above + 1, last_line)


def _ends_in_semicolon(code: str) -> bool:
    """Whether the author asks not to show the last expression."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return [token.string for token in tokens if token.type not in _BLANK][-1] == ";"
