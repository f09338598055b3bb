"""Inline values and placed things: where they count, which chain they ask, what is refused."""

from __future__ import annotations

import pytest

SNIPPET = "```python\nx = 1\n```\n\n"
MEASURE = "```python\n#| label: measure\nx = 2\n```\n\n"
WRITE = "write `{python} expression` or `{python label} expression` for a value"
OWN = "is a paragraph of its own at the left margin"


def asked(page) -> list[tuple[int, int, str]]:
    return [(span.line, index, span.expression) for span, index in page.spans]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(SNIPPET + "is `{python} x`.\n", [(5, 0, "x")], id="the chain above"),
        pytest.param(
            f"{SNIPPET}`{{python}} x`\n\n{MEASURE}`{{python}} y`\n",
            [(5, 0, "x"), (12, 1, "y")],
            id="each chain for what stands below",
        ),
        pytest.param(
            "`{python measure} x`\n\n" + SNIPPET + MEASURE,
            [(1, 1, "x")],
            id="a label, above its chain",
        ),
        pytest.param(
            SNIPPET + "| a | b |\n|---|---|\n| `{python} x | 3` | 2 |\n",
            [(7, 0, "x | 3")],
            id="in a table, with a bar",
        ),
        pytest.param(
            SNIPPET + "> quoted `{python}  x + 1 `\n", [(5, 0, "x + 1")], id="in a quotation"
        ),
        pytest.param(
            SNIPPET + "`code` `{python} x` and `{python} x`\n",
            [(5, 0, "x"), (5, 0, "x")],
            id="two on a line",
        ),
        pytest.param(SNIPPET + "`` `{python} x` ``\n", [], id="in double backticks it is shown"),
        pytest.param(SNIPPET + "```text\n`{python} x`\n```\n", [], id="in a fence it is shown"),
        pytest.param(SNIPPET + "`{python-like} x` `x {python}`\n", [], id="other code"),
        pytest.param(
            "```python\n#| fig-title: is `{python} x`\n#| fig-sub: `{python measure} y`\n```\n\n"
            + MEASURE,
            [(2, 0, "x"), (3, 1, "y")],
            id="in title and subtitle",
        ),
    ],
)
def test_a_value_asks_the_chain_it_belongs_to(read, text, expected):
    page = read(text)
    assert page.errors == []
    assert asked(page) == expected


def test_a_chain_evaluates_each_expression_once_in_the_order_of_the_page(read):
    page = read(SNIPPET + "`{python} b` `{python} a`\n\n`{python} b`\n")
    assert page.chains[0].expressions == ("b", "a")


def test_a_value_knows_its_columns(read):
    span, _ = read(SNIPPET + "is `{python} x`.\n").spans[0]
    assert (span.start, span.end) == (3, 15)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "## `{python} x`",
            "no inline value in a heading: its anchor would move with it",
            id="heading",
        ),
        pytest.param(
            "#`{python} x`",
            "no inline value in a heading: its anchor would move with it",
            id="no space",
        ),
        pytest.param(
            "- # `{python} x`",
            "no inline value in a heading: its anchor would move with it",
            id="in a list",
        ),
        pytest.param(
            "> ## `{python} x`",
            "no inline value in a heading: its anchor would move with it",
            id="quoted",
        ),
        pytest.param(
            "`{python} x`\n===",
            "no inline value in a heading: its anchor would move with it",
            id="setext =",
        ),
        pytest.param(
            "`{python} x`\n---",
            "no inline value in a heading: its anchor would move with it",
            id="setext -",
        ),
        pytest.param(
            "`{python} x\n+ 1`",
            "an inline value ends on the line it begins on; close its backtick",
            id="two lines",
        ),
        pytest.param(
            "`{python nowhere} x`",
            "no chain's first snippet has `#| label: nowhere`",
            id="unknown label",
        ),
        pytest.param("`{python} 1 +`", "SyntaxError: invalid syntax in `1 +`", id="not Python"),
        pytest.param(
            "`{python} x = 1`", "SyntaxError: invalid syntax in `x = 1`", id="a statement"
        ),
        pytest.param("`{python}`", "SyntaxError: invalid syntax in ``", id="nothing"),
        pytest.param("`{Python} x`", WRITE, id="capital"),
        pytest.param("`{ python} x`", WRITE, id="space before"),
        pytest.param("`{python }x`", WRITE, id="space behind"),
        pytest.param("`{python a b} x`", WRITE, id="two labels"),
        pytest.param("see `{figure} loss`", f"`{{figure}}` {OWN}", id="figure in a sentence"),
        pytest.param("`{claim} loss` `{claim} loss`", f"`{{claim}}` {OWN}", id="two claims"),
        pytest.param("text\n`{figure} loss`", f"`{{figure}}` {OWN}", id="no blank line above"),
        pytest.param("`{figure} loss`\ntext", f"`{{figure}}` {OWN}", id="no blank line below"),
        pytest.param("  `{figure} loss`", f"`{{figure}}` {OWN}", id="indented"),
        pytest.param("`{figure}`", "`{figure} label` names a label, not ''", id="no label"),
        pytest.param(
            "`{figure} Loss`", "`{figure} label` names a label, not 'Loss'", id="not a label"
        ),
        pytest.param(
            "`{figure} loss.0`", "`{figure} label` names a label, not 'loss.0'", id="figure 0"
        ),
        pytest.param(
            "`{figure} loss.`", "`{figure} label` names a label, not 'loss.'", id="figure nothing"
        ),
        pytest.param(
            "`{figure} loss.2.3`", "`{figure} label` names a label, not 'loss.2.3'", id="figure 2.3"
        ),
        pytest.param(
            "`{claim} loss.2`", "`{claim} label` names a label, not 'loss.2'", id="second claim"
        ),
        pytest.param("`{questions} loss`", "`{questions}` takes no label", id="list with label"),
    ],
)
def test_what_cannot_be_filled_in_is_told_at_its_line(errors, text, message):
    found = errors(SNIPPET + text + "\n")
    line = 4 + next(n for n, one in enumerate(text.split("\n"), 1) if "`{" in one)
    assert found == [f"docs/page.md:{line}: {message}"] or (
        len(found) == 2 and set(found) == {f"docs/page.md:{line}: {message}"}
    )


def test_a_value_with_no_snippet_above_needs_a_label(errors):
    assert errors("`{python} x`\n\n" + SNIPPET) == [
        (
            "docs/page.md:1: no snippet stands above this value; "
            "write `{python label}` with a chain's label"
        )
    ]


def test_a_value_names_the_head_of_a_chain_not_a_later_snippet(errors):
    text = SNIPPET + "<!--pytest-codeblocks:cont-->\n" + MEASURE + "`{python measure} x`\n"
    assert errors(text) == ["docs/page.md:11: no chain's first snippet has `#| label: measure`"]


def test_a_title_that_is_not_python_is_told_at_its_option(errors):
    assert errors("```python\n#| label: a\n#| fig-sub: `{python} 1 +`\n```\n") == [
        "docs/page.md:3: SyntaxError: invalid syntax in `1 +`"
    ]


def test_places_are_read_with_label_and_index(read):
    page = read(
        "`{figure} loss`\n\n`{figure} loss.2`\n\n`{claim} a-b`\n\n`{questions}`\n\n`{cards}`  \n"
    )
    assert page.errors == []
    assert [(p.line, p.kind, p.label, p.index) for p in page.places] == [
        (1, "figure", "loss", 1),
        (3, "figure", "loss", 2),
        (5, "claim", "a-b", 1),
        (7, "questions", "", 1),
        (9, "cards", "", 1),
    ]
