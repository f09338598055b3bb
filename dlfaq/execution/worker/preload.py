"""What the fork server holds: third-party packages loaded once and frozen, never the site's own.

Importing this module loads what DLFAQ_PRELOAD names, because a fork server can be told nothing but
which modules to import; without the variable it does nothing.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["load"]


def load(names: Iterable[str]) -> None:
    """Import the packages that are installed, warm them, and freeze all of it.

    Freezing keeps a child's garbage collector away from the server's objects: a collection there
    takes a tenth of the time, and copies no page of memory.
    """
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


if "DLFAQ_PRELOAD" in os.environ:
    load(name for name in os.environ["DLFAQ_PRELOAD"].split(",") if name)
