"""What a build writes for programs beside its HTML: Markdown of each page, llms.txt, the feed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlfaq.site.lists.catalogue import catalogue_of, labs_of
from dlfaq.site.mkdocs.history import verdict_dates
from dlfaq.site.page.context import Context
from dlfaq.site.plain.feed import FeedEntry, feed_text
from dlfaq.site.plain.lists import llms_txt, plain_src
from dlfaq.site.plain.page import plain_page

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from dlfaq.execution.site import Site

__all__ = ["FEED", "feed", "plain_files"]

FEED = "feed.xml"


def feed(site: Site, urls: Mapping[str, str], *, name: str, address: str) -> str | None:
    """The text of the feed; None where the site has no address, or git tells no dates.

    Args:
        site: the pages.
        urls: where each page of the site lies, relative to `address`, by its source.
        name: of the site.
        address: of the site, with "/" at its end; "" where it is not known.

    Raises:
        PageError: the front matter of a question lacks what lists show.
    """
    if not address:
        return None
    dates = verdict_dates(site.settings.docs_dir)
    entries = [
        FeedEntry(question, address + urls[question.src], *dates[question.src])
        for question in catalogue_of(site.pages).questions
        if question.src in dates and question.src in urls
    ]
    return feed_text(name, address, address + FEED, entries) if entries else None


def plain_files(
    site: Site, shown: Collection[str], *, name: str, description: str, address: str
) -> dict[str, str]:
    """The text of llms.txt and of each page as Markdown, by where the site keeps it.

    Args:
        site: the pages with their results.
        shown: sources of the pages that the build shows.
        name: of the site.
        description: of the site, in a sentence.
        address: of the site, with "/" at its end; "" where it is not known.

    Raises:
        PageError: the front matter of a question or a lab lacks what lists show.
    """
    pages = [page for page in site.pages if page.src in shown and not page.errors]
    catalogue, labs = catalogue_of(site.pages), labs_of(pages)
    written = {
        plain_src(page.src): plain_page(Context.of(page, site), catalogue, labs) for page in pages
    }
    beside = [
        page
        for page in pages
        if not (page.is_question or page.is_lab or page.src.endswith("index.md"))
    ]
    text = llms_txt(name, description, catalogue, labs, beside, address=address)
    return {**written, "llms.txt": text}
