"""What a matplotlib figure shows as a table: one row for each point, bar, band or cell.

It is read from the artists, so a page says nothing twice. What is no data, such as text and arrows,
is left out. Like `drawing`, loaded once a chain has drawn.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import unquote

from matplotlib.colors import to_hex
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from dlfaq.execution.worker.artist_data import bars, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

    from dlfaq.execution.worker.artist_data import Row

__all__ = ["figure_data"]

#: The label of a tick that says no more than where it stands: 0.1, 1,000, 10⁻³, 50 %, or nothing.
_NUMBER = re.compile(r"\s*[-−+]?[\d.,]*([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+|e[-−+]?\d+)?\s*[%×]?\s*")

#: The columns, of which a table has those that it needs: the axes, where there are several; what is
#: drawn; its name; which of several lines of that name; its place, with the words that an axis has
#: there; the other end of a bar, a band or a segment; what the colour of a point or a cell says.
_COLUMNS = ("axes", "kind", "series", "line", "x", "x_name", "y", "y_name", "x2", "y2", "value")


def figure_data(figure: Figure) -> str:
    """The data of a figure as CSV, "" where it shows none.

    Lines without a name that have the colour of a line with one are numbered as lines of that name.
    Numbers have seven digits.
    """
    panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    rows = []
    for name, axes in zip(_names(panels), panels, strict=True):
        words = {"x": _words_on(axes.xaxis), "y": _words_on(axes.yaxis)}
        for row in _rows(axes):
            for key in words.keys() & row.keys():
                row[f"{key}_name"] = _word_at(row[key], words[key])
            rows.append({"axes": name, **row})
    used = [column for column in _COLUMNS if any(row.get(column, "") != "" for row in rows)]
    written = io.StringIO()
    writer = csv.DictWriter(written, used, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _text(value) for key, value in row.items()} for row in rows)
    return written.getvalue() if rows else ""


def _text(value: object) -> object:
    return f"{value:.7g}" if isinstance(value, float) else value


def _names(panels: list[Axes]) -> list[str]:
    """What tells the axes of a figure apart: their titles or the names of their y axes."""
    if len(panels) < 2:  # noqa: PLR2004 - there is nothing to tell apart
        return [""] * len(panels)
    named = [
        axes.get_title("left") or axes.get_title() or axes.get_ylabel() or str(number)
        for number, axes in enumerate(panels, 1)
    ]
    often = Counter(named)
    return [
        name if often[name] == 1 else f"{name} ({number})" for number, name in enumerate(named, 1)
    ]


def _words_on(axis: Axis) -> list[tuple[float, str]]:
    """The words that a page has set at places of an axis, as beside the bars of a chart."""
    if not isinstance(axis.get_major_locator(), FixedLocator):
        return []
    words = (text.get_text() for text in axis.get_ticklabels())
    ticks = zip(axis.get_majorticklocs(), words, strict=False)
    return [(float(at), word) for at, word in ticks if not _NUMBER.fullmatch(word)]


def _word_at(place: float, words: list[tuple[float, str]]) -> str:
    """The word at a place; where words stand one apart, as names do, the nearest one.

    Points of one name are often drawn side by side around it.
    """
    places = [at for at, _ in words]
    are_names = len(words) > 1 and places == [places[0] + step for step in range(len(words))]
    reach = 0.5 if are_names else 1e-9
    return next((word for at, word in words if abs(at - place) <= reach), "")


def _rows(axes: Axes) -> Iterator[Row]:
    """The rows of some axes, in the order in which they were drawn."""
    named = {_colour(line): _own_name(line) for line in axes.lines if _own_name(line)}
    done: set[Artist] = set()
    for container in axes.containers:
        if isinstance(container, ErrorbarContainer):
            done |= {*container.lines[1]}  # the caps
        elif isinstance(container, BarContainer):
            done |= {*container.patches}
            yield from ({"series": _own_name(container), **row} for row in bars(container))
    unnamed: Counter[str] = Counter()
    for artist in axes.get_children():
        if artist in done or not artist.get_visible():
            continue
        series, number = _own_name(artist), ""
        if isinstance(artist, Line2D) and not series:
            colour = _colour(artist)
            unnamed[colour] += 1
            series, number = named.get(colour, ""), str(unnamed[colour])
        for row in rows_of(artist, axes):
            yield {"series": series, "line": number, **row}


def _own_name(artist: Artist | BarContainer) -> str:
    """The label that a page gave it, or the state of a sweep that it shows."""
    label = str(artist.get_label())
    if label and not label.startswith("_"):
        return label
    gid = artist.get_gid() if hasattr(artist, "get_gid") else None
    kind, *state = (gid or "").split(":")
    return " ".join(map(unquote, state)) if kind == "state" else ""


def _colour(line: Line2D) -> str:
    return to_hex(line.get_color())
