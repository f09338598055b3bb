"""A figure drawn once for each width of the page, as SVG in the page's own colours.

Of the engine, this module alone imports matplotlib; the process of a chain loads it once the chain
has drawn with matplotlib.
"""

from __future__ import annotations

import base64
import io
import re
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib import patheffects
from matplotlib.cbook import is_math_text
from matplotlib.cm import ScalarMappable
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgba
from matplotlib.image import AxesImage
from matplotlib.text import Text
from matplotlib.ticker import AutoLocator, LogFormatterSciNotation, LogLocator, MaxNLocator

from dlfaq.errors import InputError
from dlfaq.execution.drawings import SIZES
from dlfaq.execution.worker.svg import DATA_ID, HALO_ID, cleaned
from dlfaq.writing.numbers import in_powers_of_ten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw", "png"]

_MOST_BYTES = 100 * 1024  # of a drawing, without its images
_MOST_IMAGE_BYTES = 300 * 1024  # of its images, which are as large as they are however many points
_RASTER_DPI = 200  # of an artist with rasterized=True
_Y_TICKS = 3

_IMAGE = re.compile(r"data:image/png;base64,[^\"]+")
_GLYPHS_OF_A_FONT = {"cm", "stix", "stixsans"}  # faces of mathematics whose codes are their own
_TEN = 10

_PNG_DPI = 144  # of a notebook: one and a half pixels for each of the page's
_PLATE = "#eef4ee"  # of the page, in light mode: halos have this colour


def draw(figure: Figure, sizes: Sequence[str]) -> dict[str, str]:
    """Draw a figure once for each size; its own size and axes are as before afterwards.

    Args:
        figure: a matplotlib figure in the house style.
        sizes: keys of `SIZES`. A thumb has no axes.

    Returns:
        SVG by name of the size, its ids waiting for `with_id_prefix`.

    Raises:
        InputError: a drawing takes more than 100 KB.
    """
    drawings = {}
    for size in sizes:
        width_in, height_in = _inches(figure, size)
        svg = cleaned(_saved(figure, width_in, height_in, axes=size != "thumb"))
        _check_bytes(svg, size)
        drawings[size] = svg
    return drawings


def png(figure: Figure) -> str:
    """The wide drawing as PNG in base64, for where no page gives an SVG its colours.

    It is on the paper of a plate; size of the figure as before afterwards.
    """
    _house_ticks(figure)
    before = tuple(figure.get_size_inches())
    written = io.BytesIO()
    figure.set_size_inches(*_inches(figure, "wide"))
    try:
        figure.savefig(
            written, format="png", dpi=_PNG_DPI, facecolor=_PLATE, metadata={"Software": None}
        )
    finally:
        figure.set_size_inches(*before)
    return base64.b64encode(written.getvalue()).decode("ascii")


def _inches(figure: Figure, size: str) -> tuple[float, float]:
    """How large a figure is drawn: as the page has it, but in the proportions that it was given."""
    width, height = SIZES[size]
    own_width, own_height = figure.get_size_inches()
    if size == "thumb" or (own_width, own_height) == SIZES["wide"]:
        return width, height
    proportional = width * own_height / own_width
    # A narrow one keeps some of its height: its axes may stand one above the other.
    return width, max(proportional, min(height, own_height))


def _check_bytes(svg: str, size: str) -> None:
    images = sum(map(len, _IMAGE.findall(svg)))
    for what, got, most, cure in (
        ("lines", len(svg.encode()) - images, _MOST_BYTES, "give the artist rasterized=True"),
        ("images", images, _MOST_IMAGE_BYTES, "make the figure or the image smaller"),
    ):
        if got > most:
            raise InputError(
                expected=f"a figure with at most {most // 1024} KB of {what}",
                got=f"{got / 1024:.0f} KB in size {size}",
                cure=f"draw fewer points, or a mean and a band, or {cure}",
            )


def _saved(figure: Figure, width_in: float, height_in: float, *, axes: bool) -> str:
    """The SVG that matplotlib writes at this size; size, axes and text effects are as before then.

    Args:
        figure: what to draw.
        width_in: width in inches.
        height_in: height in inches.
        axes: whether ticks, labels, grid and titles are drawn.
    """
    _house_ticks(figure)
    before = tuple(figure.get_size_inches())
    # Margins for another size would cut its labels off, where nothing lays the figure out anew.
    bounds = "tight" if width_in < before[0] and figure.get_layout_engine() is None else None
    written = io.StringIO()
    with ExitStack() as restored:
        restored.enter_context(mpl.rc_context({"svg.fonttype": "none"}))
        restored.enter_context(_marked_halos(figure))
        restored.enter_context(_marked_data(figure))
        restored.enter_context(_outlined_formulas(figure))
        if not axes:
            restored.enter_context(_without_axes(figure))
        restored.callback(figure.set_size_inches, *before)
        figure.set_size_inches(width_in, height_in)
        figure.savefig(
            written,
            format="svg",
            dpi=_RASTER_DPI,
            facecolor=_paper(figure),
            metadata={"Date": None},
            bbox_inches=bounds,
        )
    return written.getvalue()


def _house_ticks(figure: Figure) -> None:
    """Where the page left matplotlib's defaults: few y ticks, and powers of ten as plain text.

    No style sheet can say either.
    """
    for axes in figure.axes:
        locator = axes.yaxis.get_major_locator()
        if isinstance(locator, LogLocator) and getattr(locator, "_base", _TEN) == _TEN:
            locator.set_params(numticks=_Y_TICKS)
        for axis, most in ((axes.xaxis, None), (axes.yaxis, _Y_TICKS)):
            if type(axis.get_major_locator()) is AutoLocator:
                axis.set_major_locator(MaxNLocator(most or "auto", steps=[1, 2, 5, 10]))
            formatter = axis.get_major_formatter()
            base = getattr(formatter, "_base", _TEN)
            if type(formatter) is LogFormatterSciNotation and base == _TEN:
                axis.set_major_formatter(_PlainLogFormatter())
                axis.set_minor_formatter(_PlainLogFormatter(labelOnlyBase=False))


class _PlainLogFormatter(LogFormatterSciNotation):
    """0.001, 10⁻⁶ as text: matplotlib places a formula letter by letter, for its own font alone."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return in_powers_of_ten(x, "g") if super().__call__(x, pos) else ""


@contextmanager
def _marked_halos(figure: Figure) -> Iterator[None]:
    """Path effects turn text into outlines; a mark keeps it text and tells svg.py of its halo."""
    texts = [text for text in figure.findobj(Text) if text.get_path_effects()]
    before = [(text, text.get_path_effects(), text.get_gid()) for text in texts]
    for text in texts:
        text.set_path_effects([])
        text.set_gid(HALO_ID + (text.get_gid() or ""))
    try:
        yield
    finally:
        for text, effects, gid in before:
            text.set_path_effects(effects)
            text.set_gid(gid)


def _paper(figure: Figure) -> Any:  # noqa: ANN401 - one of matplotlib's forms of a colour
    """The colour behind a figure: none, unless the page has chosen one."""
    color = to_rgba(figure.get_facecolor())
    return color if color[3] else "none"


@contextmanager
def _marked_data(figure: Figure) -> Iterator[None]:
    """Tell svg.py what is not ink: colours that stand for numbers, and what lies on top of them.

    Of a figure on a paper of its own all colours are meant as they are.
    """
    if _paper(figure) != "none":
        marked = [*figure.axes, *figure.texts, *figure.legends, figure.patch]
    else:
        marked = [one for axes in figure.axes for one in _data_of(axes)]
    before = [(artist, artist.get_gid()) for artist in marked]
    for artist, gid in before:
        artist.set_gid(DATA_ID + (gid or ""))
    try:
        yield
    finally:
        for artist, gid in before:
            artist.set_gid(gid)


def _data_of(axes: Axes) -> list[Artist]:
    """The artists of some axes whose colours stand for numbers, and the words on top of them."""
    mapped = [
        artist
        for artist in (*axes.collections, *axes.images)
        if isinstance(artist, ScalarMappable) and artist.get_array() is not None
    ]
    covers = any(isinstance(artist, (QuadMesh, AxesImage)) for artist in mapped)
    words = [text for text in axes.texts if not text.get_gid()] if covers else []
    return [*mapped, *words]


@contextmanager
def _outlined_formulas(figure: Figure) -> Iterator[None]:
    """Mathematics in a face whose letters have codes of their own: no other font can show it."""
    formulas = [
        text
        for text in figure.findobj(Text)
        if text.get_math_fontfamily() in _GLYPHS_OF_A_FONT and is_math_text(text.get_text())
    ]
    before = [(text, text.get_path_effects()) for text in formulas]
    for text in formulas:
        text.set_path_effects([patheffects.Normal()])
    try:
        yield
    finally:
        for text, effects in before:
            text.set_path_effects(effects)


@contextmanager
def _without_axes(figure: Figure) -> Iterator[None]:
    shown = [axes for axes in figure.axes if axes.axison]
    titles = [
        child
        for axes in figure.axes
        for child in axes.get_children()
        if isinstance(child, Text) and child not in list(axes.texts) and child.get_visible()
    ]
    for axes in shown:
        axes.set_axis_off()
    for title in titles:
        title.set_visible(False)
    try:
        yield
    finally:
        for axes in shown:
            axes.set_axis_on()
        for title in titles:
            title.set_visible(True)
