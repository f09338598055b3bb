"""What a figure of the house style needs beyond matplotlib: runs with their mean, labels on lines.

    figure, ax = plt.subplots()
    mean = replicates(ax, steps, weights, color="C1")
    line_labels(ax, {mean: ("without zero_grad(): swings for ever", "without: swings")})
    y_label(ax, "weight w")

A page draws a figure once, and the engine saves it at several widths. So a label finds its place,
and its words, at the moment it is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.transforms import offset_copy

from dlfaq.errors import InputError
from dlfaq.figures.labels import LineLabels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["line_labels", "replicates", "y_label"]

_TITLE_PAD_PT = 22.0  # a title stands above the y label


def replicates(
    ax: Axes, x: npt.ArrayLike, runs: npt.ArrayLike, *, color: str = "C0", marker: str = ""
) -> Line2D:
    """Draw each run as a thin line and their mean as a bold one, which is returned.

    Args:
        ax: where to draw.
        x: shape (n,), what the runs share.
        runs: shape (replicas, n). Where a run is NaN its line has a gap, and so has the mean.
        color: "C0" is the usual or correct arm, "C1" the other.
        marker: matplotlib's marker of the mean; beyond two arms each has its own.

    Raises:
        InputError: `runs` has another shape.
    """
    points, lines = np.asarray(x), np.asarray(runs, dtype=float)
    if lines.ndim != 2 or points.shape != lines.shape[1:]:  # noqa: PLR2004
        raise InputError(
            expected="x of shape (n,) and runs of shape (replicas, n)",
            got=f"{points.shape} and {lines.shape}",
            cure="stack the runs with the replicas first",
        )
    ax.plot(points, lines.T, color=color, linewidth=0.7, alpha=0.32, zorder=2)
    (mean,) = ax.plot(
        points, lines.mean(axis=0), color=color, linewidth=2.4, marker=marker, zorder=3
    )
    return mean


def y_label(ax: Axes, text: str) -> None:
    """Name the y axis where one reads it: level, above its top left corner.

    A title of the axes moves up to make room; set it before.
    """
    ax.set_ylabel(text, rotation=0, ha="left", va="bottom")
    above = offset_copy(ax.transAxes, ax.get_figure(root=True), y=7, units="points")
    ax.yaxis.set_label_coords(0, 1, transform=above)
    ax.set_title(ax.get_title(loc="left"), loc="left", pad=_TITLE_PAD_PT)


def line_labels(ax: Axes, labels: Mapping[Line2D, str | tuple[str, str]]) -> None:
    """Name lines where they run, in their own colour, instead of in a legend.

    Each label is placed when the figure is drawn: near its line, towards the line's end, away from
    what other colours draw, and never on another label.

    Args:
        ax: the axes of the lines.
        labels: for each line its words, or two versions: for a wide and for a narrow figure (less
            than 5 inches wide).

    Raises:
        InputError: a line is not in these axes.
    """
    strangers = [line for line in labels if line not in list(ax.lines)]
    if strangers:
        raise InputError(
            expected="lines of these axes",
            got=", ".join(map(repr, strangers)),
            cure="label each line in the axes that drew it",
        )
    ax.add_artist(LineLabels(ax, labels))
