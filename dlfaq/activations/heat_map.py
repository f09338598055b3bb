"""A layer's outputs over training as a heat map that leaves nothing out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dlfaq.training.history import Floats

__all__ = ["heat_map"]

_BAND = 0.08  # height of what lies outside of the limits, as a share of what lies inside
_FAINTEST = 0.15  # opacity of a single output: to be seen beside an empty place
_COLOUR = "C0"


def heat_map(
    ax: Axes, steps: Floats, every: int, counts: Floats, edges: Floats, *, most: float
) -> None:
    """Draw how many outputs fell where, a column per step.

    Colours are logarithmic in the count, from one output to `most`, which is to be the same for all
    layers that are compared: heat maps with a scale each look alike whatever they hold. What lies
    outside of the limits has a band below and one above, and NaN one at the top if there is any. A
    step that was not recorded stays empty.

    Args:
        ax: where to draw.
        steps: numbers of the recorded steps, (steps,).
        every: distance between two of them.
        counts: (steps, bins + 3): below the limits, the bins, above, NaN.
        edges: of the bins, (bins + 1,).
        most: the count with the full colour.
    """
    # A page that only records does not load matplotlib for it.
    from matplotlib.colors import LinearSegmentedColormap, LogNorm, to_rgb  # noqa: PLC0415

    has_nan = bool(counts[:, -1].any())
    rows = counts if has_nan else counts[:, :-1]
    low, high = float(edges[0]), float(edges[-1])
    band = _BAND * (high - low)
    outside = [high + band, high + 2 * band] if has_nan else [high + band]
    heights = np.concatenate([[low - band], edges, outside])

    columns = np.arange(steps[0], steps[-1] + every, every)
    image = np.full((rows.shape[1], len(columns)), np.nan)
    image[:, ((steps - steps[0]) // every).astype(int)] = rows.T
    rgb = to_rgb(_COLOUR)
    # One colour and more of it where there is more reads on a light and on a dark page.
    colours = LinearSegmentedColormap.from_list("more of it", [(*rgb, _FAINTEST), (*rgb, 1.0)])
    ax.pcolormesh(
        np.append(columns, columns[-1] + every) - every / 2,
        heights,
        np.ma.masked_where(~(image > 0), image),
        cmap=colours,
        norm=LogNorm(1, max(most, 2.0)),
        rasterized=True,
    )
    ax.grid(visible=False)
    for edge in (low, high, *([high + band] if has_nan else [])):
        ax.axhline(edge, color="black", linewidth=0.8, linestyle=":")
    inside = [tick for tick in ax.get_yticks() if low < tick < high]
    names = {low - band / 2: f"below {low:g}", high + band / 2: f"above {high:g}"}
    if has_nan:
        names[high + 1.5 * band] = "NaN"
    ax.set_yticks([*inside, *names], [*(f"{tick:g}" for tick in inside), *names.values()])
    ax.set_ylim(low - band, heights[-1])
    ax.set_xlabel("step")
