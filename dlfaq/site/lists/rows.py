"""Lists questions: each row a verdict, the question as a link, its answer in one sentence.

A list of labs has no verdicts.
"""

from __future__ import annotations

from posixpath import dirname, relpath
from typing import TYPE_CHECKING

from dlfaq.site.elements import element
from dlfaq.site.verdicts import badge_element

if TYPE_CHECKING:
    from collections.abc import Iterable
    from xml.etree.ElementTree import Element

    from dlfaq.site.lists.catalogue import Lab, Question, Topic

__all__ = ["lab_rows", "link", "question_rows", "read_next", "topic_section"]


def link(target: str, *, page: str) -> str:
    """Write the link from one Markdown file to another, as an author would.

    Args:
        target: relative to docs_dir.
        page: the file that links, relative to docs_dir.

    Example:
        >>> link("optimisation/adam.md", page="gradients/zero-grad.md")
        '../optimisation/adam.md'
    """
    return relpath(target, dirname(page) or ".")


def question_rows(questions: Iterable[Question], *, page: str, asked: bool = False) -> Element:
    """Build `ul.dl-list`. Rows carry `data-status`, by which the filter picks.

    Args:
        questions: those to list.
        page: the page, relative to docs_dir.
        asked: rows also carry `data-asked`, other ways to ask, in which the filter finds words.
    """
    rows = []
    for question in questions:
        row = element(
            "li",
            badge_element(question.status),
            element("a", question.title, href=link(question.src, page=page)),
            element("span", question.description, class_="dl-list__a"),
            data_status=question.status,
        )
        if asked:
            row.set("data-asked", " | ".join(question.asked))
        rows.append(row)
    return element("ul", *rows, class_="dl-list", data_search_exclude="")


def lab_rows(labs: Iterable[Lab], *, page: str) -> Element:
    """Build `ul.dl-list` of labs."""
    rows = (
        element(
            "li",
            element("a", lab.title, href=link(lab.src, page=page)),
            element("span", lab.description, class_="dl-list__a"),
        )
        for lab in labs
    )
    return element("ul", *rows, class_="dl-list dl-list--labs", data_search_exclude="")


def topic_section(topic: Topic, *, page: str, asked: bool = False) -> Element:
    """Build the rows of a topic under its name, a link, and their count; `asked` as for rows."""
    heading = element(
        "h3", element("a", topic.title, href=link(topic.src, page=page)), data_search_exclude=""
    )
    count = element("span", str(len(topic.questions)), data_search_exclude="")
    return element(
        "section",
        element("div", heading, count, class_="dl-topic__head"),
        question_rows(topic.questions, page=page, asked=asked),
        class_="dl-topic",
        data_topic=dirname(topic.src),
    )


def read_next(questions: Iterable[Question], *, page: str) -> list[Element]:
    """Build the section "Read next"."""
    return [element("h2", "Read next", data_search_exclude=""), question_rows(questions, page=page)]
