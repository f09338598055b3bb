"""Where chains run: in threads that each wait for a process here, or on a Dask cluster."""

from __future__ import annotations

import os
import re
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dlfaq.errors import InputError
from dlfaq.execution.cluster import connected

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["executor_at", "local_executor", "workers"]


def workers(jobs: int | None = None) -> int:
    """How many chains run at once: as told, else DLFAQ_JOBS, else the cores this process may use.

    Raises:
        InputError: that is not a whole number above 0.
    """
    text = os.environ.get("DLFAQ_JOBS") if jobs is None else str(jobs)
    if text is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if not text.isdecimal() or int(text) < 1:
        raise InputError(
            expected="a whole number of chains at once, above 0",
            got=f"{'DLFAQ_JOBS=' if jobs is None else ''}{text}",
            cure="write 1 or more, or leave it out for one per core",
        )
    return int(text)


def local_executor(jobs: int) -> ThreadPoolExecutor:
    """Threads that each wait for one process of the fork server."""
    return ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="dlfaq")


@contextmanager
def executor_at(address: str | None, jobs: int) -> Iterator[tuple[Executor, int]]:
    """An executor, and how many chains it runs at once.

    Args:
        address: `dask://HOST:PORT` of a Dask scheduler, whose workers see this same checkout at the
            same path; None for this machine.
        jobs: how many chains run at once on this machine.

    Raises:
        InputError: the address is none, or nobody answers there.
        ExtraMissing: Dask is not installed.
        DlfaqError: by a chain's future: the scheduler is gone, or a worker has other packages.
    """
    if address is None:
        with local_executor(jobs) as executor:
            yield executor, jobs
        return
    match = re.fullmatch(r"dask://([^/]+:\d+)", address)
    if match is None:
        raise InputError(
            expected="an executor dask://HOST:PORT",
            got=repr(address),
            cure="name the scheduler, for example dask://127.0.0.1:8786",
        )
    with connected(match[1]) as (executor, count):
        yield executor, count
