"""Markdown that is changed as text: what is code or mathematics in it stays as it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["outside_code"]

_KEPT = re.compile(
    r"^(?P<fence>`{3,}).*?^(?P=fence)\s*?$|(?P<code>`+)(?!`).+?(?<!`)(?P=code)(?!`)"
    r"|\$\$.+?\$\$|(?<!\\)\$[^$\n]+\$",
    re.DOTALL | re.MULTILINE,
)


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """Change a text in which fences, code and formulas are out of reach.

    Args:
        text: Markdown.
        change: what is done to the text, in which a mark stands for each of them.

    Example:
        >>> outside_code("a `a` a", lambda text: text.replace("a", "b"))
        'b `a` b'
    """
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\x02{len(kept) - 1}\x03"

    changed = change(_KEPT.sub(keep, text))
    return re.sub(r"\x02(\d+)\x03", lambda match: kept[int(match[1])], changed)
