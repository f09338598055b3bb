"""Tables as text and as HTML."""

from __future__ import annotations

from dlfaq.writing.tables import html_table, text_table


def test_names_stand_left_and_numbers_right():
    table = text_table(["layer", "mean", "std"], [["relu", "0.4", "12"], ["conv2d", "1", "3"]])
    assert table.split("\n") == [
        "layer   mean  std",
        "relu     0.4   12",
        "conv2d     1    3",
    ]


def test_a_long_cell_goes_on_below_and_its_neighbours_do_not():
    rows = [["one two three four", "yes"], ["", "no"]]
    table = text_table(["claim", "holds"], rows, left=2, widest=9)
    assert table.split("\n") == [
        "claim    holds",
        "one two  yes",
        "three",
        "four",
        "         no",
    ]


def test_without_a_row_the_headings_stand_alone():
    assert text_table(["claim", "holds"], []) == "claim  holds"


def test_cells_of_html_are_text():
    table = html_table(["a", "b"], [["<i>", "1 & 2"]])
    assert "<code>&lt;i&gt;</code>" in table
    assert "1 &amp; 2" in table
