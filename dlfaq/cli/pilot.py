"""`dlfaq pilot`: a page's claims over exploration master seeds, as rule 6 of the protocol asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dlfaq.cli.commands import DONE, FAILED, add_command, built, jobs_option
from dlfaq.pages.config import read_settings
from dlfaq.protocol import EXPLORATION, RATIO
from dlfaq.site.lists.evidence import evidence, write_evidence
from dlfaq.site.lists.pilots import SPREADS, pilot_file, pilot_json, piloted
from dlfaq.site.wording import counted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from dlfaq.cli.commands import Commands
    from dlfaq.execution.build import Report
    from dlfaq.pages.config import Settings
    from dlfaq.protocol import Claim
    from dlfaq.site.lists.evidence import Evidence, PageClaim
    from dlfaq.site.lists.pilots import Pilot, PilotEnd

__all__ = ["MasterRun", "pilot_ok", "pilot_report", "register"]


def register(commands: Commands) -> None:
    """Add the command."""
    pilot = add_command(
        commands,
        "pilot",
        _run,
        "run a page's claims over exploration seeds",
        "dlfaq pilot gradients/zero-grad.md --json",
    )
    pilot.add_argument("page", help="path below docs, or a pattern")
    pilot.add_argument(
        "--masters",
        type=int,
        default=len(EXPLORATION),
        choices=range(2, len(EXPLORATION) + 1),
        metavar="N",
        help="how many master seeds, 2 to 10 (10)",
    )
    pilot.add_argument(
        "--json",
        action="store_true",
        help="keep what it gave below docs in pilots/, where the Evidence page reads it",
    )
    jobs_option(pilot)


@dataclass(frozen=True)
class MasterRun:
    """What the page gave on one master seed.

    Attributes:
        offset: the seed offset of the master.
        found: its claims, held or not.
        broken: failures of chains other than claims that do not hold, a line each.
    """

    offset: int
    found: Evidence
    broken: Sequence[str] = ()


def _run(options: argparse.Namespace) -> int:
    settings = read_settings(options.folder)
    runs = []
    for offset in EXPLORATION[: options.masters]:
        shifted = replace(settings, seed_offset=offset)
        runs.append(_master_run(shifted, built(options, shifted)))
    print(pilot_report(runs))
    if options.json:
        _keep(runs, settings)
    return DONE if pilot_ok(runs) else FAILED


def _master_run(settings: Settings, report: Report) -> MasterRun:
    broken = [str(error) for page in report.site.pages for error in page.errors]
    broken += [
        failure.summary
        for outcome in report.site.results.values()
        for failure in outcome.failures
        if failure.kind != "ClaimFailed"
    ]
    found = evidence(report.site)
    return MasterRun(settings.seed_offset, found, broken)


def _keep(runs: Sequence[MasterRun], settings: Settings) -> None:
    """Write a file for each page that makes a claim."""
    pages: dict[str, list[Pilot]] = {}
    for claims in _by_place(runs):
        pages.setdefault(claims[0].page, []).append(piloted([one.claim for one in claims]))
    for page, pilots in pages.items():
        src = page.removeprefix(f"{settings.relative(settings.docs_dir)}/")
        file = pilot_file(settings, src)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_evidence(file, pilot_json(page, len(runs), runs[0].found.environment, pilots))
        print(f"written: {settings.relative(file)}")


def _by_place(runs: Sequence[MasterRun]) -> list[list[PageClaim]]:
    """Each claim as the masters gave it."""
    places: dict[str, list[PageClaim]] = {}
    for run in runs:
        for one in run.found.claims:
            places.setdefault(one.name, []).append(one)
    return list(places.values())


def pilot_ok(runs: Sequence[MasterRun]) -> bool:
    """Whether every chain ran to its end and every claim held, on every master."""
    fallen = any(one.claim.fails for run in runs for one in run.found.claims)
    return not fallen and not any(run.broken for run in runs)


def pilot_report(runs: Sequence[MasterRun]) -> str:
    """For each claim: mean and spread over masters, rule 6, and the threshold in force."""
    blocks = [_block(claims, len(runs)) for claims in _by_place(runs)]
    broken = [f"seed offset {run.offset}: {line}" for run in runs for line in run.broken]
    if broken:
        blocks.append(
            "\n".join(
                ["chains that broke off; what they would have claimed is missing above:", *broken]
            )
        )
    return "\n\n".join(blocks) or "the page makes no claim"


def _block(claims: Sequence[PageClaim], masters: int) -> str:
    first = claims[0].claim
    measured = [one.claim.measured for one in claims]
    pilot = piloted([one.claim for one in claims])
    held = f"holds on {pilot.holds} of {counted(masters, 'master')}"
    held += "" if first.gated else " (an estimate: not gated)"
    missing = masters - len(claims)
    lines = [
        f"{claims[0].page}:{first.line} {first.kind}: {first.statement}",
        f"measured {pilot.mean:.4g} ({min(measured):.4g} to {max(measured):.4g})",
        *(_end_line(end, first) for end in pilot.ends),
        held + (f", not made on {missing}" if missing else ""),
    ]
    return "\n  ".join(lines)


def _end_line(end: PilotEnd, claim: Claim) -> str:
    """One end of the interval over masters against its threshold."""
    upper = end.end == "upper"
    limit = claim.high if upper else claim.low
    tight = limit < end.tightest if upper else limit > end.tightest
    name = "measured" if claim.interval is None else f"{end.end} end"
    logs = " (of logs)" if claim.unit == RATIO and claim.interval is not None else ""
    return (
        f"{name}: mean {end.mean:.4g}, sd {end.sd:.3g}{logs}, "
        f"mean {'+' if upper else '-'} {SPREADS} sd {end.tightest:.4g}; "
        f"threshold in force {limit:g}{', too tight' if tight else ''}"
    )
