"""`dlfaq run`: brings what is stale up to date."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dlfaq.cli.commands import DONE, FAILED, add_command, jobs_option, page_option
from dlfaq.execution.build import build
from dlfaq.pages.config import read_settings

if TYPE_CHECKING:
    import argparse

    from dlfaq.cli.commands import Commands

__all__ = ["register"]


def register(commands: Commands) -> None:
    """Add the command."""
    run = add_command(commands, "run", _run, "run stale chains", "dlfaq run --page 'gradients/*'")
    page_option(run)
    jobs_option(run)
    run.add_argument("--fresh", action="store_true", help="run every chain, whatever is stored")
    run.add_argument(
        "--check",
        action="store_true",
        help="run every chain, write nothing, name each difference from what is stored",
    )
    run.add_argument(
        "--executor", metavar="dask://HOST:PORT", help="run on a Dask cluster (this machine)"
    )


def _run(options: argparse.Namespace) -> int:
    report = build(
        read_settings(options.folder),
        fresh=options.fresh,
        check=options.check,
        only=options.page,
        jobs=options.jobs,
        executor=options.executor,
    )
    for difference in report.changed:
        print(difference, file=sys.stderr)
    chains = sum(len(page.chains) for page in report.site.pages)
    print(f"{report.ran} of {chains} chains run, {len(report.failures)} failures")
    return DONE if report.ok else FAILED
