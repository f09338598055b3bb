"""Every measured state of a sweep in one figure, each marked so that a page can show one at a time.

The mark is the id of an artist, which matplotlib writes into SVG: `state:NAME:VALUE`, where name
and value are percent-encoded, so that neither holds a colon. All artists of a state share its id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote

from matplotlib.artist import Artist

from dlfaq.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

__all__ = ["states"]

Drawn: TypeAlias = "Artist | Sequence[Artist]"


def states(ax: Axes, name: str, drawn: Mapping[object, Drawn]) -> None:
    """Say which artists show which state of a sweep, for a slider over the states.

    Everything is drawn once, at build time; the slider only chooses what is shown, and without one
    all states are seen.

    Args:
        ax: the axes of the artists.
        name: what is swept, as readers call it, such as "learning rate".
        drawn: by the value of a state, in the order of the slider, what shows it: an artist, or a
            list of them, such as a mean with its thin lines.

    Raises:
        InputError: no name or no state, or what shows a state is not an artist of these axes.

    Example:
        >>> _, ax = plt.subplots()
        >>> lines = {rate: ax.plot([0, 1], [1, rate])[0] for rate in (0.1, 0.3)}
        >>> states(ax, "learning rate", lines)
        >>> lines[0.1].get_gid()
        'state:learning%20rate:0.1'
    """
    if not name or not drawn:
        raise InputError(
            expected="a name and at least one state",
            got=f"{name!r} and {len(drawn)} states",
            cure='write states(ax, "learning rate", {0.1: line, 0.3: other})',
        )
    for value, shown in drawn.items():
        artists = [shown] if isinstance(shown, Artist) else [*shown]
        if not artists or not all(artist in ax.get_children() for artist in artists):
            raise InputError(
                expected=f"artists of these axes for the state {value!r}",
                got=repr(shown),
                cure="pass the line that ax.plot or replicates gave, or a list of such lines",
            )
        for artist in artists:
            artist.set_gid(f"state:{quote(name, safe='')}:{quote(str(value), safe='')}")
