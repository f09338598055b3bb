"""Brings a whole site up to date: reads its pages, runs the stale chains, stores what they gave.

The command, the tests and the MkDocs plugin all call `build`. Rendering comes afterwards, and looks
everything up.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from dlfaq.execution.differences import differences
from dlfaq.execution.executors import executor_at, workers
from dlfaq.execution.failures import changed_meanwhile
from dlfaq.execution.job import jobs_of
from dlfaq.execution.key import chain_key
from dlfaq.execution.meanwhile import changed_inputs, outdated
from dlfaq.execution.process import ABANDONED, ProcessEnd, run_task
from dlfaq.execution.progress import Progress
from dlfaq.execution.result import Outcome
from dlfaq.execution.runner import make_task, outcome_of
from dlfaq.execution.site import Site, read_pages
from dlfaq.execution.store import Store
from dlfaq.execution.temporary import sweep
from dlfaq.pages.agreement import disagreements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dlfaq.execution.job import Job
    from dlfaq.execution.result import Result
    from dlfaq.pages.config import Settings
    from dlfaq.pages.page import Page

__all__ = ["Report", "build", "known", "run_job", "run_jobs"]

_TRIES = 3

# What the store may take before results that no page refers to any more are deleted.
_MOST_BYTES = 2**30


@dataclass
class Report:
    """What a build did.

    Attributes:
        site: every page as read, and what each of its chains gave, run now or stored.
        ran: how many chains ran.
        failures: every failure, ready to print, its first line `docs/page.md:LINE: ...`.
        changed: with `check`, every difference from what is stored, ready to print.
    """

    site: Site
    ran: int = 0
    failures: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing failed and nothing differs."""
        return not self.failures and not self.changed


def run_jobs(
    jobs: Iterable[Job],
    settings: Settings,
    executor: Executor,
    done: Callable[[Job, Outcome], None],
) -> None:
    """Run chains and report each outcome as it comes.

    A chain that read files which changed before it ended runs again: its result belongs to no
    version of them. So does one that ran elsewhere on other files than ours.

    Args:
        jobs: what to run.
        settings: the site.
        executor: where to run; only this process reads and writes the store.
        done: called with each job and its outcome.
    """
    build = uuid4().hex
    pending: dict[Future[ProcessEnd], tuple[Job, int]] = {}

    def submit(job: Job, attempt: int) -> None:
        task = replace(make_task(job, settings), build=build)
        pending[executor.submit(run_task, task)] = (job, attempt)

    try:
        for job in jobs:
            submit(job, 1)
        while pending:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                job, attempt = pending.pop(future)
                outcome = _outcome(job, future.result(), settings, last=attempt == _TRIES)
                if outcome is None:
                    submit(job, attempt + 1)
                else:
                    done(job, outcome)
    except BaseException:
        ABANDONED.add(build)
        for future in pending:
            future.cancel()
        raise


def run_job(job: Job, settings: Settings, build: str) -> Outcome:
    """Run one chain here, as `run_jobs` does.

    Args:
        job: what to run.
        settings: the site.
        build: what is abandoned by this name ends at once.
    """
    for attempt in range(1, _TRIES + 1):
        ended = run_task(replace(make_task(job, settings), build=build))
        outcome = _outcome(job, ended, settings, last=attempt == _TRIES)
        if outcome is not None:
            return outcome
    raise AssertionError


def _outcome(job: Job, ended: ProcessEnd, settings: Settings, *, last: bool) -> Outcome | None:
    """What a chain gave; None if it has to run again."""
    outcome = outcome_of(job, ended, settings)
    changed = changed_inputs(ended, settings)
    if changed and not last:
        return None
    if changed:
        outcome.failures.append(changed_meanwhile(job, changed))
    return outcome


def build(
    settings: Settings,
    *,
    fresh: bool = False,
    check: bool = False,
    only: str = "*",
    pages: list[Page] | None = None,
    jobs: int | None = None,
    executor: str | None = None,
) -> Report:
    """Run every stale chain of a site.

    Args:
        settings: the site.
        fresh: run all chains, whatever the store holds.
        check: run all chains, write nothing, and compare with what is stored.
        only: which pages, as a pattern for their path relative to docs_dir.
        pages: those of the site, where somebody else says which they are; read if None.
        jobs: chains at once; DLFAQ_JOBS, else the cores, if None.
        executor: `dask://HOST:PORT` of a cluster to run on; this machine if None.

    Returns:
        What ran and every failure, each also printed as it comes; it raises for none of them.

    Raises:
        InputError: a setting is wrong, or the store cannot be written.
        DlfaqError: no process can be started here.
    """
    sweep()
    store = Store(settings)
    report = Report(Site(settings, read_pages(settings, only) if pages is None else pages))
    site = report.site
    all_jobs = jobs_of(site.pages)
    keys = {job.name: chain_key(job.chain, settings) for job in all_jobs}
    site.results = known(all_jobs, store)
    stored = {name: outcome.result for name, outcome in site.results.items() if outcome.ok}
    found = {} if fresh or check else site.results
    stale = [job for job in all_jobs if job.name not in found]
    ran: set[str] = set()
    with (
        executor_at(executor if stale else None, workers(jobs)) as (pool, count),
        Progress(len(stale), count) as progress,
    ):

        def done(job: Job, outcome: Outcome) -> None:
            ran.add(job.name)
            site.results[job.name] = outcome
            failed(list(map(str, outcome.failures)))
            progress.finished(ok=outcome.ok)
            if not check and outcome.ok:
                store.put(keys[job.name], outcome.result)

        def failed(failures: list[str]) -> None:
            report.failures += failures
            for failure in failures:
                progress.tell(failure)

        for page in site.pages:
            failed([str(error) for error in (*page.errors, *disagreements(page))])
        run_jobs(stale, settings, pool, done)
        for attempt in range(_TRIES if stale else 0):
            others = outdated(all_jobs, site)
            if attempt == _TRIES - 1:
                failed([str(changed_meanwhile(job, files)) for job, files in others])
            else:
                run_jobs([job for job, _ in others], settings, pool, done)
    report.ran = len(ran)
    if check:
        report.changed = _differences(all_jobs, stored, site)
    elif ran:
        store.prune(keys.values(), keys, above=_MOST_BYTES)
    return report


def _differences(jobs: Iterable[Job], stored: Mapping[str, Result], site: Site) -> list[str]:
    """Where chains that ran now gave another result than the stored one."""
    return [
        words
        for job in jobs
        if (outcome := site.results[job.name]).ok
        for words in differences(job, stored.get(job.name), outcome.result)
    ]


def known(jobs: Iterable[Job], store: Store, *, failures: bool = False) -> dict[str, Outcome]:
    """What is known of chains without running any, by name of the job.

    Args:
        jobs: the chains.
        store: the results of the site.
        failures: whether one that failed, and would fail again, is known too.
    """
    found = {}
    for job in jobs:
        key = chain_key(job.chain, store.settings)
        result = store.get(key, len(job.chain.snippets))
        outcome = None if result is None else Outcome(result)
        if outcome is None and failures:
            outcome = _failed_before(job, key, store)
        if outcome is not None:
            found[job.name] = outcome
    return found


def _failed_before(job: Job, key: str, store: Store) -> Outcome | None:
    """The last failure of a chain, if it would fail again: nothing that it has read is changed.

    So in serve a chain that hangs does not hold up every save of other text.
    """
    failure = store.last_failure(job.name, key)
    if failure is None or not failure.result.inputs:
        return None
    seen = failure.result.inputs.items()
    same = all(store.inputs.value(name) == value for name, value in seen)
    return failure if same else None
