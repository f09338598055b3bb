"""What the search finds a question by, from the index that Material writes."""

from __future__ import annotations

import json

import pytest

QUESTION = """\
---
title: Why does it grow?
description: Because it adds.
question: true
status: incomplete
order: 1
asked:
  - gradients explode after every iteration
  - "RuntimeError: nothing to zero"
  - loss & never <settles>
---

It adds.

People say: *nothing.*

Verdict: incomplete. It is more.

## Why

Words of a section.
"""


LAB = """\
# ---
# title: Lab
# description: Words.
# order: 1
# ---

# %%
1
"""


@pytest.fixture(scope="module")
def entries(new_site):
    """The entries of an index by their address."""
    site = new_site(
        {
            "docs/index.md": "# Home\n",
            "docs/loud.md": "---\nsearch: {boost: 2}\n---\n\n# Loud\n",
            "docs/labs/index.md": "---\ntitle: Labs\norder: 2\n---\n\n`{labs}`\n",
            "docs/labs/lab.py": LAB,
            "docs/topic/index.md": "---\ntitle: Topic\norder: 1\n---\n\nWords.\n",
            "docs/topic/grow.md": QUESTION,
        }
    )
    built = site.run("mkdocs", "build", "--strict")
    assert built.returncode == 0, built.stdout
    index = json.loads((site.folder / "site/search/search_index.json").read_text(encoding="utf-8"))
    return {entry["location"]: entry for entry in index["docs"]}


def test_what_answers_no_question_weighs_less_than_what_does_unless_it_says_so(entries):
    weights = {place: entry.get("boost", 1) for place, entry in entries.items()}
    assert weights["topic/grow/"] == weights["topic/grow/#why"] == 1
    assert weights[""] == weights["topic/"] == weights["labs/lab/"] < 1
    assert weights["loud/"] == 2


def test_other_ways_to_ask_stand_in_the_entry_of_the_page_as_a_whole(entries):
    whole = entries["topic/grow/"]
    assert whole["title"] == "Why does it grow?"
    for words in (
        "Because it adds.",
        "gradients explode after every iteration",
        "RuntimeError: nothing to zero",
        "loss &amp; never &lt;settles&gt;",
    ):
        assert words in whole["text"]
    others = [entry["text"] for place, entry in entries.items() if place != "topic/grow/"]
    assert not any("iteration" in text for text in others)
