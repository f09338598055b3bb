"""Compiles snippets so that last expressions can be shown and lines be found."""

from __future__ import annotations
import __future__

import ast
import functools
import io
import operator
import tokenize
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlfaq.execution.task import CHAIN_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType

__all__ = ["Compiled", "compile_chain", "compile_snippet"]

#: All that `from __future__` can ask of the compiler.
_FUTURE = functools.reduce(
    operator.or_, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)

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
        flags: what `from __future__` of the snippets above asks of the compiler.
    """

    body: CodeType
    last: CodeType | None
    first_line: int
    last_line: int
    flags: int

    def run(self, namespace: dict[str, Any]) -> object:
        """Run it; the value of its last expression, or None."""
        exec(self.body, namespace)  # noqa: S102 - running the page's code is the point
        return eval(self.last, namespace) if self.last is not None else None  # noqa: S307


def compile_chain(snippets: Sequence[tuple[str, bool]]) -> list[Compiled]:
    """Compile all snippets of a chain, which is one script to its reader.

    Args:
        snippets: the code of each, and whether it may warn.

    Raises:
        SyntaxError: with the line of the chain.
    """
    compiled: list[Compiled] = []
    above = flags = 0
    for code, may_warn in snippets:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore" if may_warn else "error")
            ready = compile_snippet(code, above, flags)
        compiled.append(ready)
        flags |= ready.body.co_flags & _FUTURE
        above += code.count("\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile("".join(code for code, _ in snippets), CHAIN_FILE, "exec", dont_inherit=True)
    return compiled


def compile_snippet(code: str, above: int, flags: int = 0) -> Compiled:
    """Compile a snippet that stands `above` lines below the start of its chain.

    Args:
        code: of the snippet.
        above: lines of the chain above it.
        flags: what `from __future__` of the snippets above asks of the compiler.

    Raises:
        SyntaxError: with the line of the chain.
    """
    last = value = None
    tree = ast.parse("\n" * above + code, CHAIN_FILE)
    last_line = tree.body[-1].lineno if tree.body else above + 1
    if tree.body and isinstance(tree.body[-1], ast.Expr) and not _ends_in_semicolon(code):
        value = tree.body.pop().value  # type: ignore[attr-defined]
    body = compile(tree, CHAIN_FILE, "exec", flags, dont_inherit=True)
    if value is not None:
        own = flags | (body.co_flags & _FUTURE)
        expression = ast.Expression(value)
        last = compile(expression, CHAIN_FILE, "eval", own, dont_inherit=True)
    return Compiled(body, last, above + 1, last_line, flags)


def _ends_in_semicolon(code: str) -> bool:
    """Whether the author asks not to show the last expression."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return [token.string for token in tokens if token.type not in _BLANK][-1] == ";"
