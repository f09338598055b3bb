"""A site as one build reads it: its pages, and what their chains gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property
from typing import TYPE_CHECKING

from dlfaq.execution.job import jobs_of
from dlfaq.execution.key import chain_key
from dlfaq.execution.result import Outcome
from dlfaq.execution.store import Store
from dlfaq.pages.notebooks import lab_files
from dlfaq.pages.reader import read_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from dlfaq.execution.result import Result
    from dlfaq.pages.config import Settings
    from dlfaq.pages.page import Page

__all__ = ["Site", "last_good", "read_pages", "read_site", "site_of"]


@dataclass
class Site:
    """The pages of a site and what is known of their chains.

    A build reads it once and hands it on to all that shows a page, so that no two parts of one
    build see different files.

    Attributes:
        settings: the site.
        pages: as read, in order of paths.
        results: what each chain gave when it ran last, by name of its job; one that failed has its
            failures too, one that never ran is missing.
        last_good: the result that a failed chain had before, kept by serve alone.
        pending: names of the jobs that have still to end, in serve alone.
    """

    settings: Settings
    pages: list[Page]
    results: dict[str, Outcome] = field(default_factory=dict)
    last_good: Mapping[str, Result] = field(default_factory=dict)
    pending: AbstractSet[str] = frozenset()

    @cached_property
    def _by_src(self) -> dict[str, Page]:
        return {page.src: page for page in self.pages}

    def page(self, src: str) -> Page | None:
        """The page of this path, relative to docs_dir; None if the site has none."""
        return self._by_src.get(src)


def read_pages(settings: Settings, only: str = "*") -> list[Page]:
    """The pages and labs whose path, relative to docs_dir, fits a pattern; in order of paths.

    Hidden files and folders hold none, as for MkDocs.
    """
    docs = settings.docs_dir
    found = []
    for file in sorted([*docs.rglob("*.md"), *lab_files(docs)]):
        src = file.relative_to(docs).as_posix()
        if fnmatch(src, only) and not any(part.startswith(".") for part in src.split("/")):
            found.append(read_page(file, settings))
    return found


def read_site(settings: Settings) -> Site:
    """The whole site and what is stored of it, for where no build has just read it."""
    return site_of(read_pages(settings), settings)


def site_of(pages: Iterable[Page], settings: Settings) -> Site:
    """A site of these pages, with what the store knows of their chains."""
    store = Store(settings)
    site = Site(settings, list(pages))
    for job in jobs_of(site.pages):
        key = chain_key(job.chain, settings)
        result = store.get(key, len(job.chain.snippets))
        found = store.last_failure(job.name, key) if result is None else Outcome(result)
        if found is not None:
            site.results[job.name] = found
    site.last_good = last_good(site, store)
    return site


def last_good(site: Site, store: Store) -> dict[str, Result]:
    """The last good result of each chain that failed or has still to end, where serve kept one."""
    failed = [name for name, outcome in site.results.items() if not outcome.ok]
    found = {name: store.last_good(name) for name in (*failed, *site.pending)}
    return {name: good for name, good in found.items() if good is not None}
