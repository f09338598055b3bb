"""Writes a table as text for a terminal and as HTML for a notebook or a page."""

from __future__ import annotations

from html import escape
from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["html_table", "text_table"]


def text_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: int = 1,
    widest: int | None = None,
) -> str:
    """Write a line for the headings and for each row, in columns.

    Args:
        headings: one for each column.
        rows: their cells.
        left: how many columns are set to the left; the others, numbers, to the right.
        widest: characters of a cell that stand on one line; what is longer goes on below. None
            for any number.

    Example:
        >>> print(text_table(["layer", "mean"], [["relu", "0.4"]]))
        layer  mean
        relu    0.4
    """
    table = [[_lines(cell, widest) for cell in row] for row in (headings, *rows)]
    widths = [
        max(len(line) for cell in column for line in cell) for column in zip(*table, strict=True)
    ]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column < left else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for row in table
        for line in zip_longest(*row, fillvalue="")
    )


def _lines(cell: str, widest: int | None) -> list[str]:
    return (wrap(cell, widest) if widest is not None else [cell]) or [""]


def html_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a `table` whose rows are named by their first cell, which is code."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in headings)
    body = "".join(
        f'<tr><th scope="row"><code>{escape(name)}</code></th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
