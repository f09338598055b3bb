"""What the commands have in common: their parsers, their options, their exit status."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TypeAlias

from dlfaq.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlfaq.execution.build import Report
    from dlfaq.pages.config import Settings

__all__ = [
    "DONE",
    "FAILED",
    "MISUSED",
    "Commands",
    "add_command",
    "built",
    "jobs_option",
    "page_option",
]

DONE, FAILED, MISUSED = 0, 1, 2

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int],
    help_: str,
    example: str,
) -> argparse.ArgumentParser:
    """Add a command; its `run` takes the options and gives the exit status."""
    command = commands.add_parser(
        name,
        help=help_,
        description=help_[0].upper() + help_[1:] + ".",
        epilog=f"example: {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=run)
    return command


def jobs_option(command: argparse.ArgumentParser) -> None:
    """Add `--jobs`."""
    command.add_argument("--jobs", type=int, metavar="N", help="chains at once (the cores)")


def page_option(command: argparse.ArgumentParser) -> None:
    """Add `--page`."""
    command.add_argument(
        "--page", default="*", metavar="GLOB", help="only pages whose path below docs fits"
    )


def built(options: argparse.Namespace, settings: Settings) -> Report:
    """Run what is stale of the pages that the options name.

    Raises:
        InputError: they name none.
    """
    # Here, so that a command of the library needs no package of the engine.
    from dlfaq.execution.build import build

    report = build(settings, only=options.page, jobs=options.jobs)
    if not report.site.pages:
        raise InputError(
            expected="a page below docs, or a pattern that fits some",
            got=options.page,
            cure="write for example gradients/zero-grad.md or 'gradients/*'",
        )
    return report
