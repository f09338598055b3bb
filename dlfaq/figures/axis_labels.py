"""The name of the y axis, level and above the axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.transforms import offset_copy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["y_label"]

_TITLE_PAD_PT = 22.0  # a title stands above the y label


def y_label(ax: Axes, text: str) -> None:
    """Name the y axis where one reads it: level, above its top left corner.

    A title of the axes moves up to make room; set it before.

    Example:
        >>> _, ax = plt.subplots()
        >>> y_label(ax, "test accuracy")
        >>> ax.get_ylabel()
        'test accuracy'
    """
    ax.set_ylabel(text, rotation=0, ha="left", va="bottom")
    above = offset_copy(ax.transAxes, ax.get_figure(root=True), y=7, units="points")
    ax.yaxis.set_label_coords(0, 1, transform=above)
    ax.set_title(ax.get_title(loc="left"), loc="left", pad=_TITLE_PAD_PT)
