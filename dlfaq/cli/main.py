"""The command dlfaq: each of its commands is a file beside this one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dlfaq.cli import claims, clean, drift, lint, memory, new, pilot, run
from dlfaq.cli.commands import MISUSED
from dlfaq.errors import DlfaqError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: as the shell gives them; those of this process if None.

    Returns:
        0 done, 1 something on a page failed or does not hold, 2 used wrongly.
    """
    options = _parser().parse_args(arguments)
    try:
        status: int = options.command(options)
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
    for command in (run, claims, pilot, drift, clean, memory, lint, new):
        command.register(commands)
    return parser
