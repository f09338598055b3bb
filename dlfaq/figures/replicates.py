"""Runs as thin lines and their mean as a bold one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.colors import same_color

from dlfaq.errors import InputError
from dlfaq.figures.line_labels import line_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from dlfaq.figures.labels import Words

__all__ = ["replicates"]

_MARKERS = ("o", "s", "^", "D", "v", "P")
_MOST_MARKERS = 12  # more of them hide the line


def replicates(
    ax: Axes,
    x: npt.ArrayLike,
    runs: npt.ArrayLike,
    *,
    label: Words | None = None,
    color: str | None = None,
    marker: str | None = None,
) -> Line2D:
    """Draw each run as a thin line and their mean as a bold one, which is returned.

    Args:
        ax: where to draw.
        x: shape (n,), what the runs share.
        runs: shape (replicas, n). Where a run is NaN its line has a gap, and so has the mean.
        label: words that name the runs beside their mean, or those for a wide and for a narrow
            figure; see `line_labels`.
        color: the next of the axes if left out. "C0" is the usual or correct arm, "C1" the other.
        marker: matplotlib's marker of the mean; if left out, the one that goes with the next
            colour, or none beside a colour that is given.

    Raises:
        InputError: `runs` has another shape.

    Example:
        >>> _, ax = plt.subplots()
        >>> for name in ("zeroed", "never zeroed"):
        ...     mean = replicates(ax, range(3), np.random.rand(16, 3), label=(name, name[:5]))
    """
    points, lines = np.asarray(x), np.asarray(runs, dtype=float)
    if lines.ndim != 2 or points.shape != lines.shape[1:]:  # noqa: PLR2004
        raise InputError(
            expected="x of shape (n,) and runs of shape (replicas, n)",
            got=f"{points.shape} and {lines.shape}",
            cure="stack the runs with the replicas first",
        )
    # The mean comes first, since it takes the next colour of the axes where none is given.
    (mean,) = ax.plot(points, lines.mean(axis=0), color=color, linewidth=2.4, zorder=3)
    if marker is None:
        marker = _marker_of(mean) if color is None else ""
    mean.set_marker(marker)
    mean.set_markevery(-(-len(points) // _MOST_MARKERS))
    ax.plot(points, lines.T, color=mean.get_color(), linewidth=0.7, alpha=0.32, zorder=2)
    if label is not None:
        line_labels(ax, {mean: label})
    return mean


def _marker_of(line: Line2D) -> str:
    """The marker that goes with a colour of the cycle, so that print and colour-blind readers see.

    Lines that others drew took their colours too, so the number of calls does not tell.
    """
    cycle = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
    same = (i for i, one in enumerate(cycle) if same_color(one, line.get_color()))
    return _MARKERS[next(same, 0) % len(_MARKERS)]
