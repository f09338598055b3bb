"""Brings a whole site up to date: reads its pages, runs the stale chains, stores what they gave.

The command, the tests and the MkDocs plugin all call `build`. Rendering comes afterwards, and looks
everything up.
"""

from __future__ import annotations

import os
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from dlfaq.errors import InputError, PageError
from dlfaq.execution.agreement import disagreements
from dlfaq.execution.front_matter import front_matter
from dlfaq.execution.key import level_1
from dlfaq.execution.page import Page, page_text, read_page
from dlfaq.execution.process import Ended, run_task, start_server
from dlfaq.execution.progress import Progress
from dlfaq.execution.runner import Job, make_task, outcome_of
from dlfaq.execution.snapshot import Snapshot
from dlfaq.execution.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dlfaq.execution.config import Settings
    from dlfaq.execution.result import Outcome, Result

__all__ = ["Report", "build", "jobs_of", "local_executor", "read_site", "run_jobs", "workers"]

_TRIES = 3


@dataclass
class Report:
    """What a build did.

    Attributes:
        pages: every page, as read.
        ran: how many chains ran.
        failures: every failure, ready to print, its first line `docs/page.md:LINE: ...`.
        changed: with `check`, chains whose result differs from the stored one.
    """

    pages: list[Page]
    ran: int = 0
    failures: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing failed and nothing differs."""
        return not self.failures and not self.changed


def workers() -> int:
    """How many chains run at once: DLFAQ_JOBS, else the cores this process may use.

    Raises:
        InputError: DLFAQ_JOBS is not a whole number above 0.
    """
    text = os.environ.get("DLFAQ_JOBS")
    if text is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if not text.isdecimal() or int(text) < 1:
        raise InputError(
            expected="a whole number above 0 in DLFAQ_JOBS", got=repr(text), cure="unset it"
        )
    return int(text)


def local_executor(jobs: int) -> ThreadPoolExecutor:
    """Threads that each wait for one process of the fork server."""
    return ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="dlfaq")


def read_site(settings: Settings, only: str = "*") -> list[Page]:
    """The pages of the site whose path, relative to docs_dir, fits a pattern; in order of paths."""
    files = sorted(settings.docs_dir.rglob("*.md"))
    chosen = [f for f in files if fnmatch(f.relative_to(settings.docs_dir).as_posix(), only)]
    return [read_page(file, settings) for file in chosen]


def jobs_of(pages: Iterable[Page], settings: Settings) -> list[Job]:
    """The chains of the pages that can be read. A figure that a card names is drawn small too."""
    wanted = _on_cards(settings)
    jobs = []
    for page in pages:
        for chain in page.chains if not page.errors else []:
            thumbs = frozenset(
                i
                for i, snippet in enumerate(chain.snippets)
                if (page.src, snippet.options.label) in wanted
            )
            jobs.append(Job(page, chain, thumbs))
    return jobs


def _on_cards(settings: Settings) -> set[tuple[str, str | None]]:
    """Page and label of the figures that the cards of the landing page show."""
    file = settings.docs_dir / "index.md"
    try:
        meta, _ = front_matter(page_text(file, settings.relative(file)), settings.relative(file))
    except (FileNotFoundError, PageError):
        return set()
    cards = meta.get("cards") or []
    return {(card.get("page"), card.get("figure")) for card in cards if isinstance(card, dict)}


def run_jobs(
    jobs: Iterable[Job],
    settings: Settings,
    executor: Executor,
    done: Callable[[Job, Outcome, bool], None],
) -> None:
    """Run chains and report each outcome as it comes.

    Args:
        jobs: what to run.
        settings: the site.
        executor: where to run; only this process reads and writes the store.
        done: called with job, outcome, and whether the outcome is of code that stood still.
    """
    jobs = list(jobs)
    excluded = make_task(jobs[0], settings).excluded if jobs else ()
    for attempt in range(1, _TRIES + 1):
        if not jobs:
            return
        before = Snapshot(settings.root, excluded)
        pending: dict[Future[Ended], Job] = {
            executor.submit(run_task, make_task(job, settings), settings.preload): job
            for job in jobs
        }
        jobs = []
        for future in as_completed(pending):
            job = pending.pop(future)
            outcome = outcome_of(job, future.result(), settings)
            still = not before.changed(outcome.result.files)
            if still or attempt == _TRIES:
                done(job, outcome, still)
            else:
                jobs.append(job)


def build(
    settings: Settings,
    *,
    fresh: bool = False,
    check: bool = False,
    serving: bool = False,
    only: str = "*",
    jobs: int | None = None,
) -> Report:
    """Run every stale chain of a site.

    Args:
        settings: the site.
        fresh: run all chains, whatever the store holds.
        check: run all chains, write nothing, and compare with what is stored.
        serving: keep last good results and last failures for `mkdocs serve` to show.
        only: which pages, as a pattern for their path relative to docs_dir.
        jobs: chains at once; the cores if None.

    Returns:
        What ran and every failure; it raises for none of them.
    """
    store = Store(settings)
    report = Report(read_site(settings, only))
    for page in report.pages:
        errors: list[PageError] = [*page.errors, *disagreements(page)]
        report.failures += map(str, errors)
    all_jobs = jobs_of(report.pages, settings)
    stored = {job.name: store.get(level_1(job.chain, settings, job.thumbs)) for job in all_jobs}
    stale = [job for job in all_jobs if fresh or check or stored[job.name] is None]
    count = jobs or workers()
    if stale:
        start_server(settings.preload)
    with local_executor(count) as executor, Progress(len(stale), count) as progress:

        def done(job: Job, outcome: Outcome, still: bool) -> None:  # noqa: FBT001
            failures = list(map(str, outcome.failures))
            if not still:
                failures.append(
                    f"{job.page.path}:{job.chain.head.start}: ChangedMeanwhile: files that this "
                    "chain reads changed each time it ran; run again when they stand still"
                )
            report.ran += 1
            report.failures += failures
            progress.finished(failures)
            if check:
                if outcome.ok and _differs(stored[job.name], outcome.result):
                    report.changed.append(f"{job.page.path}:{job.chain.head.start}")
                return
            _keep(store, job, outcome, settings, still=still, serving=serving)

        run_jobs(stale, settings, executor, done)
    return report


def _keep(
    store: Store, job: Job, outcome: Outcome, settings: Settings, *, still: bool, serving: bool
) -> None:
    first = level_1(job.chain, settings, job.thumbs)
    if outcome.ok and still:
        store.put(first, outcome.result)
    if serving:
        store.remember(job.name, first, outcome)


def _differs(stored: Result | None, result: Result) -> bool:
    """Whether two results differ in anything but when, how long and how much memory."""
    if stored is None:
        return True
    return _lasting(stored) != _lasting(result)


def _lasting(result: Result) -> Result:
    return replace(result, elapsed_s=0.0, peak_bytes=0, finished="")
