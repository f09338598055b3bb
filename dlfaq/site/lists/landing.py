"""Builds what the landing page counts and lists: the sentence, the tally, cards, filter, topics."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from posixpath import dirname
from typing import TYPE_CHECKING

from dlfaq.site.claim import numbers
from dlfaq.site.claim.chart import raised
from dlfaq.site.elements import element, text_and_code
from dlfaq.site.lists.filters import choice, filter_form
from dlfaq.site.lists.rows import link, topic_section
from dlfaq.site.verdicts import VERDICTS, badge_element, glyph
from dlfaq.site.wording import counted, in_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from dlfaq.protocol import Claim
    from dlfaq.site.lists.catalogue import Catalogue, Question

__all__ = ["Card", "cards", "counting_sentence", "landing", "tally"]


_ALL = "all-questions"


@dataclass(frozen=True)
class Card:
    """One finding on the landing page.

    Attributes:
        question: the page it leads to.
        thumb: what shows the small figure: text that a later step replaces (the stash's
            placeholder of its SVG).
        caption: what the axes of the figure show, in a few words.
        claim: the claim whose number it shows.
        headline: the finding; `code` stands in backticks.
        sentence: what it means.
    """

    question: Question
    thumb: str
    caption: str
    claim: Claim
    headline: str
    sentence: str


def landing(
    catalogue: Catalogue, *, page: str, shown: Sequence[Card] = (), evidence: str | None = None
) -> list[Element]:
    """Build all that stands under the words of the landing page.

    Args:
        catalogue: the questions.
        page: the landing page, relative to docs_dir.
        shown: the findings to show as cards.
        evidence: the page that lists every claim, relative to docs_dir.
    """
    blocks = [counting_sentence(catalogue), tally(catalogue, page=page)]
    blocks.append(_links(catalogue, evidence, page))
    if shown:
        blocks.append(cards(shown, page=page))
    blocks += [element("h2", "All questions", id=_ALL), _filter(catalogue)]
    blocks += [topic_section(topic, page=page) for topic in catalogue.topics]
    return blocks


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


def cards(shown: Sequence[Card], *, page: str) -> Element:
    """Build the cards: figure, number with its interval and runs, finding, verdict."""
    return element("div", *(_card(card, page) for card in shown), class_="dl-cards")


def _links(catalogue: Catalogue, evidence: str | None, page: str) -> Element:
    words = f"All {in_words(len(catalogue.questions))} questions"
    links = [element("a", words, href=f"#{_ALL}")]
    if evidence is not None:
        links.append(element("a", "All the evidence", href=link(evidence, page=page)))
    return element("p", *links, class_="dl-links")


def _card(card: Card, page: str) -> Element:
    claim = card.claim
    exact = "predicted" if claim.kind == "prediction" else "exact"
    number = numbers.measured(claim).replace(" pts", " points")
    spread = numbers.interval(claim)
    runs = f"{spread}, {counted(claim.replicas, 'run')}" if spread else exact
    head = element("a", *text_and_code(card.headline), href=link(card.question.src, page=page))
    return element(
        "section",
        element(
            "div",
            element("div", card.thumb, class_="dl-card__fig", data_search_exclude=""),
            element("p", card.caption),
            class_="dl-card__plate",
        ),
        element("p", *raised(number), class_="dl-card__num"),
        element("p", runs, class_="dl-card__runs"),
        element("h2", head, data_search_exclude=""),
        element("p", card.sentence, class_="dl-card__says"),
        element("p", "Common answer: ", badge_element(card.question.status), class_="dl-card__v"),
        class_="dl-card",
    )


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
    )
