"""What the fork server holds: third-party packages loaded once and frozen, never the site's own.

Importing this module loads what DLFAQ_PRELOAD names, because a fork server can be told nothing but
which modules to import; without the variable it does nothing.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import time
import warnings
from contextlib import suppress
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING

from dlfaq.execution.processes import adopt_orphans, descendants, kill_all

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["load"]

#: How long to wait at the end for what was killed, and between two looks.
_PATIENCE_S = 5
_PAUSE_S = 0.01


def load(names: Iterable[str]) -> None:
    """Import the packages that are installed, warm them, and freeze all of it.

    Freezing keeps a child's garbage collector away from the server's objects: a collection there
    takes a tenth of the time, and copies no page of memory.
    """
    _leave_nobody_behind()
    # In a folder of its own no file of the site, such as a matplotlibrc, has a say.
    os.chdir("/")
    parent = os.getppid()
    for name in names:
        if os.getppid() != parent:
            sys.exit("the build that wanted this server is gone")
        try:
            import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name.split(".")[0]:
                raise
    import_module("dlfaq.execution.worker.main")
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        figure, axes = pyplot.subplots()
        axes.set_title("fonts")
        figure.savefig(BytesIO(), format="svg")
        pyplot.close(figure)
    gc.collect()
    gc.freeze()


def _leave_nobody_behind() -> None:
    """Have this server, which ends with its build, end what chains of it have started.

    The kernel ends a chain and its group; what has left the group is handed to this process.
    """
    adopt_orphans()
    warnings.filterwarnings("ignore", message="forkserver: waitpid returned unexpected pid")
    atexit.register(_end_all, os.getpid())


def _end_all(server: int) -> None:
    if os.getpid() != server:
        return
    end = time.monotonic() + _PATIENCE_S
    while (below := descendants(server)) and time.monotonic() < end:
        kill_all(below)
        # One more may be handed over by each that ends.
        with suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        time.sleep(_PAUSE_S)


if "DLFAQ_PRELOAD" in os.environ:
    load(name for name in os.environ["DLFAQ_PRELOAD"].split(",") if name)
