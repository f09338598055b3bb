"""The findings that a landing page shows: figure, number, what it says, the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlfaq.site.claim import numbers
from dlfaq.site.claim.chart import raised
from dlfaq.site.elements import element, text_and_code
from dlfaq.site.lists.rows import link
from dlfaq.site.verdicts import badge_element
from dlfaq.site.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from dlfaq.protocol import Claim
    from dlfaq.site.lists.catalogue import Question

__all__ = ["Card", "cards"]


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


def cards(shown: Sequence[Card], *, page: str) -> Element:
    """Build the cards: figure, number with its interval and runs, finding, verdict."""
    return element("div", *(_card(card, page) for card in shown), class_="dl-cards")


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
