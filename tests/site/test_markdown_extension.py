"""What a reader gets: a tiny site, built for real by MkDocs, looked at in its HTML."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from bs4 import BeautifulSoup

if TYPE_CHECKING:
    from pathlib import Path

PAGES = ["", "topic", "topic/question", "topic/second", "outputs", "figures", "mathematics"]
PAGES += ["sweep", "evidence", "labs", "labs/tiny", "labs/short"]
NOTEBOOKS = 2


def words(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


def parsed(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def cell(article: str, code: str) -> str:
    """The HTML of the one snippet that shows or makes some text."""
    cells = re.split(r'<div class="dl-snippet" data-line="\d+">', article)[1:]
    (found,) = [one for one in cells if code in words(one)]
    return found


def printed(html: str) -> list[tuple[str, str]]:
    return [(out.span.get_text(), out.samp.get_text()) for out in parsed(html).select(".dl-out")]


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("total * 2", [("prints", "<B>BOLD</B> & SO ON"), ("gives", "2469.1356")]),
        ("nothing = None", []),
        ("total + 1;", []),
        ("import sys", [("errors", "to stderr")]),
        ("1 / 0", [("raises", "ZeroDivisionError: division by zero")]),
        ("only the output", [("prints", "only the output")]),
        ("only the code", []),
        ("folded code", [("prints", "folded code")]),
        ("area(6, 7)", [("gives", "42")]),
        ("inside the details", [("prints", "inside the details")]),
    ],
)
def test_a_snippet_shows_what_it_printed_and_gave(tiny, code, shown):
    assert printed(cell(tiny.article("outputs"), code)) == shown


def test_printed_html_is_text(tiny):
    shown = parsed(cell(tiny.article("outputs"), "total * 2"))
    assert [samp for samp in shown("samp") if samp.find(True)] == []


def test_code_is_hidden_folded_or_shown_as_its_options_say(tiny):
    article = tiny.article("outputs")
    assert "<code>" not in cell(article, "only the output")
    (fold,) = parsed(cell(article, "folded code"))("details")
    assert "open" not in fold.attrs
    assert (fold.summary.get_text(), 'print("folded code")' in fold.code.get_text()) == (
        "Code",
        True,
    )
    assert "#|" not in words(article)


def test_an_included_file_is_shown_where_it_is_included(tiny):
    code = words(cell(tiny.article("outputs"), "area(6, 7)"))
    assert code.startswith("def area(a, b):\n    return a * b\n\narea(6, 7)\n")


@pytest.mark.parametrize(
    ("code", "html"),
    [
        ("class Table", "<div class='mine'><div>first</div>SECOND</div>"),
        ("class Drawing", '<svg width="9" height="9" class="mine"><path d="M0 0h9v9"/></svg>'),
        (
            "class Photo",
            '<img src="data:image/png;base64,bm90IHF1aXRlIGEgUE5H" alt="A dot &amp; nothing else">',
        ),
    ],
)
def test_a_rich_last_expression_is_shown_as_it_is(tiny, code, html):
    shown = cell(tiny.article("outputs"), code)
    (rich,) = re.findall(r'<section class="dl-rich"[^>]*>(.*?)</section>', shown, re.DOTALL)
    assert rich == html
    assert printed(shown) == []


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("p", "Answers come first: 1230, and a_b*c<d> stays as it is."),
        ("p > em", "In emphasis 412"),
        ("p > strong", "1234.6"),
        ("p > a", "link 7"),
        ("li li", "of two levels x|y"),
        ("td + td", "9"),
        ("details p", "Five and five make 10."),
    ],
    ids=["above its chain", "emphasis", "bold", "link", "list", "table", "details"],
)
def test_an_inline_value_stands_in_prose(tiny, place, text):
    assert text in [found.get_text() for found in parsed(tiny.article("outputs")).select(place)]


def test_a_snippet_in_folded_content_is_inside_it(tiny):
    (folded,) = re.findall(
        r"<details>\n<summary>Folded</summary>.*?</details>", tiny.article("outputs"), re.DOTALL
    )
    assert printed(folded) == [("prints", "inside the details")]
    assert folded.endswith("<p>Words below.</p>\n</details>")


def test_a_continued_snippet_leaves_no_comment(tiny):
    article = tiny.article("outputs")
    assert "<!--" not in article
    assert "pytest-codeblocks" not in article


def test_fences_that_are_not_run_are_shown_as_they_are(tiny):
    article = tiny.article("outputs")
    assert "shown_only()" in words(article)
    assert "```python\nshown_as_text()\n```" in words(article)


def test_figures_stand_where_they_are_placed_and_are_numbered_in_that_order(tiny):
    article = tiny.article("figures")
    marks = [
        "<b>Figure 1</b>",
        "Above its chain",
        "<b>Figure 2</b>",
        "dl-snippet",
        "<b>Figure 3</b>",
    ]
    assert sorted(marks, key=article.index) == marks
    assert article.count("<figcaption") == 3


def test_a_figure_has_its_title_and_its_words(tiny):
    plate = parsed(tiny.article("figures")).figure
    title, subtitle = plate("p", recursive=False)
    assert title.get_text() == "It rises to 4 with step() & <more>"
    assert title.code.get_text() == "step()"
    assert subtitle.get_text() == "A line of 3 points."
    (drawn,) = [one for one in plate.select("[role=img]") if one.name != "svg"]
    assert (drawn["aria-label"], len(drawn("svg"))) == ('A "line" rises to 4', 2)
    assert "16 runs, seeds 1000 to 1015" in plate.figcaption.get_text()


def test_a_claim_stands_in_the_plate_of_the_figure_above_it_and_nowhere_else(tiny):
    article = tiny.article("figures")
    plate = re.search(r'<figure class="dl-plate">.*?</figure>', article, re.DOTALL)[0]
    assert plate.count('id="claim-rises"') == article.count('id="claim-rises"') == 1


def test_a_claim_that_is_not_placed_stands_below_its_snippet(tiny):
    shown = cell(tiny.article("figures"), "last = line[-1]")
    (cards,) = re.findall(r'<div class="dl-claims">(.*?)</div></div>', shown, re.DOTALL)
    assert re.findall(r'id="([^"]+)"', cards) == ["claim-it-stays-below-one"]


def test_a_placed_claim_stands_above_the_chain_that_makes_it(tiny):
    article = tiny.article("figures")
    assert article.count('id="claim-two"') == 1
    assert article.index('id="claim-two"') < article.rindex("dl-snippet")
    assert "dl-claims" not in cell(article, "Two and two are `four`")


class Tags(HTMLParser):
    """Notes ids, what refers to them, and what a screen reader is told."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: Counter[str] = Counter()
        self.used: set[str] = set()
        self.faults: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids.update([given["id"]] if "id" in given else [])
        for name, value in attrs:
            self.used.update(re.findall(r"url\(#([^)]+)\)", value or ""))
            if name in {"xlink:href", "aria-labelledby", "aria-describedby"}:
                self.used.add((value or "").removeprefix("#"))
        if given.get("role") == "img" and not given.get("aria-label"):
            self.faults.append(self.get_starttag_text())
        if tag == "img" and "alt" not in given:
            self.faults.append(self.get_starttag_text())


@pytest.mark.parametrize("page", PAGES)
def test_ids_are_unique_and_found_and_pictures_have_words(tiny, page):
    tags = Tags(tiny.article(page))
    assert [name for name, count in tags.ids.items() if count > 1] == []
    assert tags.used - tags.ids.keys() == set()
    assert tags.faults == []


def test_figures_that_look_alike_keep_their_own_clip_paths(tiny):
    clips = re.findall(r'<clipPath id="([^"]+)"', tiny.article("figures"))
    assert len(clips) == len(set(clips)) >= 6


@pytest.mark.parametrize(
    ("place", "mathml"),
    [
        ("p math", "<msub><mi>a</mi><mn>1</mn></msub>"),
        ("li math", "<msup><mi>x</mi><mn>3</mn></msup>"),
        ("details math", "<msup><mi>z</mi><mn>4</mn></msup>"),
        ("h2#cost math", "<mi>C</mi>"),
        ("td em math", "<mi>e</mi>"),
    ],
    ids=["inline", "list", "details", "heading", "table"],
)
def test_mathematics_is_mathml(tiny, place, mathml):
    found = parsed(tiny.article("mathematics")).select(place)
    assert any(mathml in str(math) for math in found)
    assert all(math.has_attr("data-search-exclude") for math in found)


def test_a_formula_of_its_own_is_a_block_that_a_keyboard_can_scroll(tiny):
    blocks = parsed(tiny.article("mathematics")).select("math[display=block]")
    assert len(blocks) == 3
    assert all(math.parent["tabindex"] == "0" for math in blocks)


def test_no_latex_is_left(tiny):
    article = tiny.article("mathematics")
    assert len(parsed(article)("math")) == 10
    for sign in ("\\", "$", "arithmatex"):
        assert sign not in article


@pytest.fixture(scope="module")
def index(tiny):
    """All that a reader can search for."""
    file = tiny.folder / "site" / "search" / "search_index.json"
    parts = json.loads(file.read_text(encoding="utf-8"))["docs"]
    return " ".join(words(f"{part['title']} {part['text']}") for part in parts)


@pytest.mark.parametrize(
    "text", ["Answers come first: 1230", "a_b*c<d>", "Why call backward()", "at least"]
)
def test_search_finds_prose_with_its_values(index, text):
    assert text in index


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("def area", "code"),
        ("SO ON", "printed"),
        ("division by zero", "an exception"),
        ("SECOND", "rich HTML"),
        ("TICK", "a label of a figure"),
        ("Figure 1", "the caption of a figure"),
        ("one core", "a duration"),
        ("verified", "a date"),
        ("z=1", "mathematics"),
        ("Incomplete 1", "the tally"),
        ("Holds", "how a claim came out"),
        ("equal to", "the threshold of a claim"),
        ("This page ran", "a heading that every page has"),
        ("Read next", "the same"),
    ],
)
def test_search_does_not_find(index, text, what):
    assert text not in index, what


def emptied(site: Path) -> dict[str, bytes]:
    """All that is published, without what differs between two builds: dates, durations, memory."""
    run = re.compile(rb'(<(\w+) [^>]*class="[^"]*\bdl-run\b[^"]*"[^>]*>).*?</\2>')
    files = (path for path in site.rglob("*") if path.is_file())
    return {path.relative_to(site).as_posix(): run.sub(rb"\1", path.read_bytes()) for path in files}


# MkDocs built more than a year later, from sources that did not change.
LATER = """
import datetime, sys, time

class Later(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(days=400)

seconds = time.time
time.time = lambda: seconds() + 400 * 86400
datetime.datetime = Later

from mkdocs.__main__ import cli
cli(["build", "--strict", "--site-dir", sys.argv[1]])
"""


def test_two_cold_builds_give_the_same_bytes_whenever_they_are(tiny, tmp_path):
    (tiny.folder / "later.py").write_text(LATER, encoding="utf-8")
    again = tiny.run("later", str(tmp_path / "site"), DLFAQ_STORE=str(tmp_path / "store"))
    assert again.returncode == 0, again.stdout
    assert list((tmp_path / "store" / "results").iterdir())
    first, second = emptied(tiny.folder / "site"), emptied(tmp_path / "site")
    # Each page as Markdown too; 404, search, evidence.json and its schema, llms.txt, the sitemap.
    kinds = (".html", ".ipynb", ".json", ".md", ".txt", ".xml")
    files = [name for name in first if name.endswith(kinds) and "fonts" not in name]
    assert len(files) == 2 * len(PAGES) + NOTEBOOKS + 6
    assert first == second
    day = f"{datetime.now(tz=UTC) + timedelta(days=400):%Y}"
    assert day in (tmp_path / "site" / "topic" / "question" / "index.html").read_text("utf-8")


WARM = """
import sys, atexit
from mkdocs.__main__ import cli
heavy = {"torch", "matplotlib", "numpy"}
atexit.register(lambda: print("loaded:", sorted(heavy & sys.modules.keys())))
cli(["build", "--strict", "--site-dir", sys.argv[1]])
"""


def test_a_warm_build_runs_nothing_and_loads_neither_torch_nor_matplotlib(tiny, tmp_path):
    (tiny.folder / "warm.py").write_text(WARM, encoding="utf-8")
    built = tiny.run("warm", str(tmp_path / "site"))
    assert built.returncode == 0, built.stdout
    assert "loaded: []" in built.stdout
    names = [path.name for path in (tiny.folder / ".dlfaq" / "results").iterdir()]
    assert len(names) == 19


UNREADABLE = """\
---
title: Unreadable
---

# A heading `{python} 1`

```python
#| colour: red
print(1)
```

```Python
x
```

Text `{python nolabel} 3` here.
"""

FAILING = """\
---
title: Failing
---

```python
1 / 0
```

```python
print("fine")
```

```python
from dlfaq import claim

claim("Four is above five", 4.0, at_least=5)
```
"""


@pytest.fixture(scope="module")
def broken(new_site):
    """A site with a page that cannot be read and one whose chains fail."""
    return new_site(
        {"docs/unreadable.md": UNREADABLE, "docs/failing.md": FAILING, "docs/index.md": "# Home\n"}
    )


FAULTS = [
    "docs/unreadable.md:5: no inline value in a heading: its anchor would move with it",
    "docs/unreadable.md:8: unknown option 'colour'; ",
    "docs/unreadable.md:12: write `python` to run this fence, `py` or `pycon` to show it only",
    "docs/unreadable.md:16: no chain's first snippet has `#| label: nolabel`",
    "docs/failing.md:6: ZeroDivisionError: division by zero",
    "docs/failing.md:16: ClaimFailed: 'Four is above five' does not hold: ",
]


@pytest.mark.parametrize("strictness", ["--strict", "--no-strict"])
def test_a_build_names_each_fault_once_and_fails(broken, strictness):
    built = broken.run("mkdocs", "build", strictness)
    assert built.returncode == 1
    lines = built.stdout.splitlines()
    assert [sum(line.startswith(fault) for line in lines) for fault in FAULTS] == [1] * len(FAULTS)
    assert sum(line.startswith("docs/") for line in lines) == len(FAULTS)
    assert not (broken.folder / "site").exists()


UNSHOWN = {
    "inline": ("Prose.\n\nBad $\\frac{1}{2$ inside.\n", "3: LaTeX: "),
    "block": (
        "Prose.\n\n$$\nx = 1 \\\\\n\\nonsense\n$$\n",
        '4: LaTeX: Unknown command "\\nonsense" in `x = 1',
    ),
    "figure": ("```python\n1\n```\n\n`{figure} a`\n", "5: no figure 'a' on this page; "),
    "claim": ("```python\n1\n```\n\n`{claim} a`\n", "5: no claim 'a' on this page; "),
}


@pytest.fixture(scope="module")
def unshown(new_site):
    """What a strict build says of pages that ask for what cannot be shown."""
    pages = {f"docs/{name}.md": text for name, (text, _) in UNSHOWN.items()}
    built = new_site({**pages, "docs/index.md": "# Home\n"}).run("mkdocs", "build", "--strict")
    assert built.returncode == 1
    assert f"Aborted with {len(UNSHOWN)} warnings in strict mode!" in built.stdout
    return built.stdout


@pytest.mark.parametrize("page", UNSHOWN)
def test_what_cannot_be_shown_fails_a_strict_build_with_its_line(unshown, page):
    assert f"WARNING -  docs/{page}.md:{UNSHOWN[page][1]}" in unshown


CARDS = """\
---
title: All
cards:
  - {page: topic/why.md, figure: line, claim: two, headline: Two, sentence: It is two.}
---

`{cards}`
"""

DRAWN = """\
---
title: Why?
description: Because.
answers: [000-1]
status: wrong
order: 1
---

Because.

```python
#| label: line
import matplotlib.pyplot as plt

from dlfaq import claim

claim("Two is two", 2, within=(2, 2), label="two")
plt.plot([0, 1])
```
"""


def test_a_card_shows_a_figure_that_its_snippet_has_drawn_small(new_site):
    topic = "---\ntitle: A topic\norder: 1\n---\n"
    site = new_site(
        {"docs/index.md": CARDS, "docs/topic/index.md": topic, "docs/topic/why.md": DRAWN}
    )
    unmarked = site.run("mkdocs", "build", "--strict")
    assert unmarked.returncode == 1
    assert "docs/topic/why.md:11 small; write `#| thumb: true` there" in unmarked.stdout
    site.write("docs/topic/why.md", DRAWN.replace("line\n", "line\n#| thumb: true\n", 1))
    marked = site.run("mkdocs", "build", "--strict")
    assert marked.returncode == 0, marked.stdout
    assert 'viewBox="0 0 198 90"' in site.article("")
