"""What is wrong on a page, in place, as `mkdocs serve` shows it: the error and the lines around."""

from __future__ import annotations

import re
from datetime import date
from html import escape
from typing import TYPE_CHECKING

from dlfaq.execution.result import Failure
from dlfaq.site.wording import day

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlfaq.pages.page import Page
    from dlfaq.site.page.context import ChainState

__all__ = ["error_html", "failure_html", "page_failures", "stale_html"]


def page_failures(page: Page) -> Iterator[Failure]:
    """What cannot be read on a page, each with the lines around where they are the page's own."""
    for error in page.errors:
        line = error.line if error.path == page.path else 0
        context = page.around(line) if line else []
        yield Failure(error.path, error.line, "Unreadable", error.message, [], context, line)


def failure_html(state: ChainState, index: int, last_good: list[str]) -> list[str]:
    """The errors of one snippet of a failed chain, and what it showed when it last worked.

    Args:
        state: the chain.
        index: which snippet of it.
        last_good: what the snippet showed in the last good result, as HTML.
    """
    assert state.failure is not None
    here = [failure for failure in state.failure.failures if failure.snippet == index]
    parts = [error_html(failure) for failure in here]
    # A snippet whose claim does not hold ran to its end: what it shows is new.
    broke_off = any(failure.kind != "ClaimFailed" for failure in here)
    return parts + stale_html(state, last_good) if broke_off else parts


def stale_html(state: ChainState, last_good: list[str]) -> list[str]:
    """What a snippet showed when it last worked, marked as such; nothing where that is unknown."""
    if not last_good or state.last_good is None:
        return []
    when = day(date.fromisoformat(state.last_good.finished))
    note = f'<p>Last good output, <span class="dl-run">{when}</span>:</p>'
    return [f'<div class="dl-stale">{note}{"".join(last_good)}</div>']


def error_html(failure: Failure) -> str:
    """One error, its place, and the lines around it."""
    also = f" (in {escape(', '.join(failure.also))})" if failure.also else ""
    message = escape(failure.message.strip(), quote=False)
    first, *rest = message.split("\n")
    more = f'<pre tabindex="0"><samp>{chr(10).join(rest)}</samp></pre>' if rest else ""
    lines = "".join(
        f'<li value="{number}"{" class=dl-here" if number == failure.marked else ""}>'
        f"<code>{_shown(text)}</code></li>"
        for number, text in failure.context
    )
    return (
        '<div class="dl-error" role="alert" data-search-exclude>'
        f"<p><b>{escape(failure.kind)}</b> in <code>{escape(failure.path)}:{failure.line}</code>"
        f'{also}: {first}</p>{more}<ol class="dl-lines">{lines}</ol></div>'
    )


def _shown(text: str) -> str:
    return re.sub(r"^ +", lambda spaces: "\u00a0" * len(spaces[0]), escape(text, quote=False))
