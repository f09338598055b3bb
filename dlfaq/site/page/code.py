"""Python as HTML: coloured, and its names linked to the reference of the package they come from."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers.python import PythonLexer
from pygments.token import Name, Text, Whitespace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pygments.token import _TokenType

__all__ = ["code_html", "highlighted"]

#: What a snippet imports from a package, on one line or in parentheses, as `highlighted` writes it.
_IMPORT = re.compile(
    r'(?P<head><span class="kn">from</span> <span class="nn">(?P<package>\w+)</span> '
    r'<span class="kn">import</span> )(?P<names><span class="p">\(</span>.*?\)</span>|[^\n]*)',
    re.DOTALL,
)
#: A name; or what is none: a sign or a comment in colours, and the other name after "as".
_NAME = re.compile(r"<span[^>]*>[^<]*</span>(?:(?<=as</span>) \w+)?|(?P<name>[^\W\d]\w*)")


class _Lexer(PythonLexer):
    """Python, in which plain names and blanks are text: they have its colour.

    A span around each would make the code of a page a third heavier.
    """

    def get_tokens_unprocessed(
        self, text: str, stack: Iterable[str] = ("root",)
    ) -> Iterator[tuple[int, _TokenType, str]]:
        for index, token, value in super().get_tokens_unprocessed(text, stack):
            yield index, Text if token in {Name, Whitespace} else token, value


_lexer = _Lexer(stripnl=False)
_formatter: HtmlFormatter[str] = HtmlFormatter(nowrap=True)


# While serving, all code but one snippet is what it was at the last save.
@lru_cache(maxsize=4000)
def highlighted(code: str) -> str:
    """Code in colours, as what stands inside of `<code>`."""
    return highlight(code, _lexer, _formatter)


def code_html(code: str, known: Mapping[str, Mapping[str, str]]) -> str:
    """Code in colours, each name that it imports from a known package a link.

    Args:
        code: Python.
        known: by package, the address of each of its names.
    """

    def linked(found: re.Match[str]) -> str:
        addresses = known.get(found["package"], {})

        def link(name: re.Match[str]) -> str:
            address = addresses.get(name["name"] or "")
            return name[0] if address is None else f'<a href="{escape(address)}">{name[0]}</a>'

        return found["head"] + _NAME.sub(link, found["names"])

    html = highlighted(code)
    return _IMPORT.sub(linked, html) if known else html
