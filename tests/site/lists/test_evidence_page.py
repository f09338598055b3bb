"""The Evidence page, built by MkDocs: every claim of the site, its chart, its line, the filter."""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from dlfaq.protocol import Claim
from dlfaq.site.lists.catalogue import Catalogue
from dlfaq.site.lists.evidence_page import Entry, evidence_page, survives_holm
from dlfaq.site.lists.pilots import piloted

ROOT = Path(__file__).parents[3]

HEAD = """\
```python
from dlfaq import claim

seeds = range(1000, 1016)
runs = [0.4 + 0.01 * i for i in range(16)]
"""

QUESTION = f"""\
---
title: Why?
description: Because.
answers: [000-1, 004-2]
status: wrong
order: 1
---

Because.

People say: *no.*

Verdict: wrong. Yes.

`{{claim}} effect`

{HEAD}claim("An `effect` & more", runs, at_least=0.2, seeds=seeds, unit="points", label="effect")
claim("Two and two are {{}}", 2 + 2, equals=4)
```

## What people say

> No.

Yes.
"""

SECOND = f"""\
---
title: How?
description: So.
answers: [000-2]
status: right
order: 1
---

So.

People say: *so.*

Verdict: right. So.

{HEAD}claim("No difference", runs, within=1, seeds=seeds, null=True)
```

## What people say

> So.

So.
"""

LOOSE = f"""\
# Loose

{HEAD}claim("It just holds", [0.0 + 0.01 * i for i in range(16)], at_least=0.0485, seeds=seeds)
```
"""

PAGES = {
    "docs/index.md": "---\ntitle: All\n---\n\n# All of it\n\n`{cards}`\n\n`{questions}`\n",
    "docs/evidence.md": "---\ntitle: Evidence\nhide: [navigation, toc]\n---\n\n# Evidence\n\n"
    "All of it.\n\n`{evidence}`\n",
    # The later topic comes first in the alphabet.
    "docs/b/index.md": "---\ntitle: First topic\norder: 1\n---\n\n`{questions}`\n",
    "docs/b/question.md": QUESTION,
    "docs/a/index.md": "---\ntitle: Second topic\norder: 2\n---\n\n`{questions}`\n",
    "docs/a/second.md": SECOND,
    "docs/loose.md": LOOSE,
}


@pytest.fixture(scope="module")
def site(new_site):
    site = new_site(PAGES)
    config = (site.folder / "mkdocs.yml").read_text(encoding="utf-8")
    config = config.replace("features: [", "features: [navigation.tabs, navigation.indexes, ")
    site.write(
        "mkdocs.yml", f"{config}\nvalidation:\n  anchors: warn\n  links: {{not_found: warn}}\n"
    )
    shutil.copytree(ROOT / "docs" / "assets", site.folder / "docs" / "assets")
    built = site.run("mkdocs", "build", "--strict")
    assert built.returncode == 0, built.stdout
    return site


@pytest.fixture(scope="module")
def rows(site):
    """Each row of the table: its attributes, and its cells by class."""
    table = re.search(r'<table class="dl-ev".*?</table>', site.article("evidence"), re.DOTALL)[0]
    found = []
    for row in ET.fromstring(table).iter("tr"):
        cells = {cell.get("class"): cell for cell in row.iter("td")}
        if cells:
            found.append((row.attrib, cells))
    return found


def text(cell):
    return " ".join("".join(cell.itertext()).split())


def test_claims_stand_in_the_order_of_the_curriculum_those_without_runs_last(rows):
    assert [text(cells["dl-ev__says"]) for _, cells in rows] == [
        "An effect & moreeffect",
        "No differencenull",
        "It just holdseffect",
        "Two and two are 4identity",
    ]


def test_a_row_says_what_was_measured_and_how_often(rows):
    shown = [
        [text(cells[f"dl-ev__{name}"]) for name in ("num", "runs", "status")] for _, cells in rows
    ]
    # The mean of .40 to .55 is .475; t(.975, 15) = 2.131 times .0476/4 is .0254.
    assert shown[0] == ["+47.5 pts95 %: +45.0 to +50.0", "16 runs", "✓ Holds"]
    assert shown[1][1:] == ["16 runs", "⊢⊣ Null, confirmed"]
    assert shown[3] == ["4exact", "no runs needed", "✓ Holds"]


def test_the_chart_is_the_small_one_and_an_identity_says_what_it_equals(rows):
    charts = [cells["dl-ev__iv"] for _, cells in rows]
    assert [chart.find("svg").get("height") for chart in charts[:3]] == ["36"] * 3
    assert text(charts[0]) == "at least +20"
    assert text(charts[3]) == "equal to 4, to 10−10"
    assert charts[3].find("svg") is None


def test_the_page_is_named_and_leads_to_the_line_of_the_claim(site, rows):
    links = [cells["dl-ev__page"].find("a") for _, cells in rows]
    assert [text(link) for link in links] == ["Why?", "How?", "loose", "Why?"]
    assert links[0].get("title") == "b/question.md, line 22"
    for link in links:
        page, _, anchor = link.get("href").partition("#")
        assert f'id="{anchor}"' in site.article(page.removeprefix("../").rstrip("/"))


def test_mkdocs_knows_the_anchors_of_claims_and_misses_others(site):
    site.write("docs/links.md", "[there](loose.md#claim-it-just-holds)\n")
    assert site.run("mkdocs", "build", "--strict", "-d", "other").returncode == 0
    site.write("docs/links.md", "[nowhere](loose.md#claim-it-fails)\n")
    built = site.run("mkdocs", "build", "--strict", "-d", "other")
    (site.folder / "docs" / "links.md").unlink()
    assert built.returncode == 1
    assert "does not contain an anchor '#claim-it-fails'" in built.stdout


def test_it_says_what_chance_does_to_all_of_them(site, rows):
    (words,) = re.findall(r'<p class="dl-family">(.*?)</p>', site.article("evidence"))
    claims = json.loads((site.folder / "site" / "evidence.json").read_text(encoding="utf-8"))[
        "claims"
    ]
    (loose,) = [claim for claim in claims if claim["page"] == "docs/loose.md"]
    # (.075 - .0485) / (.0476 / 4) = 2.2 standard errors: fresh seeds fail in almost half.
    assert 0.01 < loose["p_value"] < 0.025
    assert "4 claims, each judged alone. 3 were measured over many runs" in words
    assert "we expect about 0.5 of them to fail by chance" in words
    assert "2 say which way something goes: all of them survive Holm’s correction" in words


def record(**changes):
    base = {
        "statement": "It grows by {}",
        "kind": "effect",
        "statistic": "mean",
        "comparator": "at_least",
        "low": 0.05,
        "high": math.inf,
        "measured": 0.095,
        "interval": (0.086, 0.103),
        "seeds": tuple(range(32)),
        "unit": "points",
        "p_value": 1e-9,
        "failure_chance": 0.001,
        "line": 3,
    }
    return Claim(**base | changes)


def page_of(*claims):
    entries = [Entry("a/b.md", "Why?", "wrong", claim) for claim in claims]
    blocks = evidence_page(Catalogue(()), entries, page="evidence.md")
    return [text(block) for block in blocks], list(blocks[-1].find("tbody"))


def test_what_does_not_survive_holm_is_marked():
    equal = record(kind="equivalence", comparator="within", low=-1, high=1, p_value=0.9)
    blocks, rows = page_of(record(), record(p_value=0.03), record(p_value=0.026), equal)
    assert ["Holm" in text(row) for row in rows] == [False, True, True, False]
    assert "3 say which way something goes: 1 of them survive" in blocks[1]
    assert "the others are marked" in blocks[1]
    assert "fewer than 0.1 of them" in blocks[1]


def test_a_claim_that_does_not_hold_is_marked():
    _, rows = page_of(record(low=0.09))
    assert "dl-ev__row--fails" in rows[0].get("class")
    assert "Does not hold" in text(rows[0])


def test_the_head_of_a_page_counts_claims_and_no_estimate(new_site):
    estimate = 'estimate("Is it less?", runs, at_most=0.4, seeds=seeds)\n'
    page = QUESTION.replace("import claim", "import claim, estimate").replace(
        'claim("Two', f'{estimate}claim("Two'
    )
    assert page.count("estimate(") == 1
    site = new_site({**PAGES, "docs/b/question.md": page})
    built = site.run("mkdocs", "build", "--strict")
    assert built.returncode == 0, built.stdout
    assert "2 of 2 claims hold" in site.article("b/question")


def test_a_page_outside_all_topics_is_a_topic_to_choose():
    page = Entry("measure.md", "How we measure", "", record())
    blocks = evidence_page(Catalogue(()), [page], page="evidence.md")
    options = [option for block in blocks for option in block.iter("option")]
    assert ("measure", "How we measure") in [(o.get("value"), o.text) for o in options]
    (row,) = (row for block in blocks for row in block.iter("tr") if row.get("data-topic"))
    assert row.get("data-topic") == "measure"


def test_labs_are_a_topic_to_choose():
    lab = Entry("labs/one.py", "One", "", record())
    blocks = evidence_page(Catalogue(()), [lab], page="evidence.md")
    (topics,) = (
        node for block in blocks for node in block.iter("select") if node.get("name") == "topic"
    )
    assert [(option.get("value"), option.text) for option in topics] == [
        ("", "All topics"),
        ("labs", "Labs"),
    ]


def test_a_prediction_says_that_it_was_not_measured():
    predicted = record(kind="prediction", statistic="value", interval=None, seeds=(), unit="MB")
    _, (row,) = page_of(predicted)
    cells = {cell.get("class"): text(cell) for cell in row}
    assert cells["dl-ev__num"].endswith("MBpredicted")


def test_a_row_says_what_the_pilot_gave_for_its_threshold():
    # Lower ends .08, .09, .10: mean .09, standard deviation .01, rule 6 allows .09 - .05.
    masters = [record(interval=(low, 0.2), low=low - 0.01) for low in (0.08, 0.09)]
    masters.append(record(interval=(0.1, 0.2), low=0.15))
    entry = Entry("a/b.md", "Why?", "wrong", record(), piloted(masters))
    (row,) = evidence_page(Catalogue(()), [entry], page="evidence.md")[-1].find("tbody")
    assert "pilot: tightest allowed +4.00; held on 2 of 3" in text(row)
    assert "pilots/a/b.json" in [link.get("href") for link in row.iter("a")]


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


def test_an_estimate_is_listed_and_counts_among_no_claims():
    open_one = record(gated=False, low=0.09, p_value=0.4)
    blocks, rows = page_of(record(), open_one)
    assert "dl-ev__row--fails" not in rows[1].get("class")
    assert "Inconclusive" in text(rows[1])
    assert blocks[1].startswith("1 claim, each judged alone. 1 were measured")
    assert "all of them survive" in blocks[1]
    assert blocks[1].endswith("Beside them 1 estimate, not gated.")


def test_a_site_without_claims_has_a_page_all_the_same():
    blocks, rows = page_of()
    assert rows == []
    assert "0 claims" in blocks[1]


def test_the_data_lie_beside_the_page(site):
    (href,) = re.findall(r'<a href="([^"]+)">evidence\.json</a>', site.article("evidence"))
    assert href == "../evidence.json"
    data = json.loads((site.folder / "site" / "evidence.json").read_text(encoding="utf-8"))
    assert len(data["claims"]) == 4


def test_the_landing_page_leads_to_it_if_it_is_there(site):
    (links,) = re.findall(r'<p class="dl-links">.*?</p>', site.article(""))
    assert '<a href="evidence/">All the evidence</a>' in links


def test_questions_and_evidence_are_the_tabs(site):
    html = (site.folder / "site" / "evidence" / "index.html").read_text(encoding="utf-8")
    tabs = re.search(r'<nav class="md-tabs".*?</nav>', html, re.DOTALL)[0]
    items = re.findall(r'<a href="([^"]+)" class="md-tabs__link">\s*(.*?)\s*</a>', tabs, re.DOTALL)
    assert items == [("..", "Questions"), ("./", "Evidence"), ("../loose/", "Loose")]


def test_nothing_of_the_table_is_in_the_search(site):
    index = (site.folder / "site" / "search" / "search_index.json").read_text(encoding="utf-8")
    texts = [doc["text"] for doc in json.loads(index)["docs"] if doc["location"] == "evidence/"]
    assert all("It just holds" not in words for words in texts)


SHOWN = """
const rows = [...document.querySelectorAll(".dl-ev tbody tr")].filter((row) => row.offsetParent);
return [document.querySelector("output").value, rows.map((row) => row.cells[0].textContent)];
"""
PICK = """
const field = document.querySelector(`.dl-filter [name=${arguments[0]}]`);
field.value = arguments[1];
field.dispatchEvent(new Event("input", { bubbles: true }));
"""


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, ["Why?", "How?", "loose", "Why?"]),
        ({"topic": "b"}, ["Why?", "Why?"]),
        ({"kind": "effect"}, ["Why?", "loose"]),
        ({"status": "right"}, ["How?"]),
        ({"kind": "effect", "status": "wrong"}, ["Why?"]),
        ({"find": "JUST holds"}, ["loose"]),
        ({"kind": "ordering"}, []),
    ],
    ids=["nothing", "topic", "kind", "verdict", "kind and verdict", "words", "none"],
)
def test_the_filter_shows_what_fits(site, browser, serve, fields, shown):
    browser.driver.get(f"{serve(site.folder / 'site')}/evidence/")
    for name, value in fields.items():
        browser.driver.execute_script(PICK, name, value)
    assert browser.driver.execute_script(SHOWN) == [f"{len(shown)} of 4", shown]


def test_without_scripts_the_table_and_the_data_are_there_and_the_filter_is_not(
    site, browser, serve
):
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.driver.get(f"{serve(site.folder / 'site')}/evidence/")
        seen = browser.driver.execute_script(
            "return [...document.querySelectorAll('.dl-filter > *, .dl-ev tbody tr')]"
            ".filter((node) => node.offsetParent).map((node) => node.tagName)"
        )
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert seen == ["A", "TR", "TR", "TR", "TR"]


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_nothing_scrolls_sideways_and_below_960_px_a_row_is_a_grid(site, browser, serve, width):
    browser.set_viewport(width)
    browser.driver.get(f"{serve(site.folder / 'site')}/evidence/")
    wide, display = browser.driver.execute_script(
        "return [document.documentElement.scrollWidth - document.documentElement.clientWidth,"
        " getComputedStyle(document.querySelector('.dl-ev tbody tr')).display]"
    )
    assert wide <= 0  # less: a gutter for a scroll bar that is none
    assert display == ("grid" if width < 960 else "table-row")
