"""The command dlfaq: each of its commands is a file beside this one."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from dlfaq.cli.commands import MISUSED
from dlfaq.errors import DlfaqError, ExtraMissing
from dlfaq.extras import extra_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlfaq.cli.commands import Commands

__all__ = ["main"]

_COMMANDS = ("run", "claims", "pilot", "drift", "clean", "memory", "lint", "new")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: as the shell gives them; those of this process if None.

    Returns:
        0 done, 1 something on a page failed or does not hold, 2 used wrongly.
    """
    parser = _parser()
    options, unknown = parser.parse_known_args(arguments)
    try:
        if isinstance(options.command, ExtraMissing):
            raise options.command
        if unknown:
            parser.error(f"unrecognized arguments: {' '.join(unknown)}")
        status: int = options.command(options)
    except ModuleNotFoundError as error:
        lacking = error if isinstance(error, ExtraMissing) else extra_missing(error)
        if lacking is None:
            raise
        print(f"dlfaq: {lacking}", file=sys.stderr)
        return MISUSED
    except DlfaqError as error:
        print(f"dlfaq: {error}", file=sys.stderr)
        return MISUSED
    except KeyboardInterrupt:
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dlfaq",
        description="Runs the pages of a site and checks what they claim.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n"
        "  dlfaq run                       run what is stale\n"
        "  dlfaq -C docs-site run --fresh  run everything of another site\n"
        "  dlfaq pilot 'gradients/*'       try claims on exploration seeds\n"
        "  dlfaq claims --seed-offset 1    check every claim on seeds nobody has seen\n"
        "  dlfaq memory torchvision:vit_b_16 --fit 24GiB",
    )
    parser.add_argument(
        "-C",
        dest="folder",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="the folder of mkdocs.yml",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in _COMMANDS:
        _register(name, commands)
    return parser


def _register(name: str, commands: Commands) -> None:
    """Add a command; one whose packages are not installed says so when it is called."""
    try:
        import_module(f"dlfaq.cli.{name}").register(commands)
    except ModuleNotFoundError as error:
        lacking = extra_missing(error)
        if lacking is None:
            raise
        told = commands.add_parser(name, help=f"needs more: {lacking.cure}", add_help=False)
        told.set_defaults(command=lacking)
