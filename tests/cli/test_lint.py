"""What the lint says of a page, before anything runs."""

from __future__ import annotations

import pytest

from dlfaq.cli.lint import lint
from dlfaq.pages.config import read_settings

HEAD = """\
---
title: A question?
description: It is not.
answers: [000-1]
status: wrong
order: 1
asked:
  - a symptom
  - a message
  - other words
---
"""

PAGE = f"""\
{HEAD}
The answer.

People say: *something.*

Verdict: wrong. It is not.

`{{figure}} key`

## Do this

```python
print("done")
```

## See it

```python
print("shown")
```

````text
```python
## No section, and no $2$ in a heading
```
````

## Measure it

```python
#| label: key
from dlfaq import claim, seeds

value = 1
claim("It holds", [1.0, 2.0], at_least=0, seeds=seeds(2))
```

### A part of it

## What people say

> Something.

## Why

Because.

## When it fails

Never.

## Exercises

None.

## Sources

None.
"""

#: The line of PAGE behind its last.
END = PAGE.count("\n") + 1


@pytest.fixture
def errors_of(tmp_path):
    """A function that lints a page of a site with one topic."""
    (tmp_path / "docs" / "topic").mkdir(parents=True)
    (tmp_path / "mkdocs.yml").write_text(
        "site_name: Tiny\nmarkdown_extensions: [dlfaq.site.markdown_extension]\n", encoding="utf-8"
    )
    index = "---\ntitle: Topic\norder: 1\n---\n\nWords.\n"
    (tmp_path / "docs/topic/index.md").write_text(index, encoding="utf-8")

    def check(text: str) -> list[str]:
        (tmp_path / "docs/topic/page.md").write_text(text, encoding="utf-8")
        return [str(error) for error in lint(read_settings(tmp_path))]

    return check


def line_of(text: str) -> int:
    return PAGE[: PAGE.index(text)].count("\n") + 1


def test_a_page_as_it_should_be_has_no_error(errors_of):
    assert errors_of(PAGE) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("## Why\n\nBecause.\n", "", END - 3, 'no section "## Why"; write it'),
        (
            "## Why\n\nBecause.\n\n## When it fails\n\nNever.\n",
            "## When it fails\n\nNever.\n\n## Why\n\nBecause.\n",
            line_of("## Why"),
            '"## When it fails" stands where "## Why" belongs; sections have one order',
        ),
        (
            "### A part",
            "## A part",
            line_of("### A part"),
            '"## A part of it" is no section of a question; use ### below "Measure it"',
        ),
        (
            "People say: *something.*\n\n",
            "",
            line_of("The answer."),
            "no paragraph begins 'People say:'; write it below the answer",
        ),
        (
            "Verdict: wrong. It is not.\n\n",
            "",
            line_of("The answer."),
            "no paragraph begins 'Verdict:'; write it below the answer",
        ),
        (
            "The answer.\n\nPeople",
            "People",
            line_of("The answer."),
            "the page begins with its answer, then `People say:`, then `Verdict:`",
        ),
        (
            "Verdict: wrong. It is not.\n\n",
            "Words.\n\nVerdict: wrong. It is not.\n\n",
            line_of("The answer."),
            "the page begins with its answer, then `People say:`, then `Verdict:`",
        ),
        (
            "`{figure} key`\n\n",
            "",
            line_of("## Do this") - 2,
            "no key figure above the first section; place one with `{figure} label`",
        ),
        (
            'claim("It holds", [1.0, 2.0], at_least=0, seeds=seeds(2))',
            "pass",
            line_of("## Do this"),
            "no snippet makes a claim; state a fact with claim(...)",
        ),
        ("### A part", "### A $2$ part", line_of("### A part"), "a heading with mathematics needs"),
        (
            '## Do this\n\n```python\nprint("done")\n```\n',
            "",
            END - 5,
            'no section "## Do this"; write it, or `do_this: false` in the front matter',
        ),
        (
            "order: 1\n",
            "order: 1\ndo_this: false\n",
            line_of("## Do this") + 1,
            '`do_this: false` says that there is no "## Do this"; delete one of the two',
        ),
        (
            "## Why\n",
            "## Why\n\nBecause.\n\n## Why\n",
            line_of("## Why") + 4,
            '"## Why" stands here a second time; join the two',
        ),
        (
            "  - other words\n",
            "",
            line_of("asked:"),
            "`asked`: expected at least 3 other ways to ask it",
        ),
        ("[000-1]", "[C-7]", 4, "`answers`: C-7 is none of the forty; write `question: true`"),
        (
            "value = 1\n",
            "value = fit(digits)\n",
            line_of("## Do this"),
            "the page trains and says nothing of longer training; ",
        ),
        (
            "value = 1\n",
            f"value = {'1' * 80}\n",
            line_of("value = 1"),
            "a visible line of 88 characters, at most 79; break it",
        ),
        (
            'print("done")\n',
            "x = 1\n" * 16,
            line_of("```python"),
            '"Do this" shows 16 lines of code, at most 15; fold what is not the point',
        ),
        (
            "value = 1\n",
            "x = 1\n" * 14,
            line_of("#| label") - 1,
            "this experiment shows 16 lines of code, at most 15; fold what is not the point",
        ),
        (
            'print("shown")\n',
            "x = 1\n" * 77,
            line_of("order: 1") + 6,
            "81 lines of code are visible on this page, at most 80; fold what is not the point",
        ),
        (
            "value = 1\n",
            "".join(f'claim("Number {n}", 1.0, at_least=0)\n' for n in range(7)),
            line_of("## Do this"),
            "8 claims, where three to five carry an argument and 7 are the most",
        ),
        ("status: wrong", "status: maybe", 5, "`status`: expected one of "),
        ("#| label", "#| lable", line_of("#| label"), "unknown option 'lable'; "),
    ],
    ids=[
        "section missing",
        "sections in another order",
        "unknown section",
        "nothing said",
        "no verdict",
        "no answer",
        "words between the two",
        "no key figure",
        "no claim",
        "formula in a heading",
        "nothing to do",
        "something to do, and said not",
        "section twice",
        "asked in too few ways",
        "none of the forty",
        "trained, but not for longer",
        "wide line",
        "too much to do",
        "long experiment",
        "long page",
        "many claims",
        "front matter",
        "grammar",
    ],
)
def test_an_error_names_its_line_and_the_cure(errors_of, old, new, line, message):
    assert old in PAGE
    found = errors_of(PAGE.replace(old, new, 1))
    assert len(found) == 1, found
    assert found[0].startswith(f"docs/topic/page.md:{line}: {message}")


def test_a_formula_in_a_heading_may_stand_beside_an_id(errors_of):
    assert errors_of(PAGE.replace("A part of it", "A $2$ part {#two}")) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("value = 1\n", "x = 1\n" * 13),
        ("value = 1\n", "x = 1\n\n" * 13),
        ("#| label: key\n", "#| label: key\n#| code-fold: true\n" + "x = 1\n" * 90),
        ('print("shown")\n', "#| echo: false\n" + "x = 1\n" * 90),
        ("None.\n", "/// details | A\n```python\n" + "x = 1\n" * 90 + "```\n///\n"),
        ("### A part of it\n", "### A part of it\n\n```python\n" + "x = 1\n" * 15 + "```\n"),
        ("value = 1\n", 'value = fit(digits)\nclaim("A", 1.0, at_least=0, label="longer")\n'),
        ("value = 1\n", 'value = tune(digits)\nestimate("A", 1.0, at_least=0, label="longer")\n'),
        ("value = 1\n", "value = learner.fit(digits)\n"),
        ("answers: [000-1]", "question: true"),
        ("value = 1\n", f"#{'-' * 78}\n"),
    ],
    ids=[
        "an experiment of fifteen lines",
        "blank lines do not count",
        "a folded snippet",
        "a snippet that is not shown",
        "in an answer to unfold",
        "another experiment",
        "a claim on longer training",
        "an estimate on longer training",
        "another library's fit",
        "a further question",
        "a line of 79",
    ],
)
def test_what_keeps_within_the_limits_has_no_error(errors_of, old, new):
    assert old in PAGE
    assert errors_of(PAGE.replace(old, new, 1)) == []


def test_the_lines_of_one_chain_under_one_heading_are_one_experiment(errors_of):
    more = "<!--pytest-codeblocks:cont-->\n```python\n" + "x = 1\n" * 13 + "```\n"
    split = PAGE.replace("### A part of it\n", f"Words between.\n\n{more}")
    (error,) = errors_of(split)
    assert "this experiment shows 16 lines" in error


def test_the_key_figure_stands_below_the_verdict(errors_of):
    figure = "`{figure} key`\n\n"
    moved = PAGE.replace(figure, "").replace("People say:", f"{figure}People say:")
    (error,) = errors_of(moved)
    assert error.endswith("the key figure stands below the verdict; move it there")


def test_includes_count_as_what_they_show(errors_of, tmp_path):
    (tmp_path / "snippets").mkdir()
    (tmp_path / "snippets/long.py").write_text("x = 1\n" * 14, encoding="utf-8")
    (error,) = errors_of(PAGE.replace("value = 1\n", '--8<-- "long.py"\n'))
    assert "this experiment shows 16 lines" in error


def test_details_that_are_open_are_seen(errors_of):
    long = "/// details | A\n    open: True\n\n```python\n" + "x = 1\n" * 90 + "```\n///\n"
    (error,) = errors_of(PAGE.replace("None.\n", long, 1))
    assert "lines of code are visible on this page" in error


def test_a_page_that_answers_no_question_has_no_limits(errors_of):
    text = "---\ntitle: A tour\n---\n\nWords.\n\n```python\n" + "x = 1\n" * 90 + "```\n"
    assert errors_of(text) == []


@pytest.fixture
def pending(tmp_path, errors_of):
    """A function that lints a page of a site with a list of pages still to be rewritten."""

    def check(text: str, listed: str) -> list[str]:
        (tmp_path / "docs/.lint-pending").write_text(listed, encoding="utf-8")
        return errors_of(text)

    return check


LACKING = PAGE.replace("## Why\n\nBecause.\n", "")


def test_the_anatomy_of_a_pending_page_is_not_reported_yet(pending):
    assert pending(LACKING, "topic/page.md\n") == []


def test_all_else_of_a_pending_page_is_reported(pending):
    (error,) = pending(LACKING.replace("### A part", "### A $2$ part"), "topic/page.md\n")
    assert "a heading with mathematics" in error


@pytest.mark.parametrize(
    ("listed", "line"), [("topic/page.md\n", 1), ("\ntopic/page.md\n", 2), ("nowhere.md\n", 1)]
)
def test_a_page_that_is_no_longer_pending_is_struck_from_the_list(pending, listed, line):
    (error,) = pending(PAGE, listed)
    assert error.startswith(f"docs/.lint-pending:{line}: ")
    assert error.endswith("strike it from this list")


def test_an_empty_list_of_pending_pages_is_deleted(pending):
    assert pending(PAGE, "\n") == ["docs/.lint-pending:1: no page is pending; delete this file"]


CLAIMING = """\
```python
import numpy as np
import torch

from dlfaq import claim, digits

{line}
claim("It holds", 1.0, at_least=0)
```
"""


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("torch.manual_seed(0)", True),
        ("torch.Generator().manual_seed(7)", True),
        ("np.random.default_rng(0)", True),
        ("np.random.RandomState(seed=3)", True),
        ("digits(seed=0)", True),
        ("split(random_state=0)", True),
        ("torch.manual_seed(seed)", False),
        ("digits(seed=seeds(1)[0])", False),
        ("np.random.default_rng()", False),
        ("digits(0)", False),
    ],
)
def test_an_experiment_behind_a_claim_has_no_seed_of_its_own(errors_of, line, told):
    found = errors_of(CLAIMING.format(line=line))
    message = "docs/topic/page.md:7: an experiment behind a claim has a seed of its own; "
    assert [error.startswith(message) for error in found] == [True] * told


def test_a_demonstration_without_a_claim_may_have_a_seed(errors_of):
    text = CLAIMING.format(line="torch.manual_seed(0)")
    assert errors_of(text.replace('claim("It holds", 1.0, at_least=0)\n', "")) == []
