"""The feed, held against RFC 4287."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from dlfaq.site.lists.catalogue import Question
from dlfaq.site.plain.feed import FeedEntry, feed_text

ATOM = "{http://www.w3.org/2005/Atom}"
SITE = "https://example.org/faq/"


def entry(title, published, updated, status="wrong"):
    question = Question(f"t/{title}.md", title, "So <it> is.", (), status, 1, "t/index.md")
    days = (datetime(2026, 11, day, 12, tzinfo=UTC) for day in (published, updated))
    return FeedEntry(question, f"{SITE}t/{title}/", *days)


def parsed(*entries):
    return ET.fromstring(feed_text("Folklore & more", SITE, f"{SITE}feed.xml", entries))


def test_a_feed_has_what_atom_requires():
    feed = parsed(entry("a", 1, 2))
    assert feed.tag == f"{ATOM}feed"
    assert feed.findtext(f"{ATOM}title") == "Folklore & more"
    assert feed.findtext(f"{ATOM}id") == SITE
    assert feed.findtext(f"{ATOM}updated") == "2026-11-02T12:00:00+00:00"
    assert feed.findtext(f"{ATOM}author/{ATOM}name") == "Folklore & more"
    (own,) = (link for link in feed.findall(f"{ATOM}link") if link.get("rel") == "self")
    assert own.get("href") == f"{SITE}feed.xml"


def test_an_entry_is_a_question_with_its_verdict_its_answer_and_its_days():
    (one,) = parsed(entry("a", 1, 2)).findall(f"{ATOM}entry")
    words = {child.tag.removeprefix(ATOM): child.text for child in one}
    assert words == {
        "title": "a (Wrong)",
        "id": f"{SITE}t/a/",
        "link": None,
        "published": "2026-11-01T12:00:00+00:00",
        "updated": "2026-11-02T12:00:00+00:00",
        "summary": "So <it> is.",
    }
    assert one.find(f"{ATOM}link").get("href") == f"{SITE}t/a/"


def test_what_changed_last_comes_first():
    feed = parsed(entry("a", 1, 3), entry("b", 2, 5), entry("c", 4, 4))
    assert [one.text for one in feed.iter(f"{ATOM}title")][1:] == [
        "b (Wrong)",
        "c (Wrong)",
        "a (Wrong)",
    ]
    assert feed.findtext(f"{ATOM}updated") == "2026-11-05T12:00:00+00:00"
