"""The fork server: loads the third-party packages once and starts a process for each chain.

Linux only. A site that asks for other packages gets a server of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import types
from contextlib import ExitStack, contextmanager
from multiprocessing import forkserver, util
from typing import TYPE_CHECKING, Any

from dlfaq.errors import DlfaqError
from dlfaq.execution.temporary import sweep, temporary_folder
from dlfaq.execution.variables import FIXED, given, is_passed_on

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

    from dlfaq.execution.task import ChainTask

__all__ = ["start", "start_server"]

_lock = threading.Lock()
_servers: dict[tuple[str, ...], forkserver.ForkServer] = {}


def start_server(preload: Sequence[str]) -> None:
    """Start the fork server, if it does not run yet; it loads its packages in the background.

    Raises:
        DlfaqError: the system has no fork server of the kind the engine needs.
    """
    if not sys.platform.startswith("linux"):
        raise DlfaqError(
            f"expected Linux to run pages; got {sys.platform}, which lacks a fork server with "
            "process groups and memory limits; the library works here, run pages in a container"
        )
    with _lock, _environment_of_the_server(preload):
        _server(preload).ensure_running()


def start(task: ChainTask, folder: Path) -> ForkServerProcess:
    """Start the process of a chain, which leaves what it has to tell in `folder`.

    Raises:
        DlfaqError: no process can be started.
    """
    from dlfaq.execution.worker import main as worker  # noqa: PLC0415 - it loads on Linux only

    start_server(task.preload)
    # A worker of Dask is a daemon, which multiprocessing lets have no children of its own.
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]  # noqa: SLF001
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=worker.main, args=(task, str(folder)), name="dlfaq-chain")
    try:
        with _lock, _hidden_main(), _environment_of_the_server(task.preload):
            # multiprocessing knows one server only, which it asks by this function; a server
            # that died in the meantime is started again by it.
            forkserver.connect_to_new_process = _server(task.preload).connect_to_new_process
            process.start()
    except (EOFError, OSError) as error:
        raise DlfaqError(
            f"expected a fork server that holds {', '.join(task.preload)}; got {error!r}; what "
            "stopped it stands above, most often a module of `preload` that fails to load"
        ) from None
    return process


def _server(preload: Sequence[str]) -> forkserver.ForkServer:
    """The fork server that holds these modules: sites of one process may ask for different ones."""
    key = tuple(preload)
    if key not in _servers:
        _own_folder()
        _servers[key] = forkserver.ForkServer()
        _servers[key].set_forkserver_preload(["dlfaq.execution.worker.preload"])
    return _servers[key]


def _own_folder() -> None:
    """Have multiprocessing keep its socket where it is swept up should this process be killed."""
    config = multiprocessing.current_process()._config  # type: ignore[attr-defined]  # noqa: SLF001
    if config.get("tempdir") is None:
        sweep()
        folder = ExitStack()
        config["tempdir"] = str(folder.enter_context(temporary_folder()))
        # After the exit function of multiprocessing itself, which ends what uses the folder.
        util.Finalize(None, folder.close, exitpriority=-100)


@contextmanager
def _environment_of_the_server(preload: Sequence[str]) -> Iterator[None]:
    """What this thread starts through multiprocessing gets the server's variables.

    multiprocessing has no place for an environment. To set the variables here would show them to
    all threads, and every program that another thread starts at that moment would load torch, or
    take a claim of its own for a build's.
    """
    passed_on = {name: value for name, value in given(os.environ).items() if is_passed_on(name)}
    variables = {**passed_on, **FIXED, "DLFAQ_PRELOAD": ",".join(preload)}
    thread, usual = threading.get_ident(), util.spawnv_passfds

    def spawn(path: bytes, args: Sequence[Any], passfds: Sequence[int]) -> int:
        if threading.get_ident() != thread:
            return usual(path, args, passfds)
        # Duplicated onto itself, a file descriptor stays open in the program that is started.
        stay_open = [(os.POSIX_SPAWN_DUP2, fd, fd) for fd in passfds]
        return os.posix_spawn(path, list(args), variables, file_actions=stay_open)

    util.spawnv_passfds = spawn
    try:
        yield
    finally:
        util.spawnv_passfds = usual


@contextmanager
def _hidden_main() -> Iterator[None]:
    """Children would import the parent's script, mkdocs or pytest, before anything else."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
