"""A Dask cluster as an executor: its workers run chains, and only this process stores results.

Dask runs a chain again whose worker was lost. What is left is to refuse a worker on which a chain
could give something else, and to say what happened where the scheduler is lost.
"""

from __future__ import annotations

import logging
import platform
import sys
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager
from functools import cache
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

from dlfaq.errors import DlfaqError, InputError
from dlfaq.extras import NUMERICAL, extra_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["connected"]

_RETRIES = 2  # of a chain whose worker was lost
_PATIENCE_S = 10
_SHOWN = 3  # packages that differ


@contextmanager
def connected(place: str) -> Iterator[tuple[Executor, int]]:
    """An executor on a cluster, and how many chains it runs at once, as far as is known now.

    Args:
        place: `HOST:PORT` of the scheduler.

    Raises:
        InputError: nobody answers there.
        ExtraMissing: Dask is not installed.
    """
    try:
        client_of = import_module("distributed").Client
    except ModuleNotFoundError as error:
        raise (extra_missing(error) or error) from None
    for name in ("distributed", "distributed.client"):
        # It would print a traceback for each try to reach a scheduler that is gone.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = client_of(f"tcp://{place}", timeout=_PATIENCE_S)
    except OSError as error:
        raise InputError(
            expected=f"a Dask scheduler at {place}",
            got=str(error),
            cure="start one: dask scheduler",
        ) from None
    with client:
        count = sum(client.ncores().values())
        if count == 0:
            # Some clusters start workers when there is work.
            told = f"no worker at {place} yet; chains wait for one: dask worker tcp://{place}"
            print(f"dlfaq: {told}", file=sys.stderr)
        yield _Cluster(client.get_executor(pure=False, retries=_RETRIES), place), max(1, count)


class _Cluster(Executor):
    """Dask's executor, with errors that say what to do.

    Args:
        dask: Dask's own.
        place: `HOST:PORT` of the scheduler.
    """

    def __init__(self, dask: Executor, place: str) -> None:
        self._dask = dask
        self._place = place

    def submit(self, run: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:  # noqa: ANN401 - as Executor has it
        """Run something on a worker, if that has our packages."""
        told: Future[Any] = Future()
        future = self._dask.submit(_run_alike, _packages(), run, *given, **named)

        def pass_on(done: Future[Any]) -> None:
            if not told.set_running_or_notify_cancel():
                return
            try:
                told.set_result(done.result())
            except CancelledError:
                gone = f"expected a Dask scheduler at {self._place}; got none any more"
                told.set_exception(DlfaqError(f"{gone}; start it, and this again: {_KEPT}"))
            except DlfaqError as error:
                told.set_exception(error)
            except Exception as error:  # noqa: BLE001 - whatever a worker or Dask itself raises
                failed = f"expected a worker that runs chains; got {type(error).__name__}: {error}"
                told.set_exception(DlfaqError(f"{failed}; its log says more, and {_KEPT}"))

        future.add_done_callback(pass_on)
        told.add_done_callback(lambda one: one.cancelled() and future.cancel())
        return told


_KEPT = "what has run is stored"


@cache
def _packages() -> Mapping[str, str]:
    """Name and version of what is installed here."""
    # Of two of one name, the first on the path is the one that is imported.
    found = {one.name: one.version for one in reversed(list(metadata.distributions()))}
    return {"Python": platform.python_version(), **found}


def _run_alike(
    wanted: Mapping[str, str],
    run: Callable[..., Any],
    *given: Any,  # noqa: ANN401 - as Executor has it
    **named: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """On a worker: run something, if what is installed there is what is installed at home.

    A result is stored under the versions of the machine that asked for it.

    Raises:
        DlfaqError: a package is of another version.
    """
    here = _packages()
    # What only one of the two has is seen by a chain that imports it; of these, by its key.
    differ = [
        f"{name} {here.get(name, 'absent')} in place of {version}"
        for name, version in wanted.items()
        if here.get(name, "absent" if name in NUMERICAL else version) != version
    ]
    if differ:
        raise DlfaqError(
            f"expected a worker with the packages of this machine; got, on {platform.node()}, "
            f"{', '.join(differ[:_SHOWN])}; install the same lock there"
        )
    return run(*given, **named)
