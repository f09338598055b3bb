"""Snippets of the pages are tests, through the store that the site uses; `--soak` for the night."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

# Chains fill the cores while other tests run; torch with two threads then waits for itself, and
# the library's tests take nine times as long. It must stand before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

pytest_plugins = ["dlfaq.pytest_plugin"]


def pytest_addoption(parser: "pytest.Parser") -> None:
    """Let a run ask for everything at its full count."""
    parser.addoption(
        "--soak",
        action="store_true",
        help="run every test at its full count, and those marked `soak` too (make soak)",
    )


def pytest_collection_modifyitems(config: "pytest.Config", items: "list[pytest.Item]") -> None:
    """Leave out what takes minutes, unless that was asked for."""
    if config.getoption("soak"):
        return
    left_out = [item for item in items if item.get_closest_marker("soak")]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
