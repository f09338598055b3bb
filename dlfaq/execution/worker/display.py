"""Turns the value of a last expression into what crosses to the page."""

from __future__ import annotations

import base64
import sys
from typing import Any

from dlfaq.errors import InputError
from dlfaq.execution.text import limited

__all__ = ["display"]

#: Bytes of HTML, SVG or PNG that one last expression may show; a cut one would be broken.
_RICH_BYTES = 1_000_000

_RICH = (("_repr_html_", "html"), ("_repr_svg_", "svg"), ("_repr_png_", "png"))


def display(value: object) -> list[tuple[str, str]]:
    """A last expression as it is shown: rich if it knows how, else its repr.

    Returns:
        Kind and data, or nothing for None and for what a figure already shows.

    Raises:
        InputError: its HTML or image is too big for a page.
    """
    if value is None or _is_drawn(value):
        return []
    for method, kind in _RICH:
        # Of the instance, as IPython does it: a class may decide there whether it has one.
        rich = None if isinstance(value, type) else getattr(value, method, None)
        data = rich() if callable(rich) else None
        if isinstance(data, tuple):  # with metadata, of no use on a page
            data = data[0]
        if data is None:
            continue
        text = base64.b64encode(data).decode() if kind == "png" else str(data)
        if len(text) > _RICH_BYTES:
            raise InputError(
                expected=f"at most {_RICH_BYTES:,} bytes of {kind} to show",
                got=f"{len(text):,}",
                cure="show less of it",
            )
        return [(kind, text)]
    return [("text", limited(repr(value)))]


def _is_drawn(value: Any) -> bool:  # noqa: ANN401 - whatever an expression gives
    """Whether a value is a matplotlib artist or a container of them: the figure shows it."""
    if (artist := sys.modules.get("matplotlib.artist")) is None:
        return False
    if isinstance(value, artist.Artist) or type(value).__module__.startswith("matplotlib."):
        return True
    if type(value).__name__ == "ndarray" and value.dtype.kind == "O":
        value = list(value.flat)
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, list | tuple) and bool(value) and all(map(_is_drawn, value))
