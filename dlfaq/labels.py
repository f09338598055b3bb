"""Labels on lines, placed when they are drawn: each near its own line and clear of the others.

A label tries a few hundred places along its line, above, below and beside it. The best one has the
least ink of other lines beneath and around it, then the least of its own, then is nearest to the
line and to the line's end. Ink is counted on a grid, so a place costs four look-ups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

__all__ = ["LineLabels"]

_PLATE = "#eef4ee"
_HALO_PT = 3.5
_NARROW_IN = 5.0  # a figure less wide says it in fewer words
_APART_PT = 3.0  # 4 CSS pixels between two labels
_CELL_PT = 2.0
_GAPS_PT = (1.5, 5.0, 10.0)  # between a line and its label
_ALONG = 60  # places tried along a line

# What a place costs, for each label width of ink beneath it, of foreign ink around it, for each
# point of distance, and at the start of the line against its end.
_FOREIGN, _OWN, _AROUND, _DISTANCE, _START = 6.0, 3.0, 0.6, 0.03, 0.5

_Floats = npt.NDArray[np.float64]


class LineLabels(Artist):
    """The labels of an axes; see `dlfaq.figures.line_labels`.

    They take no part in the layout: they are placed inside what it leaves.

    Args:
        ax: the axes of the lines.
        labels: the words of each line, or those for a wide and for a narrow figure.
    """

    zorder = 5

    def __init__(self, ax: Axes, labels: Mapping[Line2D, str | tuple[str, str]]) -> None:
        super().__init__()
        self._ax = ax
        self._figure = ax.get_figure(root=True)
        self._words = dict(labels)
        self._texts = {
            line: Text(
                color=line.get_color(),
                weight="bold",
                ha="center",
                transform=IdentityTransform(),
                figure=self._figure,
                path_effects=[withStroke(linewidth=_HALO_PT, foreground=_PLATE)],
            )
            for line in labels
        }
        self.set_in_layout(False)

    def get_children(self) -> list[Artist]:
        """The texts, so that `findobj` finds them."""
        return list(self._texts.values())

    def draw(self, renderer: RendererBase, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Choose the words, place them and draw them."""
        narrow = bool(self._figure.bbox_inches.width < _NARROW_IN)
        taken = [text.get_window_extent(renderer) for text in self._ax.texts]
        taken += [self._ax.yaxis.label.get_window_extent(renderer)] if self._ax.axison else []
        paper = _Paper(
            self._ax, renderer.points_to_pixels(1.0), top=max((b.y1 for b in taken), default=0)
        )
        for line, words in self._words.items():
            text = self._texts[line]
            text.set_text(words if isinstance(words, str) else words[narrow])
            text.set_position((0, 0))
            extent = text.get_window_extent(renderer)
            centre = paper.best_place(line, extent.width, extent.height, taken)
            text.set_position(tuple(centre - (extent.p0 + extent.p1) / 2))
            text.draw(renderer)
            taken.append(text.get_window_extent(renderer))


class _Paper:
    """Where the lines of an axes run, in pixels and on a grid of small cells."""

    def __init__(self, ax: Axes, pixels_a_point: float, *, top: float) -> None:
        self.scale = pixels_a_point
        self.cell = _CELL_PT * pixels_a_point
        self.box = Bbox([ax.bbox.p0, (ax.bbox.x1, max(ax.bbox.y1, top))])
        self.paths = {line: self._path(line) for line in ax.lines if line.get_visible()}

    def best_place(self, line: Line2D, width: float, height: float, taken: list[Bbox]) -> _Floats:
        """The centre, in pixels, of the best place for a label of this size."""
        path = self.paths[line]
        anchors = path[np.linspace(0, len(path) - 1, _ALONG).astype(int)]
        offsets = [
            (across * width / 2, side * (height / 2 + gap * self.scale))
            for gap in _GAPS_PT
            for side in (1, -1)
            for across in (0, -1, 1)
        ]
        centres = np.array([anchors + offset for offset in offsets]).reshape(-1, 2)
        half = np.array([width, height]) / 2
        # A place over the edge is moved inside.
        centres = np.clip(
            centres, self.box.p0 + half, np.maximum(self.box.p1 - half, self.box.p0 + half)
        )
        colour = to_rgb(line.get_color())
        own = self._ink(
            [path for at, path in self.paths.items() if to_rgb(at.get_color()) == colour]
        )
        foreign = self._ink(
            [path for at, path in self.paths.items() if to_rgb(at.get_color()) != colour]
        )
        ring = half + 8 * self.scale
        along = (anchors[:, 0] - self.box.x0) / self.box.width
        cost = (
            _FOREIGN * self._beneath(foreign, centres, half)
            + _OWN * self._beneath(own, centres, half)
            + _AROUND * self._beneath(foreign, centres, ring)
            + _DISTANCE * self._distance(np.tile(anchors, (len(offsets), 1)), centres, half)
            + _START * np.tile(1 - along, len(offsets))
        )
        apart = half + _APART_PT * self.scale
        for other in taken:
            overlaps = (centres + apart > other.p0).all(1) & (centres - apart < other.p1).all(1)
            cost[overlaps] += 1000
        best: _Floats = centres[int(np.argmin(cost))]
        return best

    def _path(self, line: Line2D) -> _Floats:
        """Points at most a cell apart along a line, inside the axes, shape (n, 2)."""
        vertices = line.get_transform().transform(line.get_path().vertices)
        vertices = vertices[np.isfinite(vertices).all(axis=1)]
        run = np.concatenate([[0], np.hypot(*np.diff(vertices, axis=0).T).cumsum()])
        at = np.linspace(0, run[-1], int(run[-1] / self.cell) + 2)
        points = np.stack([np.interp(at, run, vertices[:, i]) for i in (0, 1)], axis=1)
        inside = ((points >= self.box.p0) & (points <= self.box.p1)).all(axis=1)
        return points[inside]

    def _ink(self, paths: list[_Floats]) -> _Floats:
        """Summed-area table of the cells that the paths cross."""
        columns, rows = (int(side / self.cell) + 1 for side in self.box.size)
        grid = np.zeros((columns + 1, rows + 1))
        for path in paths:
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
