"""Runs the chains of a site while its pages are already shown: for `mkdocs serve`."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING
from uuid import uuid4

from dlfaq.execution.build import run_job
from dlfaq.execution.executors import workers
from dlfaq.execution.key import chain_key
from dlfaq.execution.process import ABANDONED
from dlfaq.execution.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dlfaq.execution.job import Job
    from dlfaq.pages.config import Settings

__all__ = ["Background"]


class Background:
    """Chains that run one after the other, first those of the page that is looked at.

    Args:
        tell: called with each failure, in a thread of its own.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._build = uuid4().hex
        self._changed = threading.Condition()
        self._settings: Settings | None = None
        #: By the key of the chain: what waits, and what runs.
        self._waiting: dict[str, Job] = {}
        self._running: dict[str, Job] = {}
        #: Keys of chains that could not be run or stored at all: to try again would have no end.
        self._given_up: set[str] = set()
        self._threads: list[threading.Thread] = []
        #: The page whose chains come first, by its path relative to docs_dir.
        self.looked_at = ""
        #: How many chains have ended.
        self.ended = 0

    def want(self, jobs: Iterable[Job], settings: Settings) -> None:
        """From here on run these chains, and none that waits but is no longer among them."""
        with self._changed:
            self._settings = settings
            wanted = {chain_key(job.chain, settings): job for job in jobs}
            begun = self._running.keys() | self._given_up
            self._waiting = {key: job for key, job in wanted.items() if key not in begun}
            for _ in range(min(workers(), len(self._waiting)) - len(self._threads)):
                thread = threading.Thread(target=self._work, daemon=True, name="dlfaq-background")
                self._threads.append(thread)
                thread.start()
            self._changed.notify_all()

    def pending(self) -> set[str]:
        """The names of the jobs that wait or run."""
        with self._changed:
            return {job.name for job in (*self._waiting.values(), *self._running.values())}

    def pending_pages(self) -> set[str]:
        """The pages of these jobs, by their paths relative to docs_dir."""
        with self._changed:
            return {job.page.src for job in (*self._waiting.values(), *self._running.values())}

    def wait(self, seconds: float) -> None:
        """Wait until all have ended, but not longer than this."""
        end = time.monotonic() + seconds
        with self._changed:
            while self._waiting or self._running:
                left = end - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    return

    def wait_for_another(self, ended: int) -> None:
        """Wait until more than so many have ended."""
        with self._changed:
            while self.ended <= ended:
                self._changed.wait()

    def close(self) -> None:
        """End what runs, and begin nothing more."""
        ABANDONED.add(self._build)
        with self._changed:
            self._waiting.clear()

    def _work(self) -> None:
        while self._build not in ABANDONED:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                key = next(
                    (k for k, job in self._waiting.items() if job.page.src == self.looked_at),
                    next(iter(self._waiting)),
                )
                job = self._running[key] = self._waiting.pop(key)
                settings = self._settings
            assert settings is not None
            try:
                self._run(job, key, settings)
            finally:
                with self._changed:
                    del self._running[key]
                    self.ended += 1
                    self._changed.notify_all()

    def _run(self, job: Job, key: str, settings: Settings) -> None:
        try:
            outcome = run_job(job, settings, self._build)
            if self._build in ABANDONED:  # no fault of the chain, to be remembered as one
                return
            store = Store(settings)
            if outcome.ok:
                store.put(key, outcome.result)
            store.remember(job.name, key, outcome)
        except Exception as error:  # noqa: BLE001 - a thread that ends would run no other chain
            self._given_up.add(key)
            self._tell(f"{job.page.path}:{job.chain.head.start}: {error}")
            return
        for failure in outcome.failures:
            self._tell(str(failure))
