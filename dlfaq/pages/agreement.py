"""Compares what our reader sees on a page with what others see there.

On a page these are pytest-codeblocks' snippets, in a lab jupytext's cells.
"""

from __future__ import annotations

import warnings
from io import StringIO
from itertools import zip_longest
from typing import TYPE_CHECKING

from pytest_codeblocks import extract_from_buffer

from dlfaq.errors import PageError, first_line
from dlfaq.pages.notebooks import cells

if TYPE_CHECKING:
    from dlfaq.pages.page import Page

__all__ = ["disagreements"]


def disagreements(page: Page) -> list[PageError]:
    """Where the two readers differ: a chain that only one of them sees, or other code in it.

    A page that our reader already refuses is not compared.
    """
    if page.errors:
        return []
    if page.is_lab:
        return _lab_disagreements(page)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            blocks = extract_from_buffer(StringIO("\n".join(page.lines)))
    except (RuntimeError, DeprecationWarning) as error:
        return [PageError(page.path, 1, f"pytest-codeblocks cannot read this page: {error}")]
    theirs = {block.lineno: block.code for block in blocks if block.syntax == "python"}
    ours = {
        chain.head.start: "".join(snippet.raw for snippet in chain.snippets)
        for chain in page.chains
    }
    errors = [
        PageError(page.path, block.lineno, "a directive of pytest-codeblocks marks this snippet")
        for block in blocks
        if block.marks or block.importorskip or block.expected_output is not None
    ]
    for line in sorted(theirs.keys() | ours.keys()):
        if line not in ours:
            message = "pytest-codeblocks collects a snippet here that this site would not run"
        elif line not in theirs:
            message = "pytest-codeblocks does not collect this snippet"
        elif theirs[line] != ours[line]:
            message = "pytest-codeblocks reads other code in this chain"
        else:
            continue
        errors.append(PageError(page.path, line, f"{message}; write a plain fence"))
    return errors


def _lab_disagreements(page: Page) -> list[PageError]:
    """Where jupytext, by which the script opens in Jupyter, sees another cell than we do."""
    # It loads in a quarter of a second, which a site without labs need not wait for.
    from jupytext import reads  # noqa: PLC0415

    try:
        notebook = reads("\n".join(page.file_lines), fmt="py:percent")
    except Exception as error:  # noqa: BLE001 - of YAML, of nbformat, of its own
        message = f"jupytext cannot read this lab: {first_line(error)}"
        return [PageError(page.path, 1, message)]
    # What of the header is ours comes as a raw cell.
    theirs = [
        (cell.cell_type, cell.source.strip("\n"))
        for cell in notebook.cells
        if cell.cell_type != "raw"
    ]
    code = {snippet.start: snippet.raw for chain in page.chains for snippet in chain.snippets}
    ours = []
    for start, last in cells(page.file_lines):
        text = "\n".join(page.lines[start:last])
        kind = "code" if start in code else "markdown"
        ours.append((kind, code.get(start, text).strip("\n")))
    places = [start for start, _ in cells(page.file_lines)]
    for line, one, other in zip_longest(places, ours, theirs, fillvalue=None):
        if one != other:
            message = "jupytext reads another cell here; write it plainly, without magics"
            return [PageError(page.path, line or len(page.file_lines), message)]
    return []
