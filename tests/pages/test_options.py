"""Options of a snippet: what they say, where they stand, and what is refused."""

from __future__ import annotations

import pytest

from dlfaq.pages.options import Options

KEYS = (
    "label, fig-title, fig-sub, fig-alt, raises, echo, output, warning, code-fold, thumb, timeout"
)


def snippet(*lines: str) -> str:
    return "\n".join(["```python", *lines, "```", ""])


def test_every_option_is_read_and_none_is_shown(read):
    page = read(
        snippet(
            "#| label: loss-2",
            "#| fig-title: Loss: `{python} 1` at Yes [x] # not a comment",
            "#|fig-sub:  two  spaces stay between ",
            "#| fig-alt: true",
            "#| raises: torch.OutOfMemoryError",
            "#| echo: false",
            "#| output: false",
            "#| warning: true",
            "#| code-fold: true",
            "#| timeout: 90.5",
            "x = 1",
        )
    )
    assert page.errors == []
    assert page.chains[0].head.options == Options(
        label="loss-2",
        fig_title="Loss: `{python} 1` at Yes [x] # not a comment",
        fig_sub="two  spaces stay between",
        fig_alt="true",
        raises="torch.OutOfMemoryError",
        echo=False,
        output=False,
        warning=True,
        code_fold=True,
        timeout=90.5,
    )
    assert page.chains[0].head.code == "x = 1\n"
    assert page.chains[0].lines[0].number == 12


def test_without_options_code_and_output_are_shown_and_a_warning_is_an_error(read):
    options = read(snippet("x = 1")).chains[0].head.options
    shown = (options.echo, options.output, options.code_fold, options.warning)
    assert shown == (True, True, False, False)


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        (["#| colour: red"], 2, f"unknown option 'colour'; there are {KEYS}"),
        (["#| Label: a"], 2, f"unknown option 'Label'; there are {KEYS}"),
        (["#| fig_title: a"], 2, f"unknown option 'fig_title'; there are {KEYS}"),
        (["#| echo: true", "#| echo: true"], 3, "option 'echo' stands here twice; keep one"),
        (["#| echo"], 2, "an option reads `#| key: value`, not '#| echo'"),
        (["#| echo: no"], 2, "echo takes true or false, not 'no'"),
        (["#| output: True"], 2, "output takes true or false, not 'True'"),
        (["#| warning:"], 2, "warning takes true or false, not ''"),
        (["#| code-fold: 1"], 2, "code-fold takes true or false, not '1'"),
        (["#| timeout: long"], 2, "timeout takes a number of seconds above 0, not 'long'"),
        (["#| timeout: 0"], 2, "timeout takes a number of seconds above 0, not '0'"),
        (["#| timeout: -1"], 2, "timeout takes a number of seconds above 0, not '-1'"),
        (["#| timeout: inf"], 2, "timeout takes a number of seconds above 0, not 'inf'"),
        (["#| fig-title:"], 2, "fig-title is empty; write its text on the same line"),
        (["#| label: Loss"], 2, "a label is lower-case letters, digits and hyphens, not 'Loss'"),
        (["#| label: 2nd"], 2, "a label is lower-case letters, digits and hyphens, not '2nd'"),
        (["#| label: a b"], 2, "a label is lower-case letters, digits and hyphens, not 'a b'"),
        (["#| raises: no error"], 2, "raises takes the name of an exception, not 'no error'"),
        (
            ["x = 1", "#| echo: true"],
            3,
            "options stand at the top of the snippet, before any other line",
        ),
        (
            ["", "#| echo: true"],
            3,
            "options stand at the top of the snippet, before any other line",
        ),
    ],
    ids=lambda value: " / ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_option_is_told_at_its_line(errors, lines, line, message):
    assert errors(snippet(*lines)) == [f"docs/page.md:{line}: {message}"]


def test_a_limit_of_time_stands_in_the_first_snippet_of_its_chain(errors):
    text = (
        snippet("x = 1")
        + "\n<!--pytest-codeblocks:cont-->\n"
        + snippet("#| echo: true", "#| timeout: 9")
    )
    assert errors(text) == [
        "docs/page.md:8: timeout is for the whole chain: set it in its first snippet"
    ]


def test_a_label_stands_once_on_a_page_whatever_its_chain(errors):
    assert errors(snippet("#| label: a") + snippet("#| echo: true", "#| label: a")) == [
        "docs/page.md:6: label 'a' stands twice on this page; rename one"
    ]
