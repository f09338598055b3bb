"""The figure of a memory profile: bytes over the step, stacked by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from dlfaq.figures.axis_labels import y_label
from dlfaq.figures.line_labels import line_labels
from dlfaq.memory.tracker import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

__all__ = ["draw"]

_COLORS = {
    "parameters": "C0",
    "gradients": "C3",
    "optimizer_state": "C2",
    "activations": "C1",
    "temporaries": "C4",
    "other": "C5",
}
_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "bytes"))
_SHORT = {"optimizer": "step"}
_POINTS = 160  # more are not told apart, and a figure of a large model would weigh a megabyte
_FEW = 20  # rows of a phase that are drawn as stairs
_NARROWEST = 0.1  # share of the width that a phase has at least: the optimizer's calls are few
_HEAD_ROOM = 1.16
_ROOM = 0.075  # share of the peak that a name inside its layer needs
_SEEN = 0.02  # share of the peak below which a layer is not named
_HALF_NAME = 0.2  # share of the width, in a narrow figure

_Floats = npt.NDArray[np.float64]
_Phases: TypeAlias = "Sequence[tuple[str, int]]"


class _Layer(NamedTuple):
    """One kind: its bytes over x, and what lies below."""

    x: _Floats
    floor: _Floats
    bytes: _Floats


def draw(
    timeline: npt.NDArray[np.int64],
    phases: _Phases,
    *,
    peak_bytes: int,
    axes: Axes | None = None,
) -> Axes:
    """Draw bytes over the operations of a step as stacked areas, one colour per kind.

    Buffers, inputs and rounding stand on top of the temporaries, as "other". The phases stand side
    by side, each as wide as its number of operations, the optimizer's wide enough to be read.

    Args:
        timeline: bytes by kind after each operation, (operations, kinds).
        phases: name and first row of each.
        peak_bytes: the most bytes at once.
        axes: where; a new figure's if None.
    """
    if axes is None:
        from matplotlib import pyplot as plt  # noqa: PLC0415 - sets up a window system

        axes = plt.subplots()[1]
    size, unit = next(u for u in _UNITS if peak_bytes >= u[0] or u[0] == 1)
    top = peak_bytes / size
    borders = _borders(phases, len(timeline))
    rows, x = _points(timeline, phases, borders)
    floor = np.zeros(len(x))
    outside = {}
    for kind, stacked in _stack(timeline[rows]).items():
        layer = _Layer(x, floor, stacked / size)
        floor = floor + layer.bytes
        if not stacked.any():
            continue
        color, name = _COLORS[kind], kind.replace("_", " ")
        axes.fill_between(x, layer.floor, floor, color=color, alpha=0.32, linewidth=0)
        edge = np.where(stacked > 0, floor, np.nan)
        (line,) = axes.plot(x, edge, color=color, linewidth=1)
        inside = _name_inside(axes, name, color, layer, room=_ROOM * top)
        if not inside and layer.bytes.max() > _SEEN * top:
            outside[line] = name
    line_labels(axes, outside)
    axes.set_ylim(0, top * _HEAD_ROOM)
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    for (phase, _), left, right in zip(phases, borders[:-1], borders[1:], strict=True):
        axes.axvline(left, color="#c4d3c8", linewidth=0.75, zorder=0)
        label = _SHORT.get(phase, phase)
        axes.text((left + right) / 2, top * 1.09, label, color="#4c5a52", ha="center", va="center")
    axes.set_xlabel("operations of one step, in their order")
    y_label(axes, unit)
    return axes


def _borders(phases: _Phases, operations: int) -> list[float]:
    """Where each phase begins on the axis, from 0 to 1, and the end of the last."""
    starts = [row for _, row in phases]
    lengths = np.diff([*starts, operations]).astype(float)
    widths = np.maximum(lengths, _NARROWEST * lengths.sum())
    borders: list[float] = (np.concatenate([[0], widths.cumsum()]) / widths.sum()).tolist()
    return borders


def _points(
    timeline: npt.NDArray[np.int64], phases: _Phases, borders: list[float]
) -> tuple[npt.NDArray[np.int64], _Floats]:
    """Rows to draw and their places: of each run of rows the one with the most bytes."""
    total = timeline.sum(axis=1)
    run = max(1, len(total) // _POINTS)
    starts = [row for _, row in phases]
    rows, places = [0], [0.0]
    for i, (start, end) in enumerate(zip(starts, [*starts[1:], len(total)], strict=True)):
        width = (borders[i + 1] - borders[i]) / max(1, end - start)
        if end - start <= _FEW:
            for row in range(start, end):
                left = borders[i] + width * (row - start)
                rows += [row, row]
                places += [left, left + width]
            continue
        for piece in np.array_split(np.arange(start, end), (end - start) // run):
            row = int(piece[total[piece].argmax()])
            rows.append(row)
            places.append(borders[i] + width * (row - start))
    return np.array(rows), np.array(places)


def _stack(rows: npt.NDArray[np.int64]) -> dict[str, _Floats]:
    """Bytes of what is stacked, from the floor up, of some rows of the timeline."""
    timeline = rows.astype(float)
    named = [kind for kind in _COLORS if kind in KINDS]
    other = [i for i, kind in enumerate(KINDS) if kind not in named]
    layers = {kind: timeline[:, KINDS.index(kind)] for kind in named}
    return {**layers, "other": timeline[:, other].sum(axis=1)}


def _name_inside(axes: Axes, name: str, color: str, layer: _Layer, *, room: float) -> bool:
    """Write a name inside its layer, where the layer is thick under all of the words."""
    thinnest = np.array(
        [
            layer.bytes[abs(layer.x - middle) <= _HALF_NAME].min()
            if _HALF_NAME <= middle <= 1 - _HALF_NAME
            else 0
            for middle in layer.x
        ]
    )
    best = int(thinnest.argmax())
    if thinnest[best] < room:
        return False
    middle = layer.floor[best] + layer.bytes[best] / 2
    axes.text(layer.x[best], middle, name, color=color, weight="bold", ha="center", va="center")
    return True
