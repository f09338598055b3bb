"""Claims as data: the published schema, margins, and the correction for their number."""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path

import jsonschema
import pytest

from dlfaq.execution.build import build
from dlfaq.execution.site import read_site
from dlfaq.pages.config import read_settings
from dlfaq.site.claim.margin import margin, survives_holm
from dlfaq.site.lists.evidence import evidence, evidence_text
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
claim("An effect", runs, at_least=0.2, seeds=seeds, unit="points", label="effect")
claim("An order", runs, at_least=0, seeds=seeds)
claim("A ratio", runs, at_most=0.9, seeds=seeds, unit="×")
claim("Equal", runs, within=(0.1, 1), seeds=seeds)
claim("No difference", runs, within=1, seeds=seeds, null=True)
claim("Rare", [False] * 16, at_most=0.5, seeds=seeds)
claim("Two", 2, within=(2, 2))
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
    return evidence(read_site(settings))


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
    assert list(first) == SCHEMA["$defs"]["claim"]["required"]


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


def claim(comparator, threshold, measured=1.0, *, error=0.1, unit=""):
    return {
        "comparator": comparator,
        "threshold": threshold,
        "measured": measured,
        "standard_error": error,
        "unit": unit,
    }


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (claim("at_least", 0.5), 5),
        (claim("at_least", 1.5), -5),
        (claim("at_most", 1.5), 5),
        (claim("within", [0.5, 1.2]), 2),
        (claim("within", [0.9, 1.5]), 1),
        (claim("at_least", 1.0, math.e, unit="×"), 10),
        (claim("at_most", math.e, 1.0, unit="×"), 10),
        (claim("at_least", 0.5, error=None), 0.5),
        (claim("at_most", 3.0, -1.0, error=None, unit="×"), 4),
        (claim("at_least", 0.5, error=0.0), math.inf),
        (claim("at_least", 1.0, error=0.0), 0),
        (claim("at_most", 0.5, error=0.0), -math.inf),
    ],
)
def test_margin_is_in_standard_errors(record, expected):
    assert margin(record) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("p_values", "survives"),
    [
        # The example of Wikipedia's article on the method: .01, .04, .03, .005 at 5 %.
        ([0.01, 0.04, 0.03, 0.005], [True, False, False, True]),
        ([0.02, 0.03, 0.04], [False, False, False]),  # the first step decides
        ([0.016, 0.024, 0.05], [True, True, True]),
        ([], []),
        # questions.md rule 9: with 100 claims the first step is 5e-4.
        ([5.1e-4] + [1.0] * 99, [False] * 100),
        ([4.9e-4] + [1.0] * 99, [True] + [False] * 99),
    ],
)
def test_holm(p_values, survives):
    assert survives_holm(p_values) == survives


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
