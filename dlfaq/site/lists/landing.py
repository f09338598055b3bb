"""What the landing page counts and lists: the sentence, the tally, links, filter, topics."""

from __future__ import annotations

from collections import Counter
from posixpath import dirname
from typing import TYPE_CHECKING

from dlfaq.site.elements import element
from dlfaq.site.lists.cards import cards
from dlfaq.site.lists.filters import choice, filter_form
from dlfaq.site.lists.rows import link, topic_section
from dlfaq.site.verdicts import VERDICTS, badge_element, glyph
from dlfaq.site.wording import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from xml.etree.ElementTree import Element

    from dlfaq.site.lists.cards import Card
    from dlfaq.site.lists.catalogue import Catalogue

__all__ = ["all_questions", "counting_sentence", "findings", "tally"]

_ALL = "all-questions"


def findings(
    catalogue: Catalogue,
    *,
    page: str,
    shown: Sequence[Card] = (),
    ways_in: Mapping[str, str] | None = None,
) -> list[Element]:
    """Build what stands where the landing page says `{cards}`: how the answers came out.

    Args:
        catalogue: the questions.
        page: the landing page, relative to docs_dir.
        shown: the findings to show as cards.
        ways_in: pages to link to beside the list of questions, relative to docs_dir, by their
            words.
    """
    blocks = [counting_sentence(catalogue), tally(catalogue, page=page)]
    blocks.append(_links(catalogue, ways_in or {}, page))
    return [*blocks, cards(shown, page=page)] if shown else blocks


def all_questions(catalogue: Catalogue, *, page: str) -> list[Element]:
    """Build what stands where the landing page says `{questions}`: filter and topics.

    Args:
        catalogue: the questions.
        page: the landing page, relative to docs_dir.
    """
    blocks = [element("h2", "All questions", id=_ALL), _filter(catalogue)]
    return blocks + [topic_section(topic, page=page, asked=True) for topic in catalogue.topics]


def counting_sentence(catalogue: Catalogue) -> Element:
    """Say in words how the common answers came out; an ID counts once.

    Most of them are true as far as they go, so a count of the right ones alone would say too much.
    """
    count = Counter(q.status for q in catalogue.questions for _ in q.answers)
    total = count.total() - count["missing"]
    if count["right"] == total:
        sentence = f"All {in_words(total)} common answers were right"
    else:
        parts = [f"{_of(count['right'])} right"]
        parts += [f"{_of(count[v])} {v}" for v in ("incomplete", "wrong") if count[v]]
        sentence = f"Of {in_words(total)} common answers {', '.join(parts[:-1])} and {parts[-1]}"
    if count["missing"]:
        sentence += f"; {_of(count['missing'])} never given"
    return element("p", element("strong", f"{sentence}."), class_="dl-count")


def _of(count: int) -> str:
    return f"{in_words(count) if count else 'none'} {'was' if count <= 1 else 'were'}"


def tally(catalogue: Catalogue, *, page: str) -> Element:
    """Build one glyph for each question ID, a link, grouped by verdict."""
    groups = []
    for status in VERDICTS:
        glyphs = [
            element(
                "a",
                glyph(status),
                href=link(question.src, page=page),
                title=question.title,
                aria_label=question.title,
            )
            for question in catalogue.questions
            if question.status == status
            for _ in question.answers
        ]
        head = element("p", badge_element(status), f" {len(glyphs)}")
        row = element("p", *glyphs, class_="dl-tally__row")
        name = f"dl-tally__of dl-v--{status}"
        groups.append(element("div", head, row, class_=name, data_search_exclude=""))
    return element("div", *groups, class_="dl-plate dl-tally")


def _links(catalogue: Catalogue, ways_in: Mapping[str, str], page: str) -> Element:
    words = f"All {in_words(len(catalogue.questions))} questions"
    links = [element("a", words, href=f"#{_ALL}")]
    links += [element("a", way, href=link(src, page=page)) for way, src in ways_in.items()]
    return element("p", *links, class_="dl-links")


def _filter(catalogue: Catalogue) -> Element:
    topics = {dirname(topic.src): topic.title for topic in catalogue.topics}
    chips = [
        element(
            "label",
            element("input", type="checkbox", name="status", value=status),
            badge_element(status),
            class_="dl-chip",
        )
        for status in VERDICTS
    ]
    return filter_form(
        "question",
        len(catalogue.questions),
        choice("topic", "Topic", "All topics", topics),
        element("span", *chips, class_="dl-chips", role="group", aria_label="Verdict"),
        label="Questions",
        searched=True,
    )
