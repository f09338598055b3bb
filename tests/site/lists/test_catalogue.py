"""The catalogue sorts the questions among the pages, and names file and line of a fault."""

from __future__ import annotations

import pytest

from dlfaq.errors import PageError
from dlfaq.execution.site import read_pages
from dlfaq.pages.config import Settings
from dlfaq.site.lists.catalogue import catalogue_of

QUESTION = """\
---
title: {title}
description: An answer.
answers: [{answers}]
status: {status}
order: {order}
---

Because.
"""


def write(docs, src, text):
    file = docs / src
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def question(docs, src, *, title="Why?", answers="000-1", status="wrong", order=1):
    write(
        docs,
        src,
        QUESTION.format(title=title, answers=answers, status=status, order=order),
    )


def read_catalogue(docs):
    root = docs.parent
    settings = Settings(root, docs, root / "site", root / "snippets", root / ".dlfaq")
    return catalogue_of(read_pages(settings))


def topic(docs, folder, title, order):
    write(docs, f"{folder}/index.md", f"---\ntitle: {title}\norder: {order}\n---\n\nWords.\n")


@pytest.fixture
def docs(tmp_path):
    docs = tmp_path / "docs"
    topic(docs, "zeta", "First", 1)
    topic(docs, "alpha", "Second", 2)
    topic(docs, "empty", "Third", 3)
    question(docs, "zeta/b.md", answers="000-1, 000-2", order=1)
    question(docs, "zeta/a.md", answers="000-3", order=2, status="right")
    question(docs, "alpha/c.md", answers="A2-1", order=1.5)
    write(docs, "index.md", "---\ntitle: All questions\n---\n\n# Words\n")
    write(docs, "about.md", "No front matter.\n")
    return docs


def test_topics_and_questions_stand_in_the_curriculums_order(docs):
    catalogue = read_catalogue(docs)
    assert [(t.title, t.src) for t in catalogue.topics] == [
        ("First", "zeta/index.md"),
        ("Second", "alpha/index.md"),
    ]
    assert [q.src for q in catalogue.questions] == ["zeta/b.md", "zeta/a.md", "alpha/c.md"]
    first = catalogue.questions[0]
    assert (first.answers, first.status, first.topic) == (
        ("000-1", "000-2"),
        "wrong",
        "zeta/index.md",
    )


def test_a_page_finds_its_topic_and_what_follows(docs):
    catalogue = read_catalogue(docs)
    assert catalogue.topic("zeta/a.md").title == "First"
    assert catalogue.topic("alpha/index.md").title == "Second"
    assert [q.src for q in catalogue.after("zeta/a.md")] == ["alpha/c.md", "zeta/b.md"]
    assert [q.src for q in catalogue.after("zeta/b.md", 1)] == ["zeta/a.md"]
    with pytest.raises(KeyError, match="about"):
        catalogue.topic("about.md")
    with pytest.raises(KeyError, match="about"):
        catalogue.after("about.md")


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        (
            "status: wrong",
            "status: maybe",
            5,
            "one of right, incomplete, wrong, missing; got 'maybe'",
        ),
        ("status: wrong\n", "", 1, "`status`.*got nothing"),
        ("title: Why?", "title:", 2, "`title`: expected text; got None"),
        ("description: An answer.", "description: 3", 3, "`description`: expected text; got 3"),
        ("[000-1]", "000-1", 4, "a list of question IDs"),
        ("[000-1]", "[]", 4, "a list of question IDs"),
        ("[000-1]", "[11]", 4, "a list of question IDs"),
        ("[000-1]", "[000-3]", 4, "000-3 is on docs/zeta/a.md"),
        ("order: 1", "order: first", 6, "`order`: expected a number; got 'first'"),
        ("order: 1", "order: 1\nasked: why", 7, "`asked`: expected a list of other ways"),
        ("order: 1", "order: 1\nasked: [1, 2, 3]", 7, "`asked`: expected a list of other ways"),
        ("order: 1", "order: 1\ndo_this: never", 7, "`do_this`: expected true or false"),
        ("order: 1", "order: 1\nquestion: true", 7, "no such line beside `answers`; got True"),
        ("answers: [000-1]", "question: 3", 4, "`question`: expected true, or no such line; got 3"),
        ("order: 1", "order: true", 6, "`order`: expected a number; got True"),
    ],
)
def test_a_fault_names_file_and_line(docs, old, new, line, words):
    text = QUESTION.format(title="Why?", answers="000-1", status="wrong", order=1)
    assert old in text
    write(docs, "zeta/b.md", text.replace(old, new))
    with pytest.raises(PageError, match=words) as caught:
        read_catalogue(docs)
    assert (caught.value.path, caught.value.line) == ("docs/zeta/b.md", line)


def test_what_a_question_says_of_itself_is_kept(docs):
    more = "question: true\nasked: [Wherefore, How come]\ndo_this: false"
    text = QUESTION.format(title="Why?", answers="000-1", status="wrong", order=1)
    write(docs, "zeta/b.md", text.replace("answers: [000-1]", more))
    found = read_catalogue(docs).question("zeta/b.md")
    assert (found.answers, found.asked, found.do_this) == ((), ("Wherefore", "How come"), False)


def test_a_question_without_a_topic_is_a_fault(docs):
    question(docs, "lost/a.md", answers="004-1")
    with pytest.raises(PageError, match=r"write lost/index\.md") as caught:
        read_catalogue(docs)
    assert (caught.value.path, caught.value.line) == ("docs/lost/a.md", 4)


def test_a_page_that_cannot_be_read_is_no_question(docs):
    write(docs, "zeta/a.md", "---\nanswers: [\n---\n")
    assert [q.src for q in read_catalogue(docs).questions] == ["zeta/b.md", "alpha/c.md"]


def test_hidden_folders_are_left_alone(docs):
    write(docs, ".drafts/a.md", "---\nanswers: 7\n---\n")
    assert len(read_catalogue(docs).questions) == 3
