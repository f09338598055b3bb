"""`dlfaq clean`: forgets the results that no page refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlfaq.cli.commands import DONE, add_command
from dlfaq.execution.job import jobs_of
from dlfaq.execution.key import chain_key
from dlfaq.execution.site import read_pages
from dlfaq.execution.store import Store
from dlfaq.pages.config import read_settings

if TYPE_CHECKING:
    import argparse

    from dlfaq.cli.commands import Commands

__all__ = ["register"]


def register(commands: Commands) -> None:
    """Add the command."""
    add_command(commands, "clean", _clean, "forget results that no page refers to", "dlfaq clean")


def _clean(options: argparse.Namespace) -> int:
    settings = read_settings(options.folder)
    jobs = jobs_of(read_pages(settings))
    keys = [chain_key(job.chain, settings) for job in jobs]
    freed = Store(settings).prune(keys, [job.name for job in jobs])
    print(f"{freed / 1e6:.1f} MB of results forgotten, those of {len(jobs)} chains kept")
    return DONE
