"""The head of a question's page, and what people say beside what is exact."""

from __future__ import annotations

from datetime import date

import markdown
import pytest
from bs4 import BeautifulSoup
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

from dlfaq.site.page import head
from dlfaq.site.page.this_page_ran import Run, this_page_ran

PAGE = """\
Because `backward()` **adds**.

It never forgets.

People say: \u201cstep() *adds* it.\u201d

Verdict: wrong. `step()` only reads `.grad`.

More words.

## What people say

Before the quote.

> ==step()== adds, so training ==explodes==.

==backward()== adds.

And more.

## Why

Because.
"""


def render(page=PAGE, **changes):
    arguments = {
        "title": "Why do we call zero_grad()?",
        "topic_title": "Gradients & autograd",
        "topic_href": "index.md",
        "status": "wrong",
        "claims_total": 4,
        "claims_hold": 4,
        "verified": date(2026, 11, 21),
    } | changes
    trees = []

    class Head(Treeprocessor):
        def run(self, root):
            head.apply(root, **arguments)
            trees.append(root)

    class Extend(Extension):
        def extendMarkdown(self, md):  # noqa: N802
            md.treeprocessors.register(Head(md), "head", 12)

    html = markdown.markdown(page, extensions=["pymdownx.mark", Extend()])
    return trees[0], html


def text(node):
    return " ".join("".join(node.itertext()).split())


def by_class(root, name):
    return [node for node in root.iter() if name in (node.get("class") or "").split()]


def test_the_head_stands_in_order():
    root, _ = render()
    assert [(node.tag, node.get("class")) for node in root][:6] == [
        ("p", "dl-kicker"),
        ("h1", None),
        ("p", "dl-answer"),
        ("p", "dl-answer"),
        ("div", "dl-say"),
        ("p", None),
    ]


def test_what_is_only_searched_is_neither_seen_nor_read_out():
    root, html = render(searched=("An answer.", "A <symptom> & more"))
    assert root[0].get("hidden") is not None
    assert [text(node) for node in root[0]] == ["An answer.", "A <symptom> & more"]
    assert not any(node.get("data-search-exclude") is not None for node in root[0].iter())
    assert "A &lt;symptom&gt; &amp; more" in html
    assert [node.get("class") for node in root][1:3] == ["dl-kicker", None]


def test_the_kicker_says_where_the_page_stands_and_that_its_claims_hold():
    root, _ = render()
    kicker = root[0]
    assert text(kicker) == "Gradients & autograd · 4 of 4 claims hold · verified 21 Nov 2026"
    assert kicker[0].get("href") == "index.md"
    assert [text(node) for node in by_class(root, "dl-run")] == ["verified 21 Nov 2026"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"claims_total": 0, "claims_hold": 0}, "Gradients & autograd · verified 21 Nov 2026"),
        ({"claims_hold": 3, "verified": None}, "Gradients & autograd · 3 of 4 claims hold"),
        ({"claims_total": 1, "claims_hold": 1, "verified": None}, "… · 1 of 1 claim holds"),
    ],
)
def test_the_kicker_leaves_out_what_is_not_known(changes, words):
    root, _ = render(**changes)
    assert text(root[0]).endswith(words.removeprefix("…"))
    assert bool(by_class(root, "dl-run")) == (changes.get("verified", 1) is not None)


def test_a_call_in_the_title_is_code():
    root, html = render()
    assert text(root[1]) == "Why do we call zero_grad()?"
    assert [code.string for code in BeautifulSoup(html, "html.parser").h1("code")] == [
        "zero_grad()"
    ]


def test_the_folklore_is_quoted_and_the_verdict_a_badge():
    root, html = render()
    (say,) = by_class(root, "dl-say")
    assert [text(p) for p in say] == [
        "People say step() adds it.",
        "Verdict Wrong step() only reads .grad.",
    ]
    (quote,) = BeautifulSoup(html, "html.parser")("q")
    assert (quote.get_text(), quote.em.string) == ("step() adds it.", "adds")
    assert len(by_class(say, "dl-v--wrong")) == 1


def test_where_there_is_no_common_answer_nothing_is_quoted():
    root, html = render(PAGE.replace("wrong. ", ""), status="missing")
    assert text(by_class(root, "dl-say")[0][1]) == "Verdict Missing step() only reads .grad."
    assert not BeautifulSoup(html, "html.parser")("q")


def test_another_word_than_the_verdict_stays():
    root, _ = render(PAGE.replace("Verdict: wrong. ", "Verdict: wrongly put. "))
    assert text(by_class(root, "dl-say")[0][1]).startswith("Verdict Wrong wrongly put.")


def test_a_page_without_folklore_keeps_its_paragraphs():
    root, _ = render("One.\n\nTwo.\n\n## Why\n")
    assert [(node.tag, node.get("class")) for node in root] == [
        ("p", "dl-kicker"),
        ("h1", None),
        ("p", "dl-answer"),
        ("p", None),
        ("h2", None),
    ]


def test_the_common_answer_stands_beside_what_is_exact():
    root, _ = render()
    tags = [(node.tag, node.get("class")) for node in root]
    assert tags[6:] == [("h2", None), ("p", None), ("div", "dl-vs"), ("h2", None), ("p", None)]
    (box,) = by_class(root, "dl-vs")
    said, exact = box
    assert text(said[0]) == "The common answer Wrong"
    assert [node.tag for node in said] == ["p", "blockquote"]
    assert [text(node) for node in exact] == ["What is exact", "backward() adds.", "And more."]
    assert [(text(m), m.get("class")) for m in box.iter("mark")] == [
        ("step()", "off"),
        ("explodes", "off"),
        ("backward()", "on"),
    ]
    assert text(root[-1]) == "Because."


@pytest.mark.parametrize("page", ["One.\n\n## What people say\n\nNo quote.\n", "One.\n\n> Q.\n"])
def test_without_section_or_quote_nothing_moves(page):
    root, _ = render(page)
    assert not by_class(root, "dl-vs")


def test_an_authors_own_quotation_marks_are_not_doubled():
    root, _ = render(
        PAGE.replace("> ==step()== adds", "> \u201cSo ==step()== adds").replace(
            "==explodes==.", "==explodes==.\u201d"
        )
    )
    assert text(by_class(root, "dl-vs__said")[0][1]) == "So step() adds, so training explodes."


def test_the_stamp_sets_apart_what_differs_between_two_builds():
    run = Run(
        verified=date(2026, 11, 21),
        seeds=[1000, 1001, 1064],
        elapsed_s=6.32,
        peak_bytes=212.4e6,
        versions={"Python": "3.11.7"},
        answers=["000-1", "000-2"],
    )
    heading, facts = this_page_ran(run)
    assert (heading.tag, text(heading)) == ("h2", "This page ran")
    rows = [(text(row[0]), text(row[1]), row[1].get("class")) for row in facts]
    assert rows == [
        ("Verified", "21 Nov 2026", "dl-run"),
        ("Seeds", "1000 to 1001, 1064", None),
        ("Time", "6.3 s, one core", "dl-run"),
        ("Peak memory", "212 MB", "dl-run"),
        ("Python", "3.11.7", None),
        ("Answers", "000-1, 000-2", None),
    ]


def test_the_stamp_leaves_out_what_there_is_not():
    _, facts = this_page_ran(Run(None, [], 150.0, 2.5e9))
    assert [(text(row[0]), text(row[1])) for row in facts] == [
        ("Time", "2 min, one core"),
        ("Peak memory", "2.5 GB"),
    ]
