"""A failed chain in place, as `mkdocs serve` shows it: the error, the lines around, the last good output."""

from __future__ import annotations

import re
from datetime import date
from html import escape
from typing import TYPE_CHECKING

from dlfaq.site.wording import day

if TYPE_CHECKING:
    from dlfaq.execution.result import Failure
    from dlfaq.site.context import ChainState

__all__ = ["failure_html"]


def failure_html(state: ChainState, index: int, last_good: list[str]) -> list[str]:
    """The errors of one snippet of a failed chain, and what it showed when it last worked.

    Args:
        state: the chain.
        index: which snippet of it.
        last_good: the outputs of the snippet in the last good result, as HTML.
    """
    assert state.failure is not None
    here = [failure for failure in state.failure.failures if failure.snippet == index]
    parts = [_error(failure) for failure in here]
    if here and last_good and state.last_good is not None:
        when = day(date.fromisoformat(state.last_good.finished))
        note = f'<p>Last good output, <span class="dl-run">{when}</span>:</p>'
        parts.append(f'<div class="dl-stale" data-search-exclude>{note}{"".join(last_good)}</div>')
    return parts


def _error(failure: Failure) -> str:
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
