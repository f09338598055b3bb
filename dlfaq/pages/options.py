"""The options of a snippet: comment lines `#| key: value` at its top."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from dlfaq.protocol import LABEL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Options", "parse_options"]

_OPTION = re.compile(r"^#\|[ \t]*(?P<key>[\w-]+)[ \t]*:(?P<value>.*)$")


@dataclass(frozen=True)
class Options:
    """What the author asks of one snippet.

    Attributes:
        label: name by which `{figure}` and, on a chain's head, `{python label}` find it.
        fig_title: the finding, above the figure; inline expressions are filled in.
        fig_sub: what is plotted and how, below the title; the same.
        fig_alt: what a reader who does not see the figure is told.
        raises: name of the exception that is the point.
        echo: show the code.
        output: show the output.
        warning: a warning is shown, not an error.
        code_fold: fold the code.
        thumb: its figures are also drawn small, for a card.
        timeout: seconds for the whole chain; in its first snippet only.
    """

    label: str | None = None
    fig_title: str | None = None
    fig_sub: str | None = None
    fig_alt: str | None = None
    raises: str | None = None
    echo: bool = True
    output: bool = True
    warning: bool = False
    code_fold: bool = False
    thumb: bool = False
    timeout: float | None = None


_KINDS = {field.name.replace("_", "-"): str(field.type) for field in fields(Options)}


def parse_options(
    body: Sequence[str], first: int, fail: Callable[[int, str], None]
) -> tuple[Options, int]:
    """Read the options at the top of a snippet.

    Args:
        body: the lines of the snippet.
        first: line number of the first of them.
        fail: told of each option that cannot be read.

    Returns:
        The options, and how many lines they take.
    """
    found: dict[str, str | bool | float] = {}
    count = 0
    for line in body:
        if not line.startswith("#|"):
            break
        number = first + count
        count += 1
        match = _OPTION.match(line)
        if match is None:
            fail(number, f"an option reads `#| key: value`, not {line!r}")
            continue
        key, text = match["key"], match["value"].strip()
        if key not in _KINDS:
            fail(number, f"unknown option {key!r}; there are {', '.join(_KINDS)}")
        elif key.replace("-", "_") in found:
            fail(number, f"option {key!r} stands here twice; keep one")
        else:
            try:
                found[key.replace("-", "_")] = _value(key, text)
            except ValueError as error:
                fail(number, str(error))
    for offset, line in enumerate(body[count:], count):
        if line.startswith("#|"):
            fail(first + offset, "options stand at the top of the snippet, before any other line")
    return Options(**found), count  # type: ignore[arg-type]


def _value(key: str, text: str) -> str | bool | float:
    """What an option's text stands for; a ValueError says what it should be."""
    kind = _KINDS[key]
    if kind == "bool":
        if text not in {"true", "false"}:
            raise ValueError(f"{key} takes true or false, not {text!r}")
        return text == "true"
    if kind.startswith("float"):
        if not re.fullmatch(r"\d+(\.\d+)?", text) or float(text) == 0:
            raise ValueError(f"{key} takes a number of seconds above 0, not {text!r}")
        return float(text)
    if not text:
        raise ValueError(f"{key} is empty; write its text on the same line")
    if key == "label" and not LABEL.fullmatch(text):
        raise ValueError(f"a label is lower-case letters, digits and hyphens, not {text!r}")
    if key == "raises" and not all(part.isidentifier() for part in text.split(".")):
        raise ValueError(f"raises takes the name of an exception, not {text!r}")
    return text
