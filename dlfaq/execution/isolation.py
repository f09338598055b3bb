"""Cuts a forked process off from everything but its chain, and watches what it uses. Linux only."""

from __future__ import annotations

import faulthandler
import fcntl
import importlib
import multiprocessing
import os
import random
import resource
import signal
import sys
import time
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Protocol

__all__ = [
    "OUTPUT_LIMIT",
    "STACK_SIGNAL",
    "Forks",
    "isolate",
    "peak_bytes",
    "reads_under",
    "seed_everything",
    "start_peak",
]

#: Bytes that one chain may print; what is beyond is dropped, and said so.
OUTPUT_LIMIT = 200_000

#: On this signal the process writes where it is into the file `stack`.
STACK_SIGNAL = signal.SIGUSR2

_MASTER_SEED = 10
_SEEDS_PER_MASTER = 100


class _Limits(Protocol):
    @property
    def memory_bytes(self) -> int: ...
    @property
    def seed_offset(self) -> int: ...
    @property
    def device(self) -> str: ...
    @property
    def root(self) -> str: ...


class _LimitedStream(TextIOWrapper):
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


class Forks:
    """Knows whether this process is a copy that a snippet forked, and waits for such copies.

    A copy that also runs to the end of the chain would report twice; each leaves a mark instead.
    """

    _PATIENCE_S = 1.0

    def __init__(self) -> None:
        self.is_copy = False
        self.count = 0
        os.register_at_fork(after_in_child=self._in_copy, after_in_parent=self._in_parent)

    def _in_copy(self) -> None:
        self.is_copy = True

    def _in_parent(self) -> None:
        self.count += 1

    def wait_for_copies(self, mark: Path) -> None:
        """Give copies a second to reach the end of the chain, if there are any."""
        end = time.monotonic() + self._PATIENCE_S
        while self.count and not mark.exists() and time.monotonic() < end:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                time.sleep(0.01)


def isolate(task: _Limits, out: Path) -> None:
    """Own session, own folder, no input, output into files, a limit on memory."""
    os.setsid()
    _die_with_parent()
    (out / "cwd").mkdir()
    os.chdir(out / "cwd")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(out / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, descriptor)
        os.close(file)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - lives as long as the process
    sys.stdout, sys.stderr = _LimitedStream(1), _LimitedStream(2)
    stack = open(out / "stack", "w", encoding="utf-8")  # noqa: PTH123, SIM115 - the same
    faulthandler.enable(stack, all_threads=False)
    faulthandler.register(STACK_SIGNAL, stack, all_threads=False)
    # The server's start method would cost 4 s at the first DataLoader with workers.
    multiprocessing.set_start_method("fork", force=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit = _status_bytes("VmData") + task.memory_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    os.environ["DLFAQ_SEED_OFFSET"] = str(task.seed_offset)
    os.environ["DLFAQ_DEVICE"] = task.device
    sys.path.insert(0, task.root)
    importlib.invalidate_caches()


def _die_with_parent() -> None:
    """Have the kernel kill this process group when the parent's end of its pipe closes.

    No thread waits for that, so a chain starts with one thread, and a busy one dies too.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    pipe = parent.sentinel
    fcntl.fcntl(pipe, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)  # type: ignore[attr-defined]
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)


def seed_everything(seed_offset: int) -> None:
    """Seed the global generators and make torch deterministic and loud, where they are loaded."""
    seed = _SEEDS_PER_MASTER * (_MASTER_SEED + seed_offset)
    random.seed(seed)
    modules: dict[str, Any] = sys.modules  # type: ignore[assignment]
    if "numpy" in modules:
        modules["numpy"].random.seed(seed)
    if "torch" in modules:
        torch = modules["torch"]
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(mode=True)
        torch.set_warn_always(True)


def reads_under(root: str) -> set[str]:
    """A set that fills with the files that this process opens for reading under a folder."""
    opened: set[str] = set()
    prefix = root + os.sep

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not isinstance(arguments[0], (str, os.PathLike)):
            return
        path = os.path.abspath(os.fspath(arguments[0]))  # noqa: PTH100 - a link stays what it is
        reads = arguments[2] & os.O_ACCMODE != os.O_WRONLY
        if reads and path.startswith(prefix) and not path.endswith(".pyc"):
            opened.add(path)

    sys.addaudithook(note)
    return opened


_base_bytes = 0


def start_peak() -> None:
    """From here on count memory: a child's marks start at what it inherits from the server."""
    global _base_bytes  # noqa: PLW0603 - one chain a process
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    _base_bytes = _status_bytes("VmRSS")


def peak_bytes() -> int:
    """The most memory this process held since `start_peak`, beyond what it held then."""
    return max(0, _status_bytes("VmHWM") - _base_bytes)


def _status_bytes(name: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").split("\n"):
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {name} in /proc/self/status")
