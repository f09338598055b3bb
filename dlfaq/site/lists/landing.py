"""Builds what the landing page counts and lists: the sentence, the tally, cards, filter, topics."""

from __future__ import annotations

from dataclasses import dataclass
from posixpath import dirname
from typing import TYPE_CHECKING

from dlfaq.site.claim import numbers
from dlfaq.site.claim.chart import raised
from dlfaq.site.elements import code_spans, element
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
    """Say in words how many of the common answers were right; an ID counts once."""
    statuses = [q.status for q in catalogue.questions for _ in q.answers]
    total, right = len(statuses), statuses.count("right")
    if right == total:
        who = f"all {in_words(total)}"
    elif right == 0:
        who = f"none of the {in_words(total)}"
    else:
        who = f"{in_words(right)} of the {in_words(total)}"
    verb = "was" if right <= 1 and right != total else "were"
    sentence = f"{who} common answers {verb} right."
    return element("p", element("strong", sentence[0].upper() + sentence[1:]), class_="dl-count")


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
    head = element("a", *code_spans(card.headline), href=link(card.question.src, page=page))
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
