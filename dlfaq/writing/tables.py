"""Writes a table as text for a terminal and as HTML for a notebook or a page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["html_table", "text_table"]


def text_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1
) -> list[str]:
    """Write a line for the headings and each row, in columns.

    Args:
        headings: one for each column.
        rows: their cells.
        left: how many columns are set to the left; the others, numbers, to the right.

    Example:
        >>> text_table(["layer", "mean"], [["relu", "0.4"]])
        ['layer  mean', 'relu    0.4']
    """
    table = [headings, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


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
