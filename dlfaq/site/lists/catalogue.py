"""Every question and every lab of the site, by the front matter of its pages, in order."""

from __future__ import annotations

from dataclasses import dataclass
from posixpath import dirname
from typing import TYPE_CHECKING

from dlfaq.errors import PageError
from dlfaq.site.lists.fields import Fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dlfaq.pages.page import Page

__all__ = ["Catalogue", "Lab", "Question", "Topic", "catalogue_of", "labs_of"]


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
        """Return the questions that follow `src`; behind the last one, the first follows.

        Raises:
            KeyError: `src` is no question.
        """
        questions = self.questions
        here = questions.index(self.question(src))
        return (questions[here + 1 :] + questions[:here])[:count]


def catalogue_of(pages: Iterable[Page]) -> Catalogue:
    """The questions among the pages of a site.

    Raises:
        PageError: the page of a question lacks what a list shows or has it in another form, or an
            ID stands on two pages; with the file and the line.
    """
    by_src = {page.src: page for page in pages}
    questions = [_question(page, by_src) for page in by_src.values() if page.is_question]
    _check_unique(questions, by_src)
    topics = []
    for src in dict.fromkeys(question.topic for question in questions):
        fields = Fields(by_src[src])
        own = sorted((q for q in questions if q.topic == src), key=lambda q: (q.order, q.src))
        topics.append(Topic(src, fields.text("title"), fields.number("order"), tuple(own)))
    return Catalogue(tuple(sorted(topics, key=lambda topic: (topic.order, topic.src))))


def labs_of(pages: Iterable[Page]) -> list[Lab]:
    """The labs among the pages of a site, in their order.

    Raises:
        PageError: a lab lacks what the list shows; with the file and the line.
    """
    labs = []
    for page in pages:
        if page.is_lab:
            fields = Fields(page)
            title, description = fields.text("title"), fields.text("description")
            labs.append(Lab(page.src, title, description, fields.number("order")))
    return sorted(labs, key=lambda lab: (lab.order, lab.src))


def _question(page: Page, by_src: Mapping[str, Page]) -> Question:
    topic = f"{dirname(page.src) or '.'}/index.md"
    if topic not in by_src:
        message = f"a question lies in the folder of a topic; write {topic} with title and order"
        key = "answers" if "answers" in page.meta else "question"
        raise PageError(page.path, page.key_line(key), message)
    fields = Fields(page)
    return Question(
        page.src,
        fields.text("title"),
        fields.text("description"),
        fields.answers(),
        fields.status(),
        fields.number("order"),
        topic,
        fields.asked(),
        fields.flag("do_this", otherwise=True),
    )


def _check_unique(questions: Iterable[Question], by_src: Mapping[str, Page]) -> None:
    owner: dict[str, str] = {}
    for question in questions:
        page = by_src[question.src]
        for name in question.answers:
            if name in owner:
                expected = f"IDs of no other page ({name} is on {owner[name]})"
                raise Fields(page).wrong("answers", expected)
            owner[name] = page.path
