"""Says under which conditions a page ran: the section "This page ran"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dlfaq.site.elements import element
from dlfaq.site.wording import day, duration, seed_ranges, size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from xml.etree.ElementTree import Element

__all__ = ["Run", "this_page_ran"]


@dataclass(frozen=True)
class Run:
    """What the chains of a page needed together.

    Attributes:
        verified: when the oldest of their results was made; None where none is there.
        seeds: all seeds behind the page's claims.
        elapsed_s: their seconds, summed, one core each.
        peak_bytes: the most memory one of them took.
        versions: name and version of what matters, in the order shown.
        answers: the question IDs of the page.
        package: the name of what the page imports from this site, and its version as a link.
    """

    verified: date | None
    seeds: Sequence[int]
    elapsed_s: float
    peak_bytes: float
    versions: Mapping[str, str] = field(default_factory=dict)
    answers: Sequence[str] = ()
    package: tuple[str, Element] | None = None


def this_page_ran(run: Run) -> list[Element]:
    """Build heading and `dl.dl-ran`. What differs between two builds stands in class dl-run."""
    rows: list[tuple[str, str | Element, str]] = []
    if run.verified is not None:
        rows.append(("Verified", day(run.verified), "dl-run"))
    if run.seeds:
        rows.append(("Seeds", seed_ranges(run.seeds), ""))
    rows.append(("Time", f"{duration(run.elapsed_s)}, one core", "dl-run"))
    rows.append(("Peak memory", size(run.peak_bytes), "dl-run"))
    rows += [(name, version, "") for name, version in run.versions.items()]
    if run.package is not None:
        rows.append((*run.package, ""))
    if run.answers:
        rows.append(("Answers", ", ".join(run.answers), ""))
    facts = element("dl", *map(_row, rows), class_="dl-ran", data_search_exclude="")
    return [element("h2", "This page ran", data_search_exclude=""), facts]


def _row(row: tuple[str, str | Element, str]) -> Element:
    term, words, name = row
    words_ = element("dd", words, class_=name) if name else element("dd", words)
    return element("div", element("dt", term), words_)
