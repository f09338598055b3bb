"""The feed of a site: each question with its verdict, and when that was new or changed last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from dlfaq.site.elements import element
from dlfaq.site.verdicts import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from dlfaq.site.lists.catalogue import Question

__all__ = ["FeedEntry", "feed_text"]


@dataclass(frozen=True)
class FeedEntry:
    """One question in the feed.

    Attributes:
        question: the question.
        address: of its page, which is also what a reader's program knows it by.
        published: when it first had a verdict.
        updated: when its verdict, or the answer in one sentence, changed last.
    """

    question: Question
    address: str
    published: datetime
    updated: datetime


def feed_text(name: str, address: str, source: str, entries: Iterable[FeedEntry]) -> str:
    """Write the feed as Atom, what changed last first.

    Args:
        name: of the site, which is the author too.
        address: of the site.
        source: address of the feed itself.
        entries: at least one.

    Source:
        RFC 4287, The Atom Syndication Format, section 4.1.
    """
    newest_first = sorted(entries, key=lambda entry: (entry.updated, entry.address), reverse=True)
    feed = element(
        "feed",
        element("title", name),
        element("id", address),
        element("link", href=address),
        element("link", rel="self", type="application/atom+xml", href=source),
        element("updated", newest_first[0].updated.isoformat()),
        element("author", element("name", name)),
        *map(_entry, newest_first),
        xmlns="http://www.w3.org/2005/Atom",
    )
    ET.indent(feed, " ")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(feed, encoding="unicode")}\n'


def _entry(entry: FeedEntry) -> ET.Element:
    question = entry.question
    return element(
        "entry",
        element("title", f"{question.title} ({VERDICTS[question.status]})"),
        element("id", entry.address),
        element("link", href=entry.address),
        element("published", entry.published.isoformat()),
        element("updated", entry.updated.isoformat()),
        element("summary", question.description),
    )
