"""Labels on lines, placed when they are drawn: each near its own line and clear of the others.

A label tries many places along its line, above and below it. What counts against a place is ink of
other lines beneath it and around it, ink of its own line beneath it, the distance from the line,
and the distance from the line's end. Ink is counted on a grid, so a place costs four look-ups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.colors import to_rgb
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.transforms import Bbox, IdentityTransform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.backend_bases import RendererBase
    from matplotlib.lines import Line2D

__all__ = ["LineLabels", "Words"]

Words: TypeAlias = str | tuple[str, str]
"""The words of a label, or those for a wide and those for a narrow figure."""

_PLATE = "#eef4ee"
_HALO_PT = 3.5
_NARROW_IN = 5.0  # a figure less wide says it in fewer words
_APART_PT = 3.0  # 4 CSS pixels between two labels
_AROUND_PT = 8.0  # nearer than that, a label might belong to the other line
_CELL_PT = 2.0
_ALONG = 60  # points of a line at which a label is tried
_MOST_POINTS = 4000
# At each point a label stands above or below, centred, to the left or to the right of it.
_DIRECTIONS = np.array([(x, y) for _ in range(5) for y in (1, -1) for x in (0, -1, 1)])
_GAPS_PT = np.repeat([2.5, 6.0, 10.0, 20.0, 40.0], 6)[:, None]

# What a place costs: for each label width of ink beneath it, of foreign ink around it, for each
# point between line and label, for the whole way before the line's end, for another label.
_FOREIGN, _OWN, _AROUND, _DISTANCE, _BEFORE_END, _TAKEN = 4.0, 3.0, 0.6, 0.06, 0.5, 1000.0

_Floats = npt.NDArray[np.float64]


class LineLabels(Artist):
    """The labels of an axes; see `dlfaq.figures.line_labels.line_labels`.

    They take no part in the layout: they are placed inside what it leaves.

    Args:
        ax: the axes of the lines.
    """

    zorder = 5

    def __init__(self, ax: Axes) -> None:
        super().__init__()
        self._ax = ax
        self._words: dict[Line2D, Words] = {}
        self._texts: dict[Line2D, Text] = {}
        self.set_in_layout(False)

    def add(self, labels: Mapping[Line2D, Words]) -> None:
        """Take in the words of further lines, or others for a line that has some."""
        self._words |= labels
        for line in labels:
            self._texts[line] = Text(
                color=line.get_color(),
                weight="bold",
                ha="center",
                transform=IdentityTransform(),
                figure=self._ax.figure,
                path_effects=[withStroke(linewidth=_HALO_PT, foreground=_PLATE)],
            )

    def get_children(self) -> list[Artist]:
        """The texts, so that `findobj` finds them."""
        return list(self._texts.values())

    def draw(self, renderer: RendererBase, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Choose the words, place them and draw them."""
        figure = self._ax.figure
        narrow = figure.bbox.width / figure.dpi < _NARROW_IN
        taken = [text.get_window_extent(renderer) for text in self._ax.texts]
        top = self._ax.bbox.y1
        if self._ax.axison:  # beside the name of the y axis there is room above the axes
            taken.append(self._ax.yaxis.label.get_window_extent(renderer))
            top = max(top, taken[-1].y1)
        paper = _Paper(self._ax, figure.dpi / 72, top=float(top))
        for line, words in self._words.items():
            if not len(paper.paths[line]):  # nothing of the line is seen
                continue
            text = self._texts[line]
            text.set_text(words if isinstance(words, str) else words[int(narrow)])
            text.set_position((0, 0))
            extent = text.get_window_extent(renderer)
            centre = paper.best_place(line, extent.width, extent.height, taken)
            text.set_position(tuple(centre - (extent.p0 + extent.p1) / 2))
            text.draw(renderer)
            taken.append(text.get_window_extent(renderer))


class _Paper:
    """Where the lines of an axes run, in pixels and on a grid of small cells."""

    def __init__(self, ax: Axes, pixels_per_point: float, *, top: float) -> None:
        self.scale = pixels_per_point
        self.cell = _CELL_PT * pixels_per_point
        self.box = Bbox([ax.bbox.p0, (ax.bbox.x1, top)])
        self.paths = {line: self._path(line) for line in ax.lines}

    def best_place(self, line: Line2D, width: float, height: float, taken: list[Bbox]) -> _Floats:
        """The centre, in pixels, of the best place for a label of this size."""
        path = self.paths[line]
        half = np.array([width, height]) / 2
        along = path[np.linspace(0, len(path) - 1, _ALONG).astype(int)]
        offsets = half * _DIRECTIONS + self.scale * _GAPS_PT * [0, 1] * _DIRECTIONS
        anchors = np.repeat(along, len(offsets), axis=0)
        centres = anchors + np.tile(offsets, (len(along), 1))
        # A place over the edge is moved inside.
        low, high = self.box.p0 + half, self.box.p1 - half
        centres = np.clip(centres, low, np.maximum(low, high))

        distance = np.hypot(*np.maximum(np.abs(anchors - centres) - half, 0).T) / self.scale
        before_end = (self.box.x1 - anchors[:, 0]) / self.box.width
        ring = half + _AROUND_PT * self.scale
        foreign, own = self._ink(line, same=False), self._ink(line, same=True)
        cost = (
            _FOREIGN * self._beneath(foreign, centres, half)
            + _OWN * self._beneath(own, centres, half)
            + _AROUND * self._beneath(foreign, centres, ring)
            - _AROUND * np.minimum(self._beneath(own, centres, ring), 1)
            + _DISTANCE * distance
            + _BEFORE_END * before_end
        )
        apart = half + _APART_PT * self.scale
        for other in taken:
            overlap = (centres + apart > other.p0).all(1) & (centres - apart < other.p1).all(1)
            cost[overlap] += _TAKEN
        best: _Floats = centres[int(np.argmin(cost))]
        return best

    def _path(self, line: Line2D) -> _Floats:
        """Points about a cell apart along a line, inside the axes, shape (n, 2)."""
        vertices = line.get_transform().transform(line.get_path().vertices)
        vertices = vertices[np.isfinite(vertices).all(axis=1)]
        if not len(vertices) or not line.get_visible():
            return np.empty((0, 2))
        run = np.concatenate([[0], np.hypot(*np.diff(vertices, axis=0).T).cumsum()])
        at = np.linspace(0, run[-1], min(int(run[-1] / self.cell) + 2, _MOST_POINTS))
        points = np.stack([np.interp(at, run, vertices[:, i]) for i in (0, 1)], axis=1)
        inside: _Floats = points[((points >= self.box.p0) & (points <= self.box.p1)).all(axis=1)]
        return inside

    def _ink(self, line: Line2D, *, same: bool) -> _Floats:
        """Summed-area table of the cells crossed by lines of the same, or of another colour."""
        columns, rows = (int(side / self.cell) + 1 for side in self.box.size)
        grid = np.zeros((columns + 1, rows + 1))
        for other, path in self.paths.items():
            if (to_rgb(other.get_color()) == to_rgb(line.get_color())) is same:
                column, row = ((path - self.box.p0) / self.cell).astype(int).T
                grid[column + 1, row + 1] = 1
        table: _Floats = grid.cumsum(0).cumsum(1)
        return table

    def _beneath(self, ink: _Floats, centres: _Floats, half: _Floats) -> _Floats:
        """Cells with ink beneath a label at each centre, for each cell of the label's width."""
        limit = np.array(ink.shape) - 1
        low = np.clip(((centres - half - self.box.p0) / self.cell).astype(int), 0, limit)
        high = np.clip(np.ceil((centres + half - self.box.p0) / self.cell).astype(int), 0, limit)
        cells = (
            ink[high[:, 0], high[:, 1]]
            - ink[low[:, 0], high[:, 1]]
            - ink[high[:, 0], low[:, 1]]
            + ink[low[:, 0], low[:, 1]]
        )
        beneath: _Floats = cells / (2 * half[0] / self.cell)
        return beneath
