"""The command dlfaq."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dlfaq.errors import DlfaqError, InputError
from dlfaq.execution.build import Report, build
from dlfaq.pages.config import Settings, read_settings, seed_offset

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

DONE, FAILED, MISUSED = 0, 1, 2

_EXPLORATION = range(-10, 0)


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


def _run(options: argparse.Namespace) -> int:
    report = build(
        read_settings(options.folder),
        fresh=options.fresh,
        check=options.check,
        only=options.page,
        jobs=options.jobs,
        executor=options.executor,
    )
    for place in report.changed:
        print(f"{place}: Changed: the result differs from the stored one", file=sys.stderr)
    chains = sum(len(page.chains) for page in report.site.pages)
    print(f"{report.ran} of {chains} chains run, {len(report.failures)} failures")
    return DONE if report.ok else FAILED


def _claims(options: argparse.Namespace) -> int:
    from dlfaq.claims.mutation import inverse_holds
    from dlfaq.cli.claims import claims_table, placebo_effects, summary
    from dlfaq.site.lists.evidence import evidence, write_evidence

    settings = replace(read_settings(options.folder), placebo=options.placebo)
    if options.seed_offset is not None:
        settings = replace(settings, seed_offset=seed_offset(options.seed_offset))
    report = _built(options, settings)
    data = evidence(report.site)
    claims = data["claims"]
    inverted = (
        [inverse_holds(claim) if claim["gated"] else None for claim in claims]
        if options.mutate
        else None
    )
    print(claims_table(claims, inverted))
    print(summary(claims, inverted))
    if options.json is not None:
        write_evidence(options.json, data)
    wrong = placebo_effects(claims) if options.placebo else any(inverted or [])
    return FAILED if wrong or report.failures else DONE


def _pilot(options: argparse.Namespace) -> int:
    from dlfaq.cli.pilot import master_run, pilot_ok, pilot_report

    settings = read_settings(options.folder)
    runs = []
    for offset in _EXPLORATION[: options.masters]:
        shifted = replace(settings, seed_offset=offset)
        runs.append(master_run(shifted, _built(options, shifted)))
    print(pilot_report(runs))
    return DONE if pilot_ok(runs) else FAILED


def _drift(options: argparse.Namespace) -> int:
    from dlfaq.cli.drift import drift, read_evidence
    from dlfaq.site.lists.evidence import write_evidence

    found = drift(read_evidence(options.old), read_evidence(options.new))
    print(found.report)
    if options.json is not None:
        write_evidence(options.json, found.record)
    return DONE if found.ok else FAILED


def _built(options: argparse.Namespace, settings: Settings) -> Report:
    report = build(settings, only=options.page, jobs=options.jobs)
    if not report.site.pages:
        raise InputError(
            expected="a page below docs, or a pattern that fits some",
            got=options.page,
            cure="write for example gradients/zero-grad.md or 'gradients/*'",
        )
    return report


def _memory(options: argparse.Namespace) -> int:
    from dlfaq.memory.command import report

    print(report(options))
    return DONE


def _lint(options: argparse.Namespace) -> int:
    from dlfaq.cli.lint import lint

    errors = lint(read_settings(options.folder))
    for error in errors:
        print(error)
    return FAILED if errors else DONE


def _new(options: argparse.Namespace) -> int:
    from dlfaq.cli.new import new_page

    settings = read_settings(options.folder)
    file = new_page(options.question, settings, options.topic, options.answers)
    print(f"{settings.relative(file)} is ready to edit; `make serve` shows it as you write")
    return DONE


def _parser() -> argparse.ArgumentParser:
    from dlfaq.cli.memory import add_options

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

    run = _command(commands, "run", _run, "run stale chains", "dlfaq run --page 'gradients/*'")
    _page_option(run)
    _jobs_option(run)
    run.add_argument("--fresh", action="store_true", help="run every chain, whatever is stored")
    run.add_argument(
        "--check",
        action="store_true",
        help="run every chain, write nothing, compare with the store",
    )
    run.add_argument(
        "--executor", metavar="dask://HOST:PORT", help="run on a Dask cluster (this machine)"
    )

    claims = _command(
        commands,
        "claims",
        _claims,
        "check every claim and print what was measured",
        "dlfaq claims --seed-offset 1 --json fresh.json",
    )
    _page_option(claims)
    _jobs_option(claims)
    claims.add_argument("--seed-offset", metavar="N", help="run on other master seeds (0)")
    claims.add_argument("--json", type=Path, metavar="FILE", help="write them there as data, too")
    check = claims.add_mutually_exclusive_group()
    check.add_argument(
        "--mutate", action="store_true", help="show that each fails with its comparison inverted"
    )
    check.add_argument(
        "--placebo", action="store_true", help="show that no effect is found between equal arms"
    )

    pilot = _command(
        commands,
        "pilot",
        _pilot,
        "run a page's claims over exploration seeds",
        "dlfaq pilot gradients/zero-grad.md",
    )
    pilot.add_argument("page", help="path below docs, or a pattern")
    pilot.add_argument(
        "--masters",
        type=int,
        default=10,
        choices=range(2, 11),
        metavar="N",
        help="how many master seeds, 2 to 10 (10)",
    )
    _jobs_option(pilot)

    drift = _command(
        commands,
        "drift",
        _drift,
        "list the claims that moved between two runs",
        "dlfaq drift evidence-old.json evidence.json",
    )
    drift.add_argument("old", type=Path, metavar="OLD.json", help="written by dlfaq claims --json")
    drift.add_argument("new", type=Path, metavar="NEW.json", help="the same from another run")
    drift.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="write both as data: what `{drift}` on a page shows",
    )

    memory = _command(
        commands,
        "memory",
        _memory,
        "predict the memory of a training step, without a GPU",
        "dlfaq memory torchvision:resnet50 --batch-size 32 --precision bf16 --checkpointing\n"
        "         dlfaq memory net.py:make_model --optimizer sgd --fit 24GiB --json memory.json",
    )
    add_options(memory)

    _command(commands, "lint", _lint, "check pages without running them", "dlfaq lint")

    new = _command(
        commands,
        "new",
        _new,
        "begin a page that runs",
        'dlfaq new "Why clip gradients?" --topic optimisation',
    )
    new.add_argument("question", help="the title of the page")
    new.add_argument("--topic", default="optimisation", help="a folder of docs (optimisation)")
    new.add_argument("--answers", metavar="ID", help="its ID, if it is one of the forty")
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    function: object,
    help_: str,
    example: str,
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=help_,
        description=help_[0].upper() + help_[1:] + ".",
        epilog=f"example: {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=function)
    return command


def _jobs_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--jobs", type=int, metavar="N", help="chains at once (the cores)")


def _page_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--page", default="*", metavar="GLOB", help="only pages whose path below docs fits"
    )
