"""Cuts a forked process off from everything but its chain. Linux only."""

from __future__ import annotations

import faulthandler
import fcntl
import importlib
import io
import multiprocessing
import os
import random
import resource
import signal
import sys
import tempfile
from multiprocessing import connection
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from dlfaq.execution.processes import adopt_orphans, descendants, kill_all
from dlfaq.execution.task import CHAIN_FILE, OUTPUT_LIMIT
from dlfaq.execution.worker.imports import when_imported
from dlfaq.execution.worker.memory import status_bytes
from dlfaq.execution.worker.surroundings import fix_environment

if TYPE_CHECKING:
    from pathlib import Path

    from dlfaq.execution.task import ChainTask

__all__ = [
    "isolate",
    "keep_room",
    "lift_memory_limit",
    "make_deterministic",
    "make_room",
]

_ROOM_BYTES = 2**20

_room: list[bytearray] = []


class _LimitedStream(io.TextIOWrapper):
    """A text stream that writes through to its file, up to a limit."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(os.fdopen(descriptor, "wb", 0, closefd=False), "utf-8", "replace")
        self.left = OUTPUT_LIMIT

    def write(self, text: str) -> int:
        if self.left > 0:
            kept = text[: self.left]
            self.left -= len(kept)
            if self.left == 0:
                kept += f"\n[cut: a chain shows at most {OUTPUT_LIMIT:,} characters]\n"
            super().write(kept)
            self.flush()
        return len(text)


def isolate(task: ChainTask, out: Path) -> None:
    """Own session, own folder, no input, output into files, a limit on memory."""
    os.setsid()
    adopt_orphans()
    _die_with_parent()
    (out / "cwd").mkdir()
    os.chdir(out / "cwd")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(out / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, descriptor)
        os.close(file)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), "utf-8")
    sys.stdout, sys.stderr = _LimitedStream(1), _LimitedStream(2)
    stack = (out / "stack").open("a", encoding="utf-8")
    _tell_where(stack)
    sys.argv = [CHAIN_FILE]
    # The server's start method would cost 4 s at the first DataLoader with workers.
    multiprocessing.set_start_method("fork", force=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit_memory(status_bytes("VmData") + task.memory_bytes)
    own = {
        "DLFAQ_RUNNER": "1",  # so that claims are recorded; see dlfaq.claims.claim
        "DLFAQ_SEED_OFFSET": str(task.seed_offset),
        "DLFAQ_DEVICE": task.device,
        "DLFAQ_PLACEBO": "1" if task.placebo else "0",
        "TMPDIR": str(out / "tmp"),  # so that nothing stays of what a chain leaves there
    }
    (out / "tmp").mkdir()
    tempfile.tempdir = None
    multiprocessing.current_process()._config.pop("tempdir", None)  # type: ignore[attr-defined]  # noqa: SLF001
    fix_environment(task.variables, own)
    sys.path.insert(0, task.root)
    importlib.invalidate_caches()


def _tell_where(stack: TextIO) -> None:
    """Have this process write where it is when it is ended, by a signal or by itself.

    The parent asks one that hangs by SIGUSR2.
    Python tells nobody of `os._exit`, and nothing can be told of SIGKILL once it has come.
    """
    faulthandler.enable(stack, all_threads=False)
    faulthandler.register(signal.SIGUSR2, stack, all_threads=False)
    me, leave = os.getpid(), os._exit

    def tell() -> None:
        if os.getpid() == me:
            faulthandler.dump_traceback(stack, all_threads=False)

    def tell_and_leave(status: int) -> NoReturn:
        tell()
        if os.getpid() == me:
            kill_all(descendants(me))
        leave(status)

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in {"os.kill", "os.killpg"} and arguments[0] == me:
            tell()

    os._exit = tell_and_leave
    sys.addaudithook(audit)


def _limit_memory(most: int) -> None:
    """Make an allocation beyond `most` bytes an exception; the hard limit stays, so it can end."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (hard if 0 <= hard < most else most, hard))


def keep_room() -> None:
    """Set some memory aside, for what has to be done when a snippet has used all it may."""
    if not _room:
        _room.append(bytearray(_ROOM_BYTES))


def make_room() -> None:
    """Give back what was set aside."""
    _room.clear()


def lift_memory_limit() -> None:
    """Let the chain's report take what it needs."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _die_with_parent() -> None:
    """Have the kernel kill this process group when the parent's end of its pipe closes.

    No thread waits for that, so a chain starts with one thread, and a busy one dies too.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    pipe = parent.sentinel
    fcntl.fcntl(pipe, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    # The kernel tells of the change only: one that came before the lines above is seen here.
    if connection.wait([pipe], timeout=0):
        os.killpg(0, signal.SIGKILL)


def make_deterministic(seed: int) -> None:
    """Seed the global generators and make torch deterministic and loud, once they are loaded."""
    random.seed(seed)

    def prepare(torch: Any) -> None:  # noqa: ANN401 - the module
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(mode=True)
        torch.set_warn_always(True)

    when_imported("numpy", lambda numpy: numpy.random.seed(seed))
    when_imported("torch", prepare)
