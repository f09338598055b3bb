"""Compares what our reader sees on a page with what pytest-codeblocks collects from it."""

from __future__ import annotations

import warnings
from io import StringIO
from typing import TYPE_CHECKING

from pytest_codeblocks import extract_from_buffer

from dlfaq.errors import PageError

if TYPE_CHECKING:
    from dlfaq.execution.page import Page

__all__ = ["disagreements"]


def disagreements(page: Page) -> list[PageError]:
    """Where the two readers differ: a chain that only one of them sees, or other code in it.

    A page that our reader already refuses is not compared.
    """
    if page.errors:
        return []
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
