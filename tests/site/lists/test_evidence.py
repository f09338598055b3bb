"""Claims as data: what a build publishes fits the published schema."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import jsonschema
import pytest

from dlfaq.execution.build import build
from dlfaq.execution.site import read_site
from dlfaq.pages.config import read_settings
from dlfaq.site.lists.evidence import Evidence, evidence, evidence_text
from dlfaq.site.page.context import Context

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "docs" / "assets" / "evidence.schema.json").read_text(encoding="utf-8"))

PAGE = """\
---
title: Why?
answers: [000-1, 000-2]
status: wrong
---

```python
from dlfaq import claim

seeds = range(1000, 1016)
runs = [0.4 + 0.01 * i for i in range(16)]
claim("An effect of {}", runs, at_least=0.2, seeds=seeds, unit="points", label="effect")
claim("An order", runs, at_least=0, seeds=seeds)
claim("A ratio", runs, at_most=0.9, seeds=seeds, unit="×")
claim("Equal", runs, within=(0.1, 1), seeds=seeds)
claim("No difference", runs, within=1, seeds=seeds, null=True)
claim("Rare", [False] * 16, at_most=0.5, seeds=seeds)
claim("Two is {}", 2, equals=2)
claim("Two was expected", 2, equals=2, predicted=True)
```
"""


@pytest.fixture
def data(tmp_path, monkeypatch):
    """The evidence of the minisite with a page that makes a claim of each kind."""
    monkeypatch.setenv("DLFAQ_STORE", str(tmp_path / "store"))
    site = shutil.copytree(ROOT / "tests" / "minisite", tmp_path / "site")
    (site / "docs" / "kinds.md").write_text(PAGE, encoding="utf-8")
    settings = read_settings(site)
    build(settings, only="kinds.md")
    return evidence(read_site(settings)).to_json()


def check(value):
    jsonschema.Draft202012Validator(SCHEMA).validate(value)


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_minisite_fits_the_schema(data):
    check(data)
    kinds = [claim["kind"] for claim in data["claims"]]
    assert sorted(set(kinds)) == sorted(SCHEMA["$defs"]["claim"]["properties"]["kind"]["enum"])
    first = data["claims"][0]
    assert (first["page"], first["line"], first["label"]) == ("docs/kinds.md", 12, "effect")
    assert (first["answers"], first["status"]) == (["000-1", "000-2"], "wrong")
    assert (first["statement"], first["says"]) == ("An effect of {}", "An effect of 47.5 points")
    assert list(first) == SCHEMA["$defs"]["claim"]["required"]
    comparators = {claim["comparator"] for claim in data["claims"]}
    assert comparators == set(SCHEMA["$defs"]["claim"]["properties"]["comparator"]["enum"])


def test_what_was_published_can_be_read_again(data):
    assert Evidence.from_json(json.loads(json.dumps(data))).to_json() == data


def test_what_is_stored_of_the_real_site_fits_the_schema(monkeypatch):
    # The snippets of docs are tests too: what they stored is what the site will publish.
    for name in [name for name in os.environ if name.startswith("DLFAQ_")]:
        monkeypatch.delenv(name)
    check(json.loads(evidence_text(read_site(read_settings(ROOT)))))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "guess"},
        {"holds": "yes"},
        {"interval": None},
        {"interval": [0.1]},
        {"threshold": [0.1, 0.2]},
        {"p_value": 1.5},
        {"more": 1},
    ],
    ids=str,
)
def test_the_schema_refuses_what_no_build_writes(data, change):
    data["claims"][0] |= change
    with pytest.raises(jsonschema.ValidationError):
        check(data)


def test_two_chains_may_not_make_the_same_claim(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text(
        "site_name: twice\nmarkdown_extensions:\n"
        "  - dlfaq.site.markdown_extension: {preload: [numpy, scipy.stats]}\n",
        encoding="utf-8",
    )
    code = 'from dlfaq import claim\n\nclaim("Two", 2, within=(2, 2), label="two")\n'
    chain = f"```python\n{code}```\n"
    (tmp_path / "docs" / "twice.md").write_text(f"{chain}\n{chain}", encoding="utf-8")
    settings = read_settings(tmp_path)
    report = build(settings)
    problems = Context.of(report.site.pages[0], report.site).problems
    assert problems == [
        "docs/twice.md:10: the statement 'Two' stands twice; change one",
        "docs/twice.md:10: the label 'two' stands twice; change one",
    ]
