"""Hears errors that reach nobody: in threads, tasks, destructors and processes of its own.

Python prints them and goes on. Of a page they would be published, and the build would pass.
"""

from __future__ import annotations

import gc
import logging
import re
import sys
import threading
from multiprocessing.process import BaseProcess
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Unheard"]

# A script waits at its end for threads and processes as long as they like.
_PATIENCE_S = 5.0

_STILL_RUNS = re.compile(r"subprocess \d+ is still running")


class Unheard(logging.Handler):
    """Tells of each error that nobody caught, wherever it happened.

    Args:
        tell: called with the exception.
    """

    def __init__(self, tell: Callable[[BaseException], None]) -> None:
        super().__init__(logging.ERROR)
        self._tell = tell
        self._processes: list[BaseProcess] = []
        threading.excepthook = self._in_thread
        sys.unraisablehook = self._in_destructor
        logging.getLogger("asyncio").addHandler(self)
        start = BaseProcess.start

        def start_and_note(process: BaseProcess) -> None:
            start(process)
            self._processes.append(process)

        BaseProcess.start = start_and_note  # type: ignore[assignment, method-assign]

    def wait_for_all(self, namespace: dict[str, Any]) -> None:
        """Wait a while for threads and processes, as a script does, and let everything go.

        Args:
            namespace: of the chain, which holds no values then.
        """
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join(_PATIENCE_S)
        for process in self._processes:
            self._end_of(process)
        self._processes.clear()
        for name, value in list(namespace.items()):
            # What a destructor may need stays.
            if not isinstance(value, (ModuleType, FunctionType, type)):
                del namespace[name]
        del value
        gc.collect()

    def _end_of(self, process: BaseProcess) -> None:
        try:
            if not process.daemon:
                process.join(_PATIENCE_S)
            status = process.exitcode
        except ValueError:  # the page has closed it, and so has seen its end
            return
        if status is not None and status > 0:
            self._tell(
                ChildProcessError(
                    f"a process that it started ended with status {status}; what it wrote to "
                    "standard error says why"
                )
            )

    def _in_thread(self, arguments: threading.ExceptHookArgs) -> None:
        if isinstance(arguments.exc_value, Exception):
            self._tell(arguments.exc_value)

    def _in_destructor(self, arguments: sys.UnraisableHookArgs) -> None:
        error = arguments.exc_value
        if isinstance(error, ResourceWarning) and _STILL_RUNS.fullmatch(str(error)):
            error = ResourceWarning("a program that it started still runs; wait for it, or end it")
        if error is not None:
            self._tell(error)

    def emit(self, record: logging.LogRecord) -> None:
        """Hear of a task whose exception nobody asked for."""
        if record.exc_info and record.exc_info[1] is not None:
            self._tell(record.exc_info[1])
