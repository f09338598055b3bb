"""Wall and CPU seconds of a command with everything that it starts."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Seconds", "serving", "timed", "until"]

_PR_SET_CHILD_SUBREAPER = 36


@dataclass
class Seconds:
    """What a command took."""

    wall: float
    cpu: float


def become_subreaper() -> None:
    """Processes whose parent ended become children of this one: their seconds count."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def environment(folder: Path) -> dict[str, str]:
    """One thread each; the modules of the site can be imported by every engine."""
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return os.environ | threads | {"PYTHONPATH": path, "NO_MKDOCS_2_WARNING": "1"}


def timed(command: Sequence[str], folder: Path) -> Seconds:
    """Run to the end, with the processes that outlive it.

    Raises:
        subprocess.CalledProcessError: it failed; its output is in the error.
    """
    become_subreaper()
    before, start = _children(), time.perf_counter()
    subprocess.run(
        command, cwd=folder, env=environment(folder), check=True, capture_output=True, text=True
    )
    wall = time.perf_counter() - start
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        return Seconds(wall, _children() - before)


@contextmanager
def serving(command: Sequence[str], folder: Path) -> Iterator[None]:
    """A server in the background."""
    with (
        (folder / "serve.log").open("w", encoding="utf-8") as log,
        subprocess.Popen(
            command, cwd=folder, env=environment(folder), stdout=log, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            yield
        finally:
            process.terminate()


def until(url: str, words: str, timeout: float = 600) -> float:
    """Seconds until a page has these words.

    Raises:
        TimeoutError: it has not.
    """
    start = time.perf_counter()
    while time.perf_counter() - start < timeout:
        try:
            with urlopen(url, timeout=timeout) as answer:  # noqa: S310 - our own server
                if answer.status == HTTPStatus.OK and words in answer.read().decode():
                    return time.perf_counter() - start
        except (URLError, ConnectionError):
            pass
        time.sleep(0.02)
    raise TimeoutError(f"{url} does not say {words!r} after {timeout} seconds")


def _children() -> float:
    """CPU seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
