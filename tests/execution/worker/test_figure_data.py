"""What a figure shows, as a table: the numbers that were drawn, under the names that they had."""

from __future__ import annotations

import csv
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest

from dlfaq import line_labels, replicates, states
from dlfaq.execution.worker.figure_data import figure_data


@pytest.fixture
def ax():
    """Axes of a figure that is closed at the end."""
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def table(ax) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(figure_data(ax.figure))))


def test_runs_are_numbered_under_the_name_of_their_mean(ax):
    x, runs = [0, 1], np.array([[1.0, 2.0], [3.0, 5.0]])
    mean = replicates(ax, x, runs)
    line_labels(ax, {mean: ("with noise, in words", "noise")})
    assert table(ax) == [
        {"kind": "line", "series": "with noise, in words", "line": line, "x": x, "y": y}
        for line, x, y in (
            ("", "0", "2"),
            ("", "1", "3.5"),
            ("1", "0", "1"),
            ("1", "1", "2"),
            ("2", "0", "3"),
            ("2", "1", "5"),
        )
    ]


def test_numbers_have_seven_digits_and_gaps_are_left_out(ax):
    ax.plot([0, 1, 2], [1 / 3, np.nan, 2e-9], label="a")
    assert table(ax) == [
        {"kind": "line", "series": "a", "x": "0", "y": "0.3333333"},
        {"kind": "line", "series": "a", "x": "2", "y": "2e-09"},
    ]


def test_a_state_of_a_sweep_is_a_name(ax):
    states(ax, "learning rate", {0.1: ax.plot([0, 1], [1, 2])[0]})
    assert {row["series"] for row in table(ax)} == {"learning rate 0.1"}


def test_places_on_an_axis_of_powers_are_the_numbers_themselves(ax):
    ax.loglog([1, 10], [0.01, 100], label="a")
    assert [(row["x"], row["y"]) for row in table(ax)] == [("1", "0.01"), ("10", "100")]


def test_a_line_across_the_axes_is_its_place_alone(ax):
    ax.axhline(0.5)
    ax.axvline(3)
    assert [{key: row[key] for key in ("kind", "x", "y")} for row in table(ax)] == [
        {"kind": "line", "x": "", "y": "0.5"},
        {"kind": "line", "x": "3", "y": ""},
    ]


def test_bars_have_their_middle_their_length_and_the_words_of_the_axis(ax):
    ax.barh([0, 1], [3, 4], left=[0, 2], label="cost")
    ax.set_yticks([0, 1], ["SGD", "Adam"])
    assert table(ax) == [
        {"kind": "bar", "series": "cost", "x": x, "y": y, "y_name": name, "x2": x2}
        for x, y, name, x2 in (("3", "0", "SGD", ""), ("6", "1", "Adam", "2"))
    ]


def test_points_side_by_side_have_the_name_that_is_nearest(ax):
    ax.plot([-0.2, 0.2, 0.8], [5, 6, 7], "o")
    ax.hlines(8, 0.65, 1.35)
    ax.set_xticks([0, 1], ["3×3", "no name"])
    names = [(row["x"], row["x_name"]) for row in table(ax)]
    assert sorted(names) == [
        ("-0.2", "3×3"),
        ("0.2", "3×3"),
        ("0.65", "no name"),
        ("0.8", "no name"),
    ]


@pytest.mark.parametrize("label", ["0.1", "1,000", "10⁻³", "−5", "50 %", "1e-3", "3×", ""])
def test_a_number_on_an_axis_is_no_name(ax, label):
    ax.plot([0, 1], [0, 1])
    ax.set_xticks([0, 1], [label, label])
    assert "x_name" not in table(ax)[0]


def test_a_word_at_one_place_of_a_scale_names_that_place_alone(ax):
    ax.plot([0, 0.3, 0.5], [1, 2, 3])
    ax.set_xticks([0, 0.5], ["start", "half way"])
    assert [row["x_name"] for row in table(ax)] == ["start", "", "half way"]


def test_a_band_has_both_its_edges(ax):
    ax.fill_between([0, 1, 2], [1, 2, 3], [4, 6, 8], label="95 %")
    assert [tuple(row.values()) for row in table(ax)] == [
        ("band", "95 %", "0", "1", "4"),
        ("band", "95 %", "1", "2", "6"),
        ("band", "95 %", "2", "3", "8"),
    ]


def test_an_interval_is_a_point_and_a_segment(ax):
    ax.errorbar([1], [2], yerr=[[0.5], [1]], fmt="o", capsize=3)
    assert [tuple(row.values())[:1] + tuple(row.values())[-4:] for row in table(ax)] in (
        [("segment", "1", "1.5", "1", "3"), ("points", "1", "2", "", "")],
        [("points", "1", "2", "", ""), ("segment", "1", "1.5", "1", "3")],
    )


def test_points_and_cells_have_the_values_of_their_colours(ax):
    ax.scatter([1, 2], [3, 4], c=[0.5, 0.25])
    ax.imshow([[1, 2], [3, 4]])
    assert [tuple(row.values()) for row in table(ax)] == [
        ("points", "1", "3", "0.5"),
        ("points", "2", "4", "0.25"),
        ("cell", "0", "0", "1"),
        ("cell", "1", "0", "2"),
        ("cell", "0", "1", "3"),
        ("cell", "1", "1", "4"),
    ]


def test_the_cells_of_a_mesh_lie_between_its_edges(ax):
    ax.pcolormesh([0, 2, 4], [0, 1], [[5, 6]])
    assert [tuple(row.values()) for row in table(ax)] == [
        ("cell", "1", "0.5", "5"),
        ("cell", "3", "0.5", "6"),
    ]


def test_several_axes_are_told_apart_by_their_names_and_a_colour_bar_is_none():
    figure, (left, right, third) = plt.subplots(1, 3)
    left.set_ylabel("loss")
    right.set_ylabel("loss")
    third.set_title("Third", loc="left")
    for axes in (left, right):
        axes.plot([0], [1])
    figure.colorbar(third.scatter([0], [1], c=[2]))
    found = list(csv.DictReader(io.StringIO(figure_data(figure))))
    plt.close(figure)
    assert [row["axes"] for row in found] == ["loss (1)", "loss (2)", "Third"]


def test_text_and_what_is_hidden_are_no_data(ax):
    ax.text(0, 0, "words")
    ax.annotate("there", (0, 0), (1, 1), arrowprops={})
    ax.plot([0], [1])[0].set_visible(False)
    assert figure_data(ax.figure) == ""
