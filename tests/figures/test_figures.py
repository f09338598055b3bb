"""House-style helpers: where labels land, which words they choose, what replicates draw."""

from __future__ import annotations

import io
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import same_color
from matplotlib.text import Text

from dlfaq.errors import InputError
from dlfaq.figures.axis_labels import y_label
from dlfaq.figures.labels import LineLabels
from dlfaq.figures.line_labels import line_labels
from dlfaq.figures.replicates import replicates
from dlfaq.figures.states import states

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.transforms import Bbox

STYLE = Path(__file__).parents[2] / "dlfaq" / "figures" / "house.mplstyle"
SIZES = {"wide": (7.08, 3.1), "narrow": (3.42, 3.0), "thumb": (2.75, 1.25)}


@pytest.fixture(autouse=True)
def _house_style() -> Iterator[None]:
    plt.switch_backend("Agg")
    with plt.style.context(STYLE):
        yield
    plt.close("all")


def placed(figure, size="wide") -> dict[str, Bbox]:
    """Extent of each label in points, drawn as the engine draws."""
    figure.set_size_inches(*SIZES[size])
    figure.savefig(io.BytesIO(), format="svg")
    figure.set_dpi(72)
    figure.canvas.draw()
    [labels] = figure.findobj(LineLabels)
    renderer = figure.canvas.get_renderer()
    return {text.get_text(): text.get_window_extent(renderer) for text in labels.get_children()}


def gap(a, b) -> float:
    """The larger of the distances across and up between two boxes."""
    across = max(a.x0, b.x0) - min(a.x1, b.x1)
    up = max(a.y0, b.y0) - min(a.y1, b.y1)
    return max(across, up)


@pytest.fixture
def rivals():
    """Five lines that end close to each other."""
    figure, ax = plt.subplots()
    x = np.linspace(0, 1, 50)
    lines = [ax.plot(x, x**power)[0] for power in (0.5, 0.8, 1, 1.5, 3)]
    line_labels(ax, {line: (f"power of number {i}", f"number {i}") for i, line in enumerate(lines)})
    y_label(ax, "value")
    return figure


@pytest.mark.parametrize("size", SIZES)
def test_labels_keep_apart_and_inside(rivals, size) -> None:
    boxes = placed(rivals, size)
    assert len(boxes) == 5
    for a, b in combinations(boxes.values(), 2):
        assert gap(a, b) >= 3  # points: 4 CSS pixels
    page = rivals.bbox
    for box in boxes.values():
        assert page.x0 <= box.x0 <= box.x1 <= page.x1
        assert page.y0 <= box.y0 <= box.y1 <= page.y1


def test_label_avoids_the_other_line_and_stays_near_its_own() -> None:
    figure, ax = plt.subplots()
    (flat,) = ax.plot([0, 1], [0, 0], color="C0")
    ax.plot([0.5, 0.5, 1], [0, 0.2, 0.2], color="C1")  # above the end of `flat`
    ax.set_ylim(-1, 1)
    line_labels(ax, {flat: "flat"})
    box = placed(figure)["flat"]
    line_y = ax.transData.transform((0, 0))[1]
    assert box.y1 < line_y or box.x1 < ax.transData.transform((0.5, 0))[0]
    assert min(abs(box.y0 - line_y), abs(box.y1 - line_y)) < 6


def test_label_prefers_the_end_of_its_line() -> None:
    figure, ax = plt.subplots()
    (line,) = ax.plot([0, 1], [0, 0])
    line_labels(ax, {line: "end"})
    assert placed(figure)["end"].x1 > 0.9 * 510


def test_label_keeps_off_its_own_line() -> None:
    figure, ax = plt.subplots()
    x = np.linspace(0, 1, 400)
    (line,) = ax.plot(x, np.where(x < 0.5, 0, np.sign(np.sin(300 * x))))
    line_labels(ax, {line: "noisy"})
    assert placed(figure)["noisy"].x1 < ax.transData.transform((0.51, 0))[0]


def test_label_uses_the_room_beside_the_name_of_the_axis() -> None:
    figure, ax = plt.subplots()
    (line,) = ax.plot([0, 1], [0.99, 0.99], color="C0")
    ax.plot([0, 1], [0.9, 0.9], color="C1")
    ax.set_ylim(0, 1)
    y_label(ax, "value")
    line_labels(ax, {line: "on top"})
    box = placed(figure)["on top"]
    assert box.y0 > ax.transData.transform((0, 0.99))[1]
    assert box.y1 <= figure.bbox.y1


def test_label_of_the_middle_line_is_not_above_the_upper_one() -> None:
    figure, (ax, _) = plt.subplots(1, 2)
    layers = np.arange(1, 9)
    upper, middle, lower = (
        ax.plot(layers, base ** (0.4 * (8 - layers)))[0] for base in (0.97, 0.5, 0.12)
    )
    ax.set_yscale("log")
    ax.set_ylim(1e-7, 3)
    y_label(ax, "δ")
    line_labels(ax, {lower: "sigmoid", middle: "tanh", upper: "ReLU, He"})
    assert placed(figure, "narrow")["tanh"].y0 < ax.transData.transform((1, 1))[1]


def test_label_is_crossed_by_nothing_where_it_fits_in_between() -> None:
    figure, ax = plt.subplots()
    (line,) = ax.plot([0, 1], [0, 0], color="C0")
    crossings = [ax.axvline(x, color="C1") for x in np.linspace(0, 1, 7)]
    line_labels(ax, {line: "in between"})
    box = placed(figure)["in between"]
    assert not any(
        box.x0 < ax.transData.transform((c.get_xdata()[0], 0))[0] < box.x1 for c in crossings
    )


@pytest.mark.parametrize("size", SIZES)
def test_label_stays_near_its_line_even_where_others_cross_it(size) -> None:
    figure, ax = plt.subplots()
    x = np.linspace(0, 80, 400)
    (settles,) = ax.plot(x, 0.9**x, color="C0")
    ax.plot(x, np.cos(2 * np.pi * x / 20), color="C1")
    ax.set_ylim(-1.5, 1.5)
    line_labels(ax, {settles: ("with zero_grad(): settles at 0", "with: settles at 0")})
    [box] = placed(figure, size).values()
    path = ax.transData.transform(np.stack([x, 0.9**x], axis=1))
    away = np.maximum(np.maximum(box.p0 - path, path - box.p1), 0)
    assert np.hypot(*away.T).min() < 5


def test_words_for_a_wide_and_a_narrow_figure() -> None:
    figure, ax = plt.subplots()
    (line,) = ax.plot([0, 1], [0, 1])
    line_labels(ax, {line: ("without zero_grad()", "without")})
    assert list(placed(figure, "wide")) == ["without zero_grad()"]
    assert list(placed(figure, "narrow")) == ["without"]
    assert list(placed(figure, "thumb")) == ["without"]


def test_labels_have_the_colour_of_their_line_and_a_halo() -> None:
    figure, ax = plt.subplots()
    (line,) = ax.plot([0, 1], [0, 1], color="C3")
    line_labels(ax, {line: "word"})
    placed(figure)
    [text] = [text for text in figure.findobj(Text) if text.get_text() == "word"]
    assert same_color(text.get_color(), "#b05ac8")
    assert text.get_weight() == "bold"
    assert text.get_path_effects()


def test_labels_keep_off_notes_and_the_name_of_the_axis() -> None:
    figure, ax = plt.subplots()
    (line,) = ax.plot([0, 1], [1, 1])
    ax.set_ylim(0, 1)
    y_label(ax, "a rather long name of the y axis that takes most of the width of it")
    note = ax.text(0.7, 0.85, "a note that stands in the way")
    line_labels(ax, {line: "top"})
    box = placed(figure)["top"]
    renderer = figure.canvas.get_renderer()
    for other in (note, ax.yaxis.label):
        assert gap(box, other.get_window_extent(renderer)) >= 3


def test_same_place_each_time(rivals) -> None:
    first = {words: box.bounds for words, box in placed(rivals).items()}
    placed(rivals, "narrow")
    assert {words: box.bounds for words, box in placed(rivals).items()} == first


@pytest.mark.parametrize(
    "y", [[np.nan, np.nan], [5, 6]], ids=["a line of NaN", "a line out of the axes"]
)
def test_line_that_is_not_seen_has_no_label(y) -> None:
    figure, ax = plt.subplots()
    (line,) = ax.plot([0, 1], y)
    ax.set_ylim(0, 1)
    line_labels(ax, {line: "ghost"})
    assert list(placed(figure)) == [""]


def test_hidden_line_has_no_label_and_takes_no_room() -> None:
    figure, ax = plt.subplots()
    (hidden,) = ax.plot([0, 1], [0, 1], visible=False)
    (line,) = ax.plot([0, 1], [0, 1])
    line_labels(ax, {hidden: "ghost", line: "seen"})
    assert sorted(placed(figure)) == ["", "seen"]


def test_line_with_a_gap_is_labelled() -> None:
    figure, ax = plt.subplots()
    (line,) = ax.plot([0, 1, 2], [0, np.nan, 1])
    line_labels(ax, {line: "gap"})
    assert list(placed(figure)) == ["gap"]


def test_line_of_other_axes_is_refused() -> None:
    _, (left, right) = plt.subplots(1, 2)
    (line,) = left.plot([0, 1], [0, 1])
    with pytest.raises(InputError, match="expected lines of these axes"):
        line_labels(right, {line: "word"})


def test_replicates_are_thin_and_their_mean_bold() -> None:
    _, ax = plt.subplots()
    runs = np.array([[1.0, 2.0, np.nan], [3.0, 6.0, 5.0]])
    mean = replicates(ax, [0, 1, 2], runs, color="C1", marker="s")
    thin = [line for line in ax.lines if line is not mean]
    np.testing.assert_array_equal(mean.get_ydata(), [2, 4, np.nan])
    np.testing.assert_array_equal([line.get_ydata() for line in thin], runs)
    assert {line.get_linewidth() for line in thin} == {0.7}
    assert mean.get_linewidth() == 2.4
    assert mean.get_marker() == "s"
    assert all(same_color(line.get_color(), "#d9500a") for line in ax.lines)


def test_replicates_take_the_next_colour_and_marker_of_their_axes() -> None:
    _, ax = plt.subplots()
    runs = np.ones((2, 3))
    first = replicates(ax, range(3), runs)
    ax.plot(range(3))  # takes the second colour
    third = replicates(ax, range(3), runs)
    assert [first.get_marker(), third.get_marker()] == ["o", "^"]
    assert same_color(first.get_color(), "#1a56b0")
    assert same_color(third.get_color(), "#0c8f6d")
    thin = [line for line in ax.lines if line.get_linewidth() == 0.7]
    assert [same_color(line.get_color(), first.get_color()) for line in thin] == [True] * 2 + [
        False
    ] * 2
    _, other = plt.subplots()
    assert replicates(other, range(3), runs).get_marker() == "o"


def test_a_colour_that_is_given_has_the_marker_that_is_given_or_none() -> None:
    _, ax = plt.subplots()
    runs = np.ones((2, 3))
    assert replicates(ax, range(3), runs, color="C1").get_marker() == ""
    assert replicates(ax, range(3), runs, marker="v").get_marker() == "v"


def test_a_long_line_has_few_markers() -> None:
    _, ax = plt.subplots()
    assert replicates(ax, range(400), np.ones((2, 400))).get_markevery() == 34
    assert replicates(ax, range(12), np.ones((2, 12))).get_markevery() == 1


def test_replicates_label_themselves_and_several_share_one_artist() -> None:
    figure, ax = plt.subplots()
    for height, words in enumerate([("the first of all", "first"), "second"]):
        replicates(ax, range(3), np.full((2, 3), height), label=words)
    (line,) = ax.plot(range(3))
    line_labels(ax, {line: "third"})
    boxes = placed(figure, "narrow")  # which finds one artist, or fails
    assert list(boxes) == ["first", "second", "third"]
    for a, b in combinations(boxes.values(), 2):
        assert gap(a, b) >= 3


class TestStates:
    def test_each_artist_of_a_state_has_its_name_and_value_percent_encoded(self) -> None:
        figure, ax = plt.subplots()
        mean = replicates(ax, range(3), np.ones((2, 3)))
        thin = [line for line in ax.lines if line is not mean]
        (other,) = ax.plot(range(3))
        states(ax, "learning rate: η", {0.1: [mean, *thin], "a b": other})
        gid = "state:learning%20rate%3A%20%CE%B7:0.1"
        assert [line.get_gid() for line in (mean, *thin)] == [gid] * 3
        assert other.get_gid() == "state:learning%20rate%3A%20%CE%B7:a%20b"
        file = io.StringIO()
        figure.savefig(file, format="svg")
        assert f'id="{gid}"' in file.getvalue()

    @pytest.mark.parametrize(
        ("drawn", "message"),
        [
            ({}, "a name and at least one state; got 'rate' and 0 states"),
            ({0.1: []}, r"artists of these axes for the state 0\.1; got \[\]"),
            ({0.1: ["line"]}, r"artists of these axes for the state 0\.1; got \['line'\]"),
            ({0.1: plt.Line2D([0], [0])}, r"for the state 0\.1; got <.*Line2D.*; pass the line"),
        ],
        ids=["none", "no artist", "a word", "a stranger"],
    )
    def test_what_shows_no_state_is_refused(self, drawn, message) -> None:
        _, ax = plt.subplots()
        with pytest.raises(InputError, match=message):
            states(ax, "rate", drawn)

    def test_a_state_needs_a_name(self) -> None:
        _, ax = plt.subplots()
        with pytest.raises(InputError, match="got '' and 1 states"):
            states(ax, "", {0.1: ax.plot([0, 1])[0]})


@pytest.mark.parametrize("shape", [(3,), (4, 2), (2, 3, 1)], ids=str)
def test_replicates_of_another_shape_are_refused(shape) -> None:
    _, ax = plt.subplots()
    with pytest.raises(InputError, match=r"expected x of shape \(n,\)"):
        replicates(ax, [0, 1, 2], np.zeros(shape))


@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_y_label_is_level_above_the_axes_and_below_the_title(size) -> None:
    figure, ax = plt.subplots()
    ax.set_title("a panel")
    y_label(ax, "weight w")
    figure.set_size_inches(*SIZES[size])
    figure.set_dpi(72)
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    label = ax.yaxis.label.get_window_extent(renderer)
    title = next(t for t in figure.findobj(Text) if t.get_text() == "a panel")
    assert label.x0 == pytest.approx(ax.bbox.x0, abs=1)
    assert label.height < label.width
    assert ax.bbox.y1 < label.y0 < label.y1 < title.get_window_extent(renderer).y0
    assert label.y1 < figure.bbox.y1


def test_y_label_without_a_title_is_inside_the_figure() -> None:
    figure, ax = plt.subplots()
    y_label(ax, "weight w")
    figure.set_dpi(72)
    figure.canvas.draw()
    extent = ax.yaxis.label.get_window_extent(figure.canvas.get_renderer())
    assert extent.y1 <= figure.bbox.y1
