"""Lists of questions: rows, topics, and what the landing page counts."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import count

import pytest

from dlfaq.protocol import Claim
from dlfaq.site.lists.cards import Card, cards
from dlfaq.site.lists.catalogue import Catalogue, Question, Topic
from dlfaq.site.lists.landing import all_questions, counting_sentence, findings, tally
from dlfaq.site.lists.rows import link, question_rows, read_next, topic_section
from dlfaq.site.wording import counted, in_words, seed_ranges


def catalogue(*statuses):
    """A catalogue of one topic, one page a status; "wrong*3" is a page with three IDs."""
    numbers = count()
    questions = []
    for i, status in enumerate(statuses):
        word, _, times = status.partition("*")
        ids = tuple(f"000-{next(numbers)}" for _ in range(int(times or 1)))
        questions.append(Question(f"t/q{i}.md", f"Why {i}?", "So.", ids, word, i, "t/index.md"))
    return Catalogue((Topic("t/index.md", "A & B", 1, tuple(questions)),))


def text(node):
    return " ".join("".join(node.itertext()).split())


def by_class(root, name):
    return [node for node in root.iter() if name in (node.get("class") or "").split()]


@pytest.mark.parametrize(
    ("target", "page", "expected"),
    [
        ("a/b.md", "index.md", "a/b.md"),
        ("a/b.md", "a/c.md", "b.md"),
        ("a/index.md", "a/c.md", "index.md"),
        ("a/b.md", "d/c.md", "../a/b.md"),
    ],
)
def test_a_link_goes_from_markdown_file_to_markdown_file(target, page, expected):
    assert link(target, page=page) == expected


def test_a_row_is_verdict_question_answer():
    rows = question_rows(catalogue("wrong", "right").questions, page="index.md")
    assert rows.tag == "ul"
    assert [text(row) for row in rows] == ["WrongWhy 0?So.", "RightWhy 1?So."]
    assert [row.get("data-status") for row in rows] == ["wrong", "right"]
    assert [row[1].get("href") for row in rows] == ["t/q0.md", "t/q1.md"]


def test_a_topic_shows_its_name_as_a_link_and_its_count():
    section = topic_section(catalogue("wrong", "right").topics[0], page="index.md")
    assert text(section[0]) == "A & B2"
    assert section[0][0][0].get("href") == "t/index.md"
    assert section.get("data-topic") == "t"


def test_read_next_has_a_heading():
    heading, rows = read_next(catalogue("wrong").questions, page="t/q1.md")
    assert (heading.tag, heading.text) == ("h2", "Read next")
    assert rows[0][1].get("href") == "q0.md"


@pytest.mark.parametrize(
    ("statuses", "sentence"),
    [
        (["incomplete"] * 5, "Of five common answers none was right and five were incomplete."),
        (["right", "wrong*2"], "Of three common answers one was right and two were wrong."),
        (
            ["right*6", "wrong*13", "incomplete"],
            "Of twenty common answers six were right, one was incomplete and thirteen were wrong.",
        ),
        (["right*2", "missing"], "All two common answers were right; one was never given."),
        (
            ["right*3", "wrong*98"],
            "Of 101 common answers three were right and ninety-eight were wrong.",
        ),
    ],
)
def test_the_sentence_counts_question_ids_in_words(statuses, sentence):
    assert text(counting_sentence(catalogue(*statuses))) == sentence


def test_the_tally_has_one_glyph_for_each_id_and_all_four_verdicts():
    # Without an ID, as a further question is, a page does not count.
    plate = tally(catalogue("wrong*3", "right", "wrong*0"), page="index.md")
    assert [text(group[0]) for group in plate] == [
        "Right 1",
        "Incomplete 0",
        "Wrong 3",
        "Missing 0",
    ]
    links = list(plate.iter("a"))
    assert [a.get("href") for a in links] == ["t/q1.md", "t/q0.md", "t/q0.md", "t/q0.md"]
    assert all(a.get("aria-label") == a.get("title") for a in links)


CLAIM = Claim(
    statement="It grows.",
    kind="effect",
    statistic="mean",
    comparator="at_least",
    low=0.05,
    high=math.inf,
    measured=0.095,
    interval=(0.086, 0.103),
    seeds=tuple(range(32)),
    unit="points",
)


def card(**changes):
    (question,) = catalogue("wrong").questions
    claim = replace(CLAIM, **changes)
    return Card(
        question, "THUMB", "accuracy by rate", claim, "Forgetting `step()` helps", "It did."
    )


def test_a_card_shows_its_number_with_interval_and_runs():
    (section,) = cards([card()], page="index.md")
    assert [text(node) for node in section] == [
        "THUMBaccuracy by rate",
        "+9.5 points",
        "+8.6 to +10.3, 32 runs",
        "Forgetting step() helps",
        "It did.",
        "Common answer: Wrong",
    ]
    assert section[3][0].get("href") == "t/q0.md"
    assert section[3][0][0].tag == "code"


def test_a_card_of_an_identity_is_exact():
    (section,) = cards([card(kind="identity", interval=None, unit="", measured=867)], page="i.md")
    assert [text(section[1]), text(section[2])] == ["867", "exact"]


def test_the_landing_page_stands_in_order():
    site = catalogue("wrong", "right")

    def names(blocks):
        return [node.get("class") or node.tag for node in blocks]

    head = ["dl-count", "dl-plate dl-tally", "dl-links"]
    assert names(findings(site, page="index.md")) == head
    assert names(findings(site, page="index.md", shown=[card()])) == [*head, "dl-cards"]
    assert names(all_questions(site, page="index.md")) == ["h2", "dl-filter", "dl-topic"]


def test_the_links_lead_to_all_questions_and_to_other_ways_in():
    site = catalogue("wrong")
    blocks = findings(site, page="index.md", ways_in={"From a symptom": "symptoms.md"})
    links = {text(a): a.get("href") for a in by_class(blocks[2], "dl-links")[0]}
    assert links["From a symptom"] == "symptoms.md"
    anchor = links["All one questions"].removeprefix("#")
    assert anchor in {block.get("id") for block in all_questions(site, page="index.md")}


def test_the_filter_offers_topics_and_verdicts():
    form = next(b for b in all_questions(catalogue("wrong"), page="index.md") if b.tag == "form")
    assert [(o.get("value"), o.text) for o in form.iter("option")] == [
        ("", "All topics"),
        ("t", "A & B"),
    ]
    boxes = [i.get("value") for i in form.iter("input") if i.get("type") == "checkbox"]
    assert boxes == ["right", "incomplete", "wrong", "missing"]
    (output,) = form.iter("output")
    assert (output.text, output.get("aria-live")) == ("1 of 1", "polite")
    assert by_class(form, "dl-none")[0].get("hidden") is not None


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (20, "twenty"),
        (42, "forty-two"),
        (99, "ninety-nine"),
        (100, "100"),
        (1200, "1,200"),
    ],
)
def test_counts_are_spelt(number, word):
    assert in_words(number) == word


def test_one_run_is_no_plural():
    assert [counted(1, "run"), counted(32, "run")] == ["1 run", "32 runs"]


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ([], ""),
        ([1000], "1000"),
        ([1001, 1000, 1002], "1000 to 1002"),
        ([1000, 1001, 1064, 1065, 1070], "1000 to 1001, 1064 to 1065, 1070"),
    ],
)
def test_neighbouring_seeds_are_joined(seeds, words):
    assert seed_ranges(seeds) == words
