"""A docstring as elements: its text, its sections, its example with what that gives."""

from __future__ import annotations

import doctest
import inspect
import re
from html import escape
from typing import TYPE_CHECKING, Any

import griffe

from dlfaq.site.elements import append, element, text_and_code
from dlfaq.site.page.code import highlighted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from xml.etree.ElementTree import Element

__all__ = ["described", "docstring_elements", "signature"]

_VARIADIC = {
    griffe.ParameterKind.var_positional: "*",
    griffe.ParameterKind.var_keyword: "**",
}
_TITLES = {
    "parameters": "Takes",
    "attributes": "Has",
    "returns": "Gives",
    "yields": "Gives, one by one,",
    "raises": "Raises",
}


def signature(name: str, source: griffe.Object) -> str:
    """How a name is called, without types, on one line if it fits.

    A class without an `__init__` of its own is what functions give: nobody calls it, and its name
    stands alone, as that of a property does.
    """
    is_class = isinstance(source, griffe.Class)
    if not isinstance(source, griffe.Function) and not (is_class and "__init__" in source.members):
        return name
    shown: list[str] = []
    for one in _parameters(source):
        before = _VARIADIC.get(one.kind, "") if one.kind is not None else ""
        if one.kind is griffe.ParameterKind.keyword_only and not any(
            text.startswith("*") for text in shown
        ):
            shown.append("*")
        value = f"={one.default}" if one.default is not None and not before else ""
        shown.append(f"{before}{one.name}{value}")
    line = f"{name}({', '.join(shown)})"
    if len(line) <= 79:  # noqa: PLR2004 - what fits on a page
        return line
    return f"{name}(\n" + "".join(f"    {one},\n" for one in shown) + ")"


def _parameters(source: griffe.Object) -> list[griffe.Parameter]:
    assert isinstance(source, (griffe.Class, griffe.Function))
    is_method = source.is_class or (source.parent is not None and source.parent.is_class)
    return list(source.parameters)[int(is_method) :]


def docstring_elements(source: griffe.Object, store: Callable[[str], str]) -> Iterator[Element]:
    """The docstring of a function or a class, section by section.

    Args:
        source: the function or the class.
        store: keeps HTML until the page is written, and gives a placeholder for it.
    """
    if source.docstring is None:
        return
    for section in source.docstring.parse("google", warnings=False):
        kind, value = section.kind.value, section.value
        if kind == "text":
            yield from _paragraphs(value, store)
        elif kind in _TITLES:
            yield element("p", _TITLES[kind], class_="dl-ref__k")
            yield element("dl", *_rows(value), class_="dl-ref__args", data_search_exclude="")
        elif kind == "admonition" and section.title in {"Example", "Examples"}:
            yield element("p", "Example", class_="dl-ref__k")
            yield element("p", store(_example(value.contents)))
        elif kind == "admonition":
            yield element("p", section.title or "", class_="dl-ref__k")
            yield from _paragraphs(value.contents, store)


def described(source: griffe.Object) -> set[str]:
    """The attributes that the docstring of a class describes."""
    if source.docstring is None:
        return set()
    sections = source.docstring.parse("google", warnings=False)
    return {
        item.name
        for section in sections
        if isinstance(section, griffe.DocstringSectionAttributes)
        for item in section.value
    }


def _rows(items: Any) -> Iterator[Element]:  # noqa: ANN401 - griffe's items of a section
    for item in items:
        name = getattr(item, "name", "") or ""
        kind = str(item.annotation or "") if not name or name != str(item.annotation) else ""
        term = element("dt")
        if name:
            append(term, element("code", name))
        if kind:
            append(term, " " if name else "", element("code", kind, class_="dl-ref__type"))
        yield term
        yield element("dd", *text_and_code(_joined(item.description)))


def _paragraphs(text: str, store: Callable[[str], str]) -> Iterator[Element]:
    """Paragraphs, lists and blocks that are indented, which are code."""
    for block in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        if block.startswith("    "):
            code = highlighted(inspect.cleandoc(block) + "\n")
            yield element(
                "p", store(f'<div class="highlight"><pre><code>{code}</code></pre></div>')
            )
        elif block.startswith("- "):
            items = re.split(r"\n- ", block[2:])
            rows = (element("li", *text_and_code(_joined(item))) for item in items)
            yield element("ul", *rows)
        else:
            yield element("p", *text_and_code(_joined(block)))


def _joined(text: str) -> str:
    return " ".join(text.split())


def _example(text: str) -> str:
    """An example as a page shows a snippet: code, and below it what it gives."""
    parts: list[str] = []
    code = ""
    for one in doctest.DocTestParser().parse(inspect.cleandoc(text)):
        if isinstance(one, str):
            continue
        code += one.source
        if one.want:
            parts.append(_code(code) + _given(one.want))
            code = ""
    if code:
        parts.append(_code(code))
    return f'<div class="dl-cell">{"".join(parts)}</div>'


def _code(code: str) -> str:
    pre = f'<pre tabindex="0" data-search-exclude><code>{highlighted(code)}</code></pre>'
    return f'<div class="highlight">{pre}</div>'


def _given(text: str) -> str:
    shown = escape(text.replace("<BLANKLINE>", "").rstrip("\n"), quote=False)
    return (
        '<div class="dl-out" data-search-exclude><span>gives</span>'
        f'<pre tabindex="0"><samp>{shown}</samp></pre></div>'
    )
