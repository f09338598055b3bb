"""The code spans of prose that the engine fills in: values and places."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PLACES", "Place", "Span", "code_spans", "parse_place", "parse_span"]

#: What a paragraph that is only one code span can place. Lists take no label.
PLACES = {
    "figure": True,
    "claim": True,
    "questions": False,
    "labs": False,
    "cards": False,
    "evidence": False,
    "drift": False,
    "changes": False,
    "reference": False,
}

_TICKS = re.compile(r"(?<![`\\])`+")
_SPAN = re.compile(r"^\{python(?:[ \t]+(?P<label>[^\s}]+))?\}[ \t]*(?P<expression>.*)$", re.DOTALL)
_PLACE = re.compile(r"^\{(?P<kind>[a-z]+)\}[ \t]*(?P<label>.*)$")


@dataclass(frozen=True)
class Span:
    """An inline value, `{python} expression`.

    Attributes:
        line: the line it stands on.
        start: its first column there, from 0, backtick included; -1 inside an option.
        end: the column behind it.
        expression: what is evaluated at the end of the chain.
        label: the chain it names, or None for the chain above.
    """

    line: int
    start: int
    end: int
    expression: str
    label: str | None


@dataclass(frozen=True)
class Place:
    """A paragraph such as `{figure} label` or `{questions}`.

    Attributes:
        line: the line it stands on.
        kind: one of PLACES.
        label: what is placed there; "" for a list.
        index: which of several figures, from 1.
    """

    line: int
    kind: str
    label: str = ""
    index: int = 1


def code_spans(text: str) -> Iterator[tuple[int, int, int, str]]:
    """The code spans of a paragraph as CommonMark pairs backticks: (ticks, start, end, content)."""
    position = 0
    while opening := _TICKS.search(text, position):
        ticks = len(opening[0])
        closing = re.compile(rf"(?<!`)`{{{ticks}}}(?!`)").search(text, opening.end())
        if closing is None:
            position = opening.end()
            continue
        yield ticks, opening.start(), closing.end(), text[opening.end() : closing.start()]
        position = closing.end()


def parse_span(content: str) -> tuple[str | None, str] | None:
    """Label and expression of the content of a code span; None if it is not an inline value."""
    match = _SPAN.match(content)
    return (match["label"], match["expression"].strip()) if match else None


def parse_place(content: str) -> tuple[str, str] | None:
    """Kind and label of the content of a code span; None if it places nothing."""
    match = _PLACE.match(content)
    if match is None or match["kind"] not in PLACES:
        return None
    return match["kind"], match["label"].strip()
