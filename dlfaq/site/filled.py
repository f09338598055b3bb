"""The Markdown of a page with its values filled in, line for line, and what it includes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlfaq.pages.fences import CONTINUE
from dlfaq.pages.includes import INCLUDE, Line, expand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dlfaq.pages.config import Settings
    from dlfaq.site.page.context import Context

__all__ = ["included", "with_values"]


def with_values(context: Context, shown: Callable[[str], str] = str) -> list[str]:
    """The lines of a page, its values in place; line n stands for line n of the page.

    Args:
        context: the page with its results.
        shown: how a value is written.
    """
    lines = list(context.page.lines)
    # From the right, so that columns further left stay true.
    for span, index in sorted(context.page.spans, key=lambda pair: -pair[0].start):
        if span.start >= 0:
            value = shown(context.value(index, span.expression) or "…")
            line = lines[span.line - 1]
            lines[span.line - 1] = line[: span.start] + value + line[span.end :]
    return lines


def included(lines: Iterable[str], path: str, settings: Settings) -> list[str]:
    """Lines of prose with what they include, and without the marks that join snippets.

    Args:
        lines: of the page at `path`, as an error names it.
        path: relative to the root.
        settings: of the site.
    """
    written: list[str] = []
    for number, line in enumerate(lines, 1):
        if line == CONTINUE:
            continue
        if INCLUDE.match(line):
            one = Line(line, path, number, number)
            written += [inner.text for inner in expand([one], settings.snippets_dir, settings.root)]
        else:
            written.append(line)
    return written
