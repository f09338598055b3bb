"""What a page shows of a record of drift: both environments, what moved, what is counted only."""

from __future__ import annotations

import json
import re

import pytest

PAGE = "# Drift\n\n`{drift}`\n"


def entry(**changes):
    base = {
        "page": "docs/index.md",
        "line": 3,
        "statement": "It `grows`",
        "old": "+9.5 pts",
        "new": "+9.9 pts",
        "interval": "+8.6 to +10.3",
        "same": False,
        "shift": 1.0,
        "margins": ["10.0 se", "11.0 se"],
        "holds": [True, True],
        "what": [],
    }
    return base | changes


def record(*claims, **changes):
    base = {
        "schema": 1,
        "old": {"python": "3.11", "torch": "2.14"},
        "new": {"python": "3.11", "torch": "2.15"},
        "claims": list(claims),
        "only_old": [],
        "only_new": [],
    }
    return json.dumps(base | changes)


@pytest.fixture(scope="module")
def article(new_site):
    text = record(
        entry(statement="It rests", same=True, shift=0.0),
        entry(statement="It shifts", shift=-2.5),
        entry(),
        entry(statement="It fell", shift=0.5, what=["no longer holds"], holds=[True, False]),
        entry(page="docs/gone.md", statement="It is gone", shift=0.1),
        entry(statement="It hardly moves", shift=0.09),
        entry(statement="It is rounded", shift=None),
        only_new=["docs/index.md:9 It is new"],
    )
    site = new_site({"docs/index.md": PAGE, "docs/drift/other.json": text})
    built = site.run("mkdocs", "build", "--strict")
    assert built.returncode == 0, built.stdout
    return site.article("")


def rows(article):
    return [
        [re.sub(r"<.*?>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in re.findall(r"<tr.*?</tr>", article, re.DOTALL)
    ]


def test_both_environments_stand_side_by_side(article):
    assert rows(article)[:2] == [["", "before", "now"], ["torch", "2.14", "2.15"]]
    assert "The same in both: python 3.11." in article


def test_what_fell_comes_first_then_the_largest_move(article):
    assert [(row[0], row[3], row[4]) for row in rows(article)[3:]] == [
        ("It fell", "+0.50 se", "no longer holds"),
        ("It shifts", "−2.50 se", "holds"),
        ("It grows", "+1.00 se", "holds"),
        ("It is gone", "+0.10 se", "holds"),
    ]


def test_what_gave_the_same_number_is_counted(article):
    assert (
        "7 claims in both runs. No longer hold: 1. Moved by more than their interval: 0. "
        "Margin shrank: 0. Gave the very same number: 1. Moved by less than 0.1 standard errors, "
        "or by rounding: 2. In one run alone: 1."
    ) in article


def test_the_data_lie_beside_the_page(article):
    assert '<a href="drift/other.json">The data</a>' in article


def test_a_claim_leads_to_its_page_if_that_is_still_there(article):
    assert re.search(r'<a href="\./">It <code>grows</code></a>', article)
    assert "<td>It is gone</td>" in article


def test_another_file_is_an_error_that_names_it(new_site):
    site = new_site({"docs/index.md": PAGE, "docs/drift/other.json": '{"claims": []}'})
    built = site.run("mkdocs", "build", "--strict")
    assert built.returncode == 1
    assert "docs/drift/other.json:1: no record of drift (KeyError('old'))" in built.stdout
