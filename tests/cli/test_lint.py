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
---
"""

PAGE = f"""\
{HEAD}
The answer.

People say: *something.*

Verdict: wrong. It is not.

`{{figure}} key`

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
            "\"## A part of it\" is no section of a question; use ### below 'Measure it'",
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
            line_of("## See it") - 2,
            "no key figure above the first section; place one with `{figure} label`",
        ),
        (
            'claim("It holds", [1.0, 2.0], at_least=0, seeds=seeds(2))',
            "pass",
            line_of("## See it"),
            "no snippet makes a claim; state a fact with claim(...)",
        ),
        ("### A part", "### A $2$ part", line_of("### A part"), "a heading with mathematics needs"),
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
