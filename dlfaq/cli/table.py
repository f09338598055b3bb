"""Lays out what the commands print: columns of text under their names."""

from __future__ import annotations

from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["table"]

_WIDEST = 52
_GAP = "  "


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Align columns; text wider than a column may be continues on the lines below.

    Example:
        >>> print(table(["claim", "holds"], [["It grows", "yes"]]))
        claim     holds
        It grows  yes
    """
    grid = [[wrap(cell, _WIDEST) or [""] for cell in row] for row in (names, *rows)]
    widths = [
        max(len(line) for cell in column for line in cell) for column in zip(*grid, strict=True)
    ]
    lines = []
    for row in grid:
        for line in zip_longest(*row, fillvalue=""):
            cells = (text.ljust(width) for text, width in zip(line, widths, strict=True))
            lines.append(_GAP.join(cells).rstrip())
    return "\n".join(lines)
