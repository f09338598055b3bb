"""Shows a claim where it is made: its number, its sentence, its evidence against its threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlfaq.protocol import PERCENT, POINTS, RATIO
from dlfaq.site.claim import numbers
from dlfaq.site.claim.chart import interval_chart, raised
from dlfaq.site.elements import element, html, text_and_code
from dlfaq.site.verdicts import glyph
from dlfaq.site.wording import counted, seed_ranges
from dlfaq.writing.numbers import superscripts

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from dlfaq.protocol import Claim

__all__ = ["against_threshold", "card", "group", "kind_in_words", "says", "status"]


_ROOM = 9  # characters of a number in full size, beside the statement


def card(claim: Claim, *, anchor: str) -> str:
    """Build the card `article.dl-claim#anchor` of a claim.

    Its sentences can be searched for. What was measured, and how, would only make the index of the
    site larger, which loads with every page.
    """
    name = "dl-claim dl-claim--fails" if claim.fails else "dl-claim"
    page = element(
        "article",
        _number(claim),
        element(
            "div",
            element("p", *says(claim), class_="dl-claim__says"),
            element("p", *_status_line(claim), class_="dl-claim__status", data_search_exclude=""),
            *_condition(claim),
            class_="dl-claim__body",
        ),
        against_threshold(claim),
        class_=name,
        id=anchor,
    )
    return html(page)


def against_threshold(claim: Claim, *, height: int = 58) -> Element:
    """Draw the interval against its threshold; an identity has none, and says what it equals."""
    if claim.interval is None:
        words = raised(numbers.threshold(claim))
        return element("p", *words, class_="dl-eq", data_search_exclude="")
    return interval_chart(claim, height=height)


def says(claim: Claim) -> list[str | Element]:
    """Write the sentence with the measured number in it."""
    number = numbers.in_sentence(claim)
    parts: list[str | Element] = []
    for part in text_and_code(claim.statement):
        if isinstance(part, str):
            before, place, after = part.partition("{}")
            parts += [
                before,
                *([element("b", *raised(number), class_="dl-n")] if place else []),
                after,
            ]
        else:
            part.text = (part.text or "").replace("{}", superscripts(number))
            parts.append(part)
    return parts


def group(cards: list[str]) -> str:
    """Put cards that stand outside a plate under one rule."""
    return f'<div class="dl-claims">{"".join(cards)}</div>'


def status(claim: Claim) -> Element:
    """Say in shape and words whether the claim holds; an estimate may leave it open."""
    if not claim.holds() and not claim.gated:
        mark = element("span", "⊢?⊣", class_="dl-mark", aria_hidden="true")
        words = " Inconclusive" if claim.verdict == "inconclusive" else " Refuted"
        return element("b", mark, words, class_="dl-null")
    if not claim.holds():
        return element("b", glyph("wrong"), "Does not hold", class_="dl-fails")
    if claim.kind == "null":
        mark = element("span", "⊢⊣", class_="dl-mark", aria_hidden="true")
        return element("b", mark, " Null, confirmed", class_="dl-null")
    return element("b", "✓ Holds", class_="dl-holds")


def kind_in_words(claim: Claim) -> str:
    """Name the kind of a claim, and say whether it is an estimate."""
    return claim.kind if claim.gated else f"{claim.kind}, an estimate"


def _condition(claim: Claim) -> list[Element]:
    """The case in which the claim is known to break, if the page names one."""
    if not claim.fails_when:
        return []
    words = text_and_code(f"Fails when {claim.fails_when}.")
    return [element("p", *words, class_="dl-claim__status")]


def _number(claim: Claim) -> Element:
    """What was measured; a unit that is a word stands below it, where there is room."""
    number, space, unit = numbers.measured(claim).partition(" ")
    if claim.unit in {POINTS, PERCENT}:
        number, unit = number + space + unit, ""
    below = [unit, "predicted" if claim.kind == "prediction" else ""]
    small = [element("small", words) for words in below if words]
    class_ = "dl-num dl-num--long" if len(number) > _ROOM else "dl-num"
    return element("p", *raised(number), *small, class_=class_, data_search_exclude="")


def _status_line(claim: Claim) -> list[str | Element]:
    line: list[str | Element] = [status(claim), f" · {kind_in_words(claim)}, "]
    if not claim.seeds:
        return [*line, "not measured" if claim.kind == "prediction" else "deterministic"]
    seeds = element("span", f"seeds {seed_ranges(claim.seeds)}", class_="dl-keep")
    return [*line, f"{_runs(claim)}, ", seeds]


def _runs(claim: Claim) -> str:
    runs = counted(claim.replicas, "run")
    if claim.signs is None:
        return runs
    above, ties, _ = claim.signs
    tied = f" and {counted(ties, 'tie')}" if ties else ""
    no_effect = "1×" if claim.unit == RATIO else "0"
    return f"{runs}, {above} of them above {no_effect}{tied}"
