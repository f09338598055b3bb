"""What a page shows of releases: verdicts that changed, claims that fell, numbers that moved."""

from __future__ import annotations

import json
import re

import pytest

QUESTION = """\
---
title: Does it {verb}?
description: It does.
question: true
status: {status}
order: 1
---

It does.

People say: *it does not.*

Verdict: {status}. It does.

```python
from dlfaq import claim

claim("It stays at {{}}", [1.0, 1.1, 0.9, 1.0], at_least=0.5, seeds=range(4))
claim("It moves to {{}}", [3.0, 3.1, 2.9, 3.0], at_least=0.5, seeds=range(4))
```
"""
PAGES = {
    "docs/index.md": "# Home\n",
    "docs/topic/index.md": "---\ntitle: Topic\norder: 1\n---\n\nThought.\n",
    "docs/changes.md": "# What changed\n\n`{changes}`\n",
    "docs/topic/grow.md": QUESTION.format(verb="grow", status="wrong"),
    "docs/topic/shrink.md": QUESTION.format(verb="shrink", status="right"),
}


def said(page, statement, number, *, status="incomplete", holds=True):
    return {
        "page": page,
        "statement": statement,
        "says": statement.replace("{}", str(number)),
        "status": status,
        "measured": number,
        "interval": [number - 0.2, number + 0.2],
        "holds": holds,
        "gated": True,
    }


def release(*claims):
    return json.dumps({"schema": 3, "environment": {}, "claims": list(claims)})


OLD = release(said("docs/topic/grow.md", "It moves to {}", 2.0))
NEW = release(
    said("docs/topic/grow.md", "It stays at {}", 1.0, holds=False),
    said("docs/topic/grow.md", "It moves to {}", 2.0),
    said("docs/gone.md", "It is gone from {}", 7.0, status=None),
)


@pytest.fixture(scope="module")
def sections(new_site):
    """The text of each section of the page, newest first, without the spaces."""
    # 0.10 is newer than 0.9, though it comes first in the folder.
    site = new_site({**PAGES, "docs/releases/0.10.0.json": NEW, "docs/releases/0.9.0.json": OLD})
    built = site.run("mkdocs", "build", "--strict")
    assert built.returncode == 0, built.stdout
    text = re.sub(
        r"<svg.*?</svg>|<[^h/][^>]*>|</[^h][^>]*>",
        "",
        site.article("changes").replace("&para;", ""),
    )
    return [re.sub(r"<[^>]*>|\s+", " ", part) for part in re.split(r"<h2[^>]*>", text)[1:]]


def test_the_site_is_compared_with_the_newest_release(sections):
    headings = ["Not yet released since 0.10.0", "0.10.0 since 0.9.0", "0.9.0"]
    assert len(sections) == len(headings)
    for text, heading in zip(sections, headings, strict=True):
        assert " ".join(text.split()).startswith(heading)


def test_what_is_different_stands_under_its_name(sections):
    now = " ".join(sections[0].split())
    for words in (
        "2 new claims, 2 claims as before.",
        "Verdicts that changed Incomplete → Wrong topic/grow",
        "New questions Right topic/shrink",
        "Claims that hold now topic/grow: It stays at 1",
        "Numbers that left the interval they had topic/grow: It moves to 3",
        "Before: It moves to 2.0.",
        "Claims that are no longer made gone: It is gone from 7.0.",
    ):
        assert words in now


def test_what_is_as_it_was_has_no_list(sections):
    then = " ".join(sections[1].split())
    assert "2 new claims, 1 claim as before." in then
    assert "Verdicts" not in then
    assert "no longer hold" not in then


@pytest.mark.parametrize(("name", "text"), [("1.0.json", "[]"), ("first.json", release())])
def test_a_file_that_is_no_release_is_named(new_site, name, text):
    site = new_site({**PAGES, f"docs/releases/{name}": text})
    built = site.run("mkdocs", "build", "--strict")
    assert built.returncode == 1
    assert f"docs/releases/{name}:1" in built.stdout
    assert "copy the evidence.json of a release there" in built.stdout
