"""The pytest glue: what pytest-codeblocks collects from a page runs through our runner and store.

Named by a conftest as `pytest_plugins = ["dlfaq.pytest_plugin"]`, with `--codeblocks` on. Its
parser decides which snippets exist; ours runs each chain in a process of its own, and a site built
afterwards finds every result. Every page of the site also gets an item that compares the readers.
A lab is a chain that pytest-codeblocks cannot see: it gets both items from here. A chain
that is over its budget fails, and with the last chain of a page all of them together.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from _pytest._code.code import ReprFileLocation, TerminalRepr

from dlfaq.errors import DlfaqError, InputError
from dlfaq.execution.budget import chain_over_budget, page_over_budget
from dlfaq.execution.build import run_jobs
from dlfaq.execution.executors import local_executor, workers
from dlfaq.execution.job import jobs_of
from dlfaq.execution.key import chain_key
from dlfaq.execution.result import Outcome, Result
from dlfaq.execution.store import Store
from dlfaq.pages.agreement import disagreements
from dlfaq.pages.config import Settings, read_settings
from dlfaq.pages.notebooks import is_lab
from dlfaq.pages.reader import read_page

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from _pytest._io import TerminalWriter

    from dlfaq.execution.job import Job
    from dlfaq.pages.page import Page

    _Run = tuple[Job, Future[Outcome]]
    _Runs = list[_Run]

__all__ = ["ChainFailed", "LabFile", "LabRun", "PageCheck", "PageFile"]


class ChainFailed(DlfaqError):
    """A chain failed; its text is what a build prints of it."""


class _FailureText(TerminalRepr):
    """A failure as a build tells it, with its first line in pytest's summary."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.reprcrash = ReprFileLocation("", 0, text.partition("\n")[0])

    def toterminal(self, tw: TerminalWriter) -> None:
        """Write the whole text."""
        tw.line(self.text)


def _failure_repr(excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # noqa: ANN401 - as pytest has it
    if excinfo.errisinstance(ChainFailed):
        return _FailureText(str(excinfo.value))
    return excinfo.getrepr()


class PageCheck(pytest.Item):
    """Fails where a page cannot be read, or where its readers see different snippets."""

    def runtest(self) -> None:
        """Compare our reader with pytest-codeblocks, or of a lab with jupytext."""
        settings = _site(self.path)
        assert settings is not None
        page = _page(self.path, settings)
        errors = [*page.errors, *disagreements(page)]
        if errors:
            raise ChainFailed("\n".join(map(str, errors)))

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: str | None = None
    ) -> Any:  # noqa: ANN401 - as pytest has it
        """Show the lines that a build would print."""
        del style
        return _failure_repr(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Name the page."""
        return self.path, 0, "readers agree"


class PageFile(pytest.File):
    """A page of the site."""

    def collect(self) -> Iterator[pytest.Item]:
        """Its one check; its snippets are pytest-codeblocks' to collect."""
        yield PageCheck.from_parent(self, name="readers agree")


class LabRun(pytest.Item):
    """The one chain of a lab."""

    def runtest(self) -> None:
        """Be replaced, once the run is under way."""
        raise ChainFailed("this lab was not handed to the runner")

    def reportinfo(self) -> tuple[Path, int, str]:
        """Name the lab."""
        return self.path, 0, self.name


class LabFile(pytest.File):
    """A lab of the site."""

    def collect(self) -> Iterator[pytest.Item]:
        """Its check and, if it can be read and has code, its run."""
        yield PageCheck.from_parent(self, name="readers agree")
        settings = _site(self.path)
        assert settings is not None
        for job in jobs_of([_page(self.path, settings)]):
            yield LabRun.from_parent(self, name=f"line {job.chain.head.start}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--fresh`."""
    parser.addoption("--fresh", action="store_true", help="run every chain, whatever is stored")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out the built site, where each page may stand as Markdown too."""
    settings = _site(collection_path)
    built = settings is not None and collection_path.is_relative_to(settings.site_dir)
    return True if built else None


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Collect the check of a page, or a lab, where snippets are collected at all."""
    found = yield
    if file_path.suffix not in {".md", ".py"} or not parent.config.getoption("codeblocks"):
        return found
    settings = _site(file_path)
    if settings is None or not file_path.is_relative_to(settings.docs_dir):
        return found
    if file_path.suffix == ".md":
        return [*found, PageFile.from_parent(parent, path=file_path)]
    if is_lab(file_path.relative_to(settings.docs_dir).as_posix()):
        # Named on the command line it is a module of tests too, which would be imported here.
        return [LabFile.from_parent(parent, path=file_path)]
    return found


def pytest_collection_finish(session: pytest.Session) -> None:
    """Hand the stale chains of all selected snippets to the runner, and give each item its wait."""
    if session.config.getoption("collectonly"):
        return
    sites: dict[Settings, _Runs] = {}
    fresh = bool(session.config.getoption("fresh"))
    for path, blocks in _collected(session).items():
        settings = _site(path)
        if settings is None or not path.is_relative_to(settings.docs_dir):
            continue
        jobs = {job.chain.head.start: job for job in jobs_of([_page(path, settings)])}
        runs: _Runs = []
        for block in blocks:
            job = jobs.get(_line(block))
            future: Future[Outcome] = Future()
            _run_ours(block, future, job, runs if block is blocks[-1] else ())
            if job is not None:
                runs.append((job, future))
            if job is None:
                future.set_exception(ChainFailed(_unseen(path, settings, block)))
            elif not fresh and _stored(job, settings, future):
                continue
            else:
                sites.setdefault(settings, []).append((job, future))
    for settings, wanted in sites.items():
        threading.Thread(target=_run_all, args=(settings, wanted), daemon=True).start()


def _collected(session: pytest.Session) -> dict[Path, list[pytest.Item]]:
    """The items that stand for a chain, by their pages."""
    items: dict[Path, list[pytest.Item]] = {}
    for item in session.items:
        if isinstance(item, LabRun) or type(item).__module__ == "pytest_codeblocks.plugin":
            items.setdefault(item.path, []).append(item)
    return items


def _run_ours(
    item: pytest.Item, future: Future[Outcome], job: Job | None, page: Sequence[_Run]
) -> None:
    """Put our run in place of pytest-codeblocks' `exec` in this very process.

    Args:
        item: what pytest collected.
        future: what its chain will give.
        job: its chain; None where our reader does not see it.
        page: the selected chains of the page, for the last of them to add up.
    """

    def runtest() -> None:
        outcome = future.result()
        problems = [str(failure) for failure in outcome.failures]
        if job is not None and (over := chain_over_budget(job, outcome.result)):
            problems.append(over)
        if over := page_over_budget(_ran(page)):
            problems.append(over)
        if problems:
            raise ChainFailed("\n".join(problems))

    item.runtest = runtest  # type: ignore[method-assign]
    item.repr_failure = _failure_repr  # type: ignore[method-assign,assignment]


def _ran(page: Sequence[_Run]) -> list[tuple[Job, Result]]:
    """The results of a page's chains, once all have ended; what gave none has its own item."""
    return [(job, one.result().result) for job, one in page if one.exception() is None]


def _line(item: pytest.Item) -> int:
    """The line that a chain begins at."""
    if isinstance(item, LabRun):
        return int(item.name.removeprefix("line "))
    line: int = item.obj.lineno  # type: ignore[attr-defined]
    return line


def _unseen(path: Path, settings: Settings, item: pytest.Item) -> str:
    page = _page(path, settings)
    if page.errors:
        return "\n".join(map(str, page.errors))
    place = f"{page.path}:{_line(item)}"
    return f"{place}: pytest-codeblocks collects a snippet that this site does not run"


def _stored(job: Job, settings: Settings, future: Future[Outcome]) -> bool:
    key = chain_key(job.chain, settings)
    result = Store(settings).get(key, len(job.chain.snippets))
    if result is not None:
        future.set_result(Outcome(result))
    return result is not None


def _run_all(settings: Settings, wanted: Sequence[_Run]) -> None:
    store = Store(settings)
    futures = {job.name: future for job, future in wanted}

    def done(job: Job, outcome: Outcome) -> None:
        if outcome.ok:
            store.put(chain_key(job.chain, settings), outcome.result)
        futures.pop(job.name).set_result(outcome)

    try:
        with local_executor(workers()) as executor:
            run_jobs([job for job, _ in wanted], settings, executor, done)
    except BaseException as error:  # noqa: BLE001 - an item that waits for ever tells nothing
        for future in futures.values():
            future.set_exception(error)


@cache
def _page(path: Path, settings: Settings) -> Page:
    return read_page(path, settings)


def _site(path: Path) -> Settings | None:
    """The site that a file belongs to: that of the nearest mkdocs.yml above that lists us."""
    for folder in path.parents:
        if (folder / "mkdocs.yml").is_file():
            return _settings(folder)
    return None


@cache
def _settings(folder: Path) -> Settings | None:
    try:
        return read_settings(folder)
    except InputError:
        return None
