"""Knows every question of the site: the front matter of all pages, in the curriculum's order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from dlfaq.errors import PageError
from dlfaq.pages.front_matter import front_matter, key_line
from dlfaq.pages.notebooks import lab_files
from dlfaq.pages.text import markdown_text
from dlfaq.site.verdicts import VERDICTS

__all__ = ["Catalogue", "Lab", "Question", "Topic", "read_catalogue", "read_labs"]


@dataclass(frozen=True)
class Question:
    """A page that answers one question, or twins.

    Attributes:
        src: its file, relative to docs_dir.
        title: the question.
        description: the answer in one sentence.
        answers: the IDs that it answers; tallies count these. None where it says `question: true`.
        status: the verdict on the common answer.
        order: its place in its topic.
        topic: `src` of its topic.
        asked: other ways in which people ask it; searched, not shown.
        do_this: whether there is something to do, so that the page has a section "Do this".
    """

    src: str
    title: str
    description: str
    answers: tuple[str, ...]
    status: str
    order: float
    topic: str
    asked: tuple[str, ...] = ()
    do_this: bool = True


@dataclass(frozen=True)
class Topic:
    """A folder of questions, named by its index.md.

    Attributes:
        src: its index.md, relative to docs_dir.
        title: its name.
        order: its place in the curriculum.
        questions: its pages, in order.
    """

    src: str
    title: str
    order: float
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Lab:
    """A long tutorial; it answers no one question, so it has no verdict.

    Attributes:
        src: its script, relative to docs_dir.
        title: its name.
        description: what it is about, in one sentence.
        order: its place among the labs.
    """

    src: str
    title: str
    description: str
    order: float


@dataclass(frozen=True)
class Catalogue:
    """All topics that have a question, in order."""

    topics: tuple[Topic, ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        """All questions, in the curriculum's order."""
        return tuple(question for topic in self.topics for question in topic.questions)

    def topic(self, src: str) -> Topic:
        """Return the topic whose index.md, or one of whose questions, is `src`.

        Raises:
            KeyError: `src` is neither.
        """
        for topic in self.topics:
            if src == topic.src or any(src == question.src for question in topic.questions):
                return topic
        raise KeyError(src)

    def question(self, src: str) -> Question:
        """Return the question whose file is `src`.

        Raises:
            KeyError: `src` is no question.
        """
        for question in self.questions:
            if question.src == src:
                return question
        raise KeyError(src)

    def after(self, src: str, count: int = 3) -> tuple[Question, ...]:
        """Return what to read after the question `src`: those that follow, from the end the first.

        Raises:
            KeyError: `src` is no question.
        """
        questions = self.questions
        here = questions.index(self.question(src))
        return (questions[here + 1 :] + questions[:here])[:count]


def read_catalogue(docs_dir: Path) -> Catalogue:
    """Read the front matter of all pages under `docs_dir`; what did not change is not reread.

    Raises:
        PageError: the page of a question lacks what a list shows or has it in another form, or an
            ID stands on two pages; with the file and the line.
    """
    pages: dict[str, _Page] = {}
    for file in sorted(docs_dir.rglob("*.md")):
        src = file.relative_to(docs_dir).as_posix()
        if not any(part.startswith(".") for part in src.split("/")):
            pages[src] = _page(file, docs_dir)
    questions = [_question(src, page, pages) for src, page in pages.items() if page.is_question]
    _check_unique(questions, pages)
    topics = []
    for src in dict.fromkeys(question.topic for question in questions):
        page = pages[src]
        own = tuple(
            sorted((q for q in questions if q.topic == src), key=lambda q: (q.order, q.src))
        )
        topics.append(Topic(src, page.text("title"), page.number("order"), own))
    return Catalogue(tuple(sorted(topics, key=lambda topic: (topic.order, topic.src))))


def read_labs(docs_dir: Path) -> list[Lab]:
    """Read the header of every lab; in their order.

    Raises:
        PageError: a lab lacks what the list shows; with the file and the line.
    """
    labs = []
    for file in lab_files(docs_dir):
        page = _page(file, docs_dir)
        src = file.relative_to(docs_dir).as_posix()
        labs.append(Lab(src, page.text("title"), page.text("description"), page.number("order")))
    return sorted(labs, key=lambda lab: (lab.order, lab.src))


@dataclass(frozen=True)
class _Page:
    """Front matter that knows where it stands."""

    path: str
    source: str
    meta: dict[str, Any]

    @property
    def is_question(self) -> bool:
        return "answers" in self.meta or "question" in self.meta

    def fail(self, key: str, expected: str) -> PageError:
        got = f"{self.meta[key]!r}" if key in self.meta else "nothing"
        line = key_line(self.source, key)
        return PageError(self.path, line, f"`{key}`: expected {expected}; got {got}")

    def text(self, key: str) -> str:
        value = self.meta.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.fail(key, "text")
        return value

    def number(self, key: str) -> float:
        value = self.meta.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.fail(key, "a number")
        return value

    def flag(self, key: str, *, otherwise: bool) -> bool:
        value = self.meta.get(key, otherwise)
        if not isinstance(value, bool):
            raise self.fail(key, "true or false")
        return value

    def texts(self, key: str, expected: str) -> tuple[str, ...]:
        value = self.meta[key]
        texts = isinstance(value, list) and all(isinstance(v, str) and v.strip() for v in value)
        if not texts or not value:
            raise self.fail(key, expected)
        return tuple(value)

    def answers(self) -> tuple[str, ...]:
        """The IDs of a question; none where `question: true` stands in their place."""
        if "question" not in self.meta:
            return self.texts("answers", "a list of question IDs such as [000-1]")
        if self.meta["question"] is not True:
            raise self.fail("question", "true, or no such line")
        if "answers" in self.meta:
            raise self.fail("question", "no such line beside `answers`")
        return ()

    def asked(self) -> tuple[str, ...]:
        if "asked" not in self.meta:
            return ()
        return self.texts("asked", "a list of other ways to ask it, in quotes where they hold `: `")

    def status(self) -> str:
        value = self.meta.get("status")
        if not isinstance(value, str) or value not in VERDICTS:
            raise self.fail("status", f"one of {', '.join(VERDICTS)}")
        return value


def _page(file: Path, docs_dir: Path) -> _Page:
    path = f"{docs_dir.name}/{file.relative_to(docs_dir).as_posix()}"
    stat = file.stat()
    return _read(file, path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=2000)
def _read(file: Path, path: str, _mtime_ns: int, _size: int) -> _Page:
    text = markdown_text(file, path)
    meta, first = front_matter(text, path)
    return _Page(path, "\n".join(text.split("\n")[:first]), meta)


def _question(src: str, page: _Page, pages: dict[str, _Page]) -> Question:
    topic = f"{Path(src).parent.as_posix()}/index.md"
    if topic not in pages:
        message = f"a question lies in the folder of a topic; write {topic} with title and order"
        key = "answers" if "answers" in page.meta else "question"
        raise PageError(page.path, key_line(page.source, key), message)
    return Question(
        src,
        page.text("title"),
        page.text("description"),
        page.answers(),
        page.status(),
        page.number("order"),
        topic,
        page.asked(),
        page.flag("do_this", otherwise=True),
    )


def _check_unique(questions: list[Question], pages: dict[str, _Page]) -> None:
    owner: dict[str, str] = {}
    for question in questions:
        page = pages[question.src]
        for name in question.answers:
            if name in owner:
                raise page.fail("answers", f"IDs of no other page ({name} is on {owner[name]})")
            owner[name] = page.path
