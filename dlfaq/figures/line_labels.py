"""Names of lines beside the lines, instead of a legend.

    figure, ax = plt.subplots()
    (line,) = ax.plot(steps, weights)
    line_labels(ax, {line: ("without zero_grad(): swings for ever", "without: swings")})
    y_label(ax, "weight w")

A page draws a figure once, and the engine saves it at several widths. So a label finds its place,
and its words, at the moment it is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlfaq.errors import InputError
from dlfaq.figures.labels import LineLabels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from dlfaq.figures.labels import Words

__all__ = ["line_labels"]


def line_labels(ax: Axes, labels: Mapping[Line2D, Words]) -> None:
    """Name lines where they run, in their own colour, instead of in a legend.

    Each label is placed when the figure is drawn: near its line, towards the line's end, away from
    what other colours draw, and never on another label. Several calls add up.

    Args:
        ax: the axes of the lines.
        labels: for each line its words, or two versions: for a wide and for a narrow figure (less
            than 5 inches wide).

    Raises:
        InputError: a line is not in these axes.

    Example:
        >>> _, ax = plt.subplots()
        >>> (line,) = ax.plot([0, 1], [1, 0.5])
        >>> line_labels(ax, {line: ("with zero_grad()", "zeroed")})
        >>> line.get_label()
        'with zero_grad()'
    """
    strangers = [line for line in labels if line not in list(ax.lines)]
    if strangers:
        raise InputError(
            expected="lines of these axes",
            got=", ".join(map(repr, strangers)),
            cure="label each line in the axes that drew it",
        )
    drawn = next((artist for artist in ax.artists if isinstance(artist, LineLabels)), None)
    if drawn is None:  # one for all, since labels keep clear of each other
        drawn = LineLabels(ax)
        ax.add_artist(drawn)
    drawn.add(labels)
    for line, words in labels.items():
        line.set_label(words if isinstance(words, str) else words[0])  # for whoever asks the line
