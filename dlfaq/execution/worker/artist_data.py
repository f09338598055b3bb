"""What one matplotlib artist shows, as rows of numbers in the coordinates of its axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from matplotlib.collections import (
    FillBetweenPolyCollection,
    LineCollection,
    PathCollection,
    QuadMesh,
)
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle, StepPatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer

__all__ = ["Row", "bars", "rows_of"]

Row: TypeAlias = dict[str, Any]

#: Of what else stands in axes, such as their axis, the transform may have one dimension.
_DRAWN = (Line2D, FillBetweenPolyCollection, LineCollection, StepPatch, Rectangle)


def rows_of(artist: Artist, axes: Axes) -> Iterator[Row]:
    """The rows of one artist; none where it shows no data.

    Where only one of its coordinates is data, as of a line across the axes, the other is left out.
    """
    if isinstance(artist, PathCollection):
        yield from _points("points", artist.get_offsets(), artist.get_array())
        return
    if isinstance(artist, (QuadMesh, AxesImage)):
        yield from _cells(artist)
        return
    if not isinstance(artist, _DRAWN):
        return
    in_x, in_y = artist.get_transform().contains_branch_seperately(axes.transData)
    for row in _by_transform(artist):
        kept = {
            key: value
            for key, value in row.items()
            if key == "kind" or (in_x if key[0] == "x" else in_y)
        }
        if len(kept) > 1:
            yield kept
        if not (in_x and in_y) and isinstance(artist, Line2D):
            return  # both its ends say the same


def _by_transform(artist: Artist) -> Iterator[Row]:
    """The rows of an artist, as if all its coordinates were data."""
    if isinstance(artist, Line2D):
        is_line = artist.get_linestyle() not in {"None", " ", ""}
        yield from _points("line" if is_line else "points", artist.get_xydata())
    elif isinstance(artist, FillBetweenPolyCollection):
        yield from _bands(artist)
    elif isinstance(artist, LineCollection):
        for segment in artist.get_segments():
            (x, y), (x2, y2) = segment[0], segment[-1]
            yield {"kind": "segment", **_numbers(x=x, y=y, x2=x2, y2=y2)}
    elif isinstance(artist, StepPatch):
        values, edges, _ = artist.get_data()
        for value, x, x2 in zip(values, edges[:-1], edges[1:], strict=True):
            yield {"kind": "step", **_numbers(x=x, y=value, x2=x2)}
    elif isinstance(artist, Rectangle):
        (x, y), width, height = artist.get_xy(), artist.get_width(), artist.get_height()
        yield {"kind": "span", **_numbers(x=x, y=y, x2=x + width, y2=y + height)}


def _points(kind: str, points: Any, values: Any = None) -> Iterator[Row]:  # noqa: ANN401 - arrays
    for index, (x, y) in enumerate(np.ma.filled(np.ma.asarray(points, dtype=float), np.nan)):
        if not (math.isnan(x) or math.isnan(y)):
            value = {} if values is None else _numbers(value=values[index])
            yield {"kind": kind, **_numbers(x=x, y=y), **value}


def bars(container: BarContainer) -> Iterator[Row]:
    """The middle and the length of each bar, and where it begins if that is not at zero."""
    for bar in container.patches:
        (x, y), width, height = bar.get_xy(), bar.get_width(), bar.get_height()
        lying = container.orientation == "horizontal"
        start = x if lying else y
        places = (
            _numbers(x=x + width, y=y + height / 2)
            if lying
            else _numbers(x=x + width / 2, y=y + height)
        )
        begins = _numbers(**{"x2" if lying else "y2": start}) if start else {}
        yield {"kind": "bar", **places, **begins}


def _bands(band: Any) -> Iterator[Row]:  # noqa: ANN401 - its stubs lack the direction
    """Both edges of each piece of a band: matplotlib goes along one of them and back the other."""
    across = "y" if band.t_direction == "x" else "x"
    for path in band.get_paths():
        vertices = np.asarray(path.vertices)
        count = (len(vertices) - 3) // 2
        there, back = vertices[1 : count + 1], vertices[count + 2 : 2 * count + 2][::-1]
        for near, far in zip(there, back, strict=True):
            other = far[1] if across == "y" else far[0]
            yield {"kind": "band", **_numbers(x=near[0], y=near[1], **{f"{across}2": other})}


def _cells(image: QuadMesh | AxesImage) -> Iterator[Row]:
    """The middle of each cell and its value; a picture in colours of its own has none."""
    values = image.get_array()
    if values is None or values.ndim != 2:  # noqa: PLR2004 - rows and columns
        return
    if isinstance(image, AxesImage):
        left, right, bottom, top = image.get_extent()
        rows, columns = values.shape
        x = left + (right - left) * (np.arange(columns) + 0.5) / columns
        up = image.origin == "lower"
        low, high = (bottom, top) if up else (top, bottom)
        y = low + (high - low) * (np.arange(rows) + 0.5) / rows
        middle: Any = np.stack(np.meshgrid(x, y), axis=-1)
    else:
        middle = image.get_coordinates()
        if middle.shape[:2] != values.shape:
            middle = (middle[:-1, :-1] + middle[1:, :-1] + middle[:-1, 1:] + middle[1:, 1:]) / 4
    filled: Any = np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)
    for place, value in zip(middle.reshape(-1, 2), filled.reshape(-1), strict=True):
        if not math.isnan(value):
            yield {"kind": "cell", **_numbers(x=place[0], y=place[1], value=value)}


def _numbers(**numbers: Any) -> Row:  # noqa: ANN401 - numbers of any library
    return {name: float(number) for name, number in numbers.items()}
