"""Runs one chain in a process of its own, waits for it, and ends all it left.

`run_task` is the unit that an executor maps: plain data in, plain data out. Linux only.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import time
from dataclasses import dataclass, field, replace
from multiprocessing import connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlfaq.execution.fork_server import start
from dlfaq.execution.processes import descendants, kill_all
from dlfaq.execution.task import OUTPUT_LIMIT
from dlfaq.execution.temporary import temporary_folder
from dlfaq.execution.variables import MACHINE
from dlfaq.execution.worker.reads import what_was_read

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

    from dlfaq.execution.task import ChainTask

__all__ = ["ABANDONED", "ProcessEnd", "run_task"]

#: Builds of this process whose chains are ended and no longer started, as at Ctrl-C.
ABANDONED: set[str] = set()

#: How often a running chain is looked at, and how long it may take to say where it hangs.
_POLL_S = 0.1
_STACK_S = 0.2

#: Bytes that a chain and the processes it starts may write to their output before they are ended.
_FLOOD_BYTES = 100_000_000


#: More than the report of most chains.
_ROOM_BYTES = 1_000_000


@dataclass
class ProcessEnd:
    """How a chain's process ended and what it left, as plain data.

    Attributes:
        report: what the process reported at its end, or None if it never got there.
        reason: why there is no report: "Timeout", "Flood", "Copy", "Exit", "Signal", "Abandoned" or
            "NoRoom".
        code: exit status, negative for a signal.
        stdout: all it printed; `marks` says where each snippet begins in it.
        stderr: the same for standard error.
        marks: offset of each snippet begun, as (stdout, stderr).
        stack: where it was when it crashed or was ended, as faulthandler writes it.
        inputs: what it depended on besides its code, name to value.
        changed: which of them changed meanwhile.
    """

    report: dict[str, Any] | None = None
    reason: str = ""
    code: int = 0
    stdout: bytes = b""
    stderr: bytes = b""
    marks: list[tuple[int, int]] = field(default_factory=list)
    stack: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)


def run_task(task: ChainTask) -> ProcessEnd:
    """Run one chain in a fresh process and wait for its end.

    Returns:
        How it ended. The process, and whatever it started, is gone.

    Raises:
        DlfaqError: no process can be started.
    """
    # A worker of a cluster has a home and a path of its own.
    here = {name: os.environ[name] for name in MACHINE if name in os.environ}
    task = replace(task, variables={**task.variables, **here})
    with temporary_folder() as folder:
        process = start(task, folder)
        try:
            reason = _wait(process, folder, task)
            if reason in {"Timeout", "Flood"}:
                _ask_where(process.pid, folder / "stack")
        finally:
            _end_group(process.pid)
            process.join()
        ended = _read(folder, task)
        ended.code = process.exitcode or 0
        process.close()
        if not reason and ended.report is None and not _has_room(folder):
            reason = "NoRoom"
    if reason:
        ended.reason, ended.report = reason, None
    elif ended.report is None:
        ended.reason = "Signal" if ended.code < 0 else "Exit"
    return ended


def _wait(process: ForkServerProcess, folder: Path, task: ChainTask) -> str:
    """Wait for the end of the process; the reason if it has to be ended before.

    The time that it waits for a processor does not count: it says something of the machine only.
    """
    end = time.monotonic() + task.timeout_s
    while not connection.wait(
        [process.sentinel], timeout=min(_POLL_S, max(0.0, end - time.monotonic()))
    ):
        if time.monotonic() >= end + _waited_s(process.pid):
            return "Timeout"
        if task.build in ABANDONED:
            return "Abandoned"
        written = sum(_size(folder / name) for name in ("stdout", "stderr"))
        if written > _FLOOD_BYTES:
            return "Flood"
    return "Copy" if (folder / "copy").exists() else ""


def _waited_s(pid: int | None) -> float:
    """Seconds in which a process could have run and got no processor; 0 if nobody counts them."""
    try:
        _, waited_ns, _ = Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return 0.0
    return int(waited_ns) / 1e9


def _ask_where(pid: int | None, stack: Path) -> None:
    """Have a hanging process write its stack, and give it a moment to do so."""
    with contextlib.suppress(ProcessLookupError, TypeError):
        os.kill(pid, signal.SIGUSR2)  # type: ignore[arg-type]
        end = time.monotonic() + _STACK_S
        while _size(stack) == 0 and time.monotonic() < end:
            time.sleep(0.01)


def _end_group(pid: int | None) -> None:
    """End the process and all it started, also what has a session of its own."""
    if pid is None:
        return
    below = descendants(pid)
    for end in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            end(pid, signal.SIGKILL)
    kill_all(below)


def _has_room(folder: Path) -> bool:
    """Whether the disk is not full: who cannot write a report cannot write that either."""
    try:
        (folder / "room").write_bytes(bytes(_ROOM_BYTES))
    except OSError as error:
        return error.errno not in {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
    return True


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _read(folder: Path, task: ChainTask) -> ProcessEnd:
    def read(name: str, most: int = -1) -> bytes:
        try:
            with (folder / name).open("rb") as stream:
                return stream.read(most)
        except OSError:
            return b""

    report = read("report.json")
    marks = [line.split() for line in read("progress").decode().splitlines()]
    inputs, changed = what_was_read(folder / "reads", task.inputs)
    return ProcessEnd(
        report=json.loads(report) if report else None,
        stdout=read("stdout", 8 * OUTPUT_LIMIT),
        stderr=read("stderr", 8 * OUTPUT_LIMIT),
        marks=[(int(out), int(err)) for out, err in marks],
        # The last is where it ended; one may have been written before, at a signal it survived.
        stack=read("stack").decode(errors="replace").split("(most recent call first)")[-1],
        inputs=inputs,
        changed=changed,
    )
