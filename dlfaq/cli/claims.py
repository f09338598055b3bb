"""`dlfaq claims`: a row for every claim, then what it all comes to."""

from __future__ import annotations

from dataclasses import replace
from math import isinf
from pathlib import Path
from typing import TYPE_CHECKING

from dlfaq.cli.commands import DONE, FAILED, add_command, built, jobs_option, page_option
from dlfaq.pages.config import read_settings
from dlfaq.protocol import seed_offset
from dlfaq.site.claim import numbers
from dlfaq.site.lists.evidence import evidence, write_evidence
from dlfaq.site.wording import counted
from dlfaq.writing.tables import text_table

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from dlfaq.cli.commands import Commands
    from dlfaq.protocol import Claim
    from dlfaq.site.lists.evidence import PageClaim

__all__ = ["columns_of_text", "in_standard_errors", "register"]

_VERDICTS = {True: "yes", False: "NO", None: "no arms"}
_ESTIMATES = {"holds": "(yes)", "refuted": "(no)", "inconclusive": "inconclusive"}
_INVERTED = {True: "HOLDS", False: "fails", None: "not gated"}
_WIDEST = 52
_COLUMNS = ("claim", "measured", "95 % interval", "threshold", "margin", "holds")


def register(commands: Commands) -> None:
    """Add the command."""
    claims = add_command(
        commands,
        "claims",
        _run,
        "check every claim and print what was measured",
        "dlfaq claims --seed-offset 1 --json fresh.json",
    )
    page_option(claims)
    jobs_option(claims)
    claims.add_argument("--seed-offset", metavar="N", help="run on other master seeds (0)")
    claims.add_argument("--json", type=Path, metavar="FILE", help="write them there as data, too")
    check = claims.add_mutually_exclusive_group()
    check.add_argument(
        "--mutate", action="store_true", help="show that each fails with its comparison inverted"
    )
    check.add_argument(
        "--placebo", action="store_true", help="show that no effect is found between equal arms"
    )


def _run(options: argparse.Namespace) -> int:
    settings = replace(read_settings(options.folder), placebo=options.placebo)
    if options.seed_offset is not None:
        settings = replace(settings, seed_offset=seed_offset(options.seed_offset))
    report = built(options, settings)
    found = evidence(report.site)
    inverted = [_inverted(one.claim) for one in found.claims] if options.mutate else None
    print(_table(found.claims, inverted))
    print(_summary(found.claims, inverted))
    if options.json is not None:
        write_evidence(options.json, found.to_json())
    wrong = _placebo_effects(found.claims) if options.placebo else any(inverted or [])
    return FAILED if wrong or report.failures else DONE


def _inverted(claim: Claim) -> bool | None:
    """Whether a claim holds with its comparison inverted; None for an estimate."""
    return claim.inverse_holds() if claim.gated else None


def in_standard_errors(claim: Claim) -> str:
    """The margin of a claim as text: `12.3 se`; `exact` where there is no chance."""
    if claim.standard_error is None:
        return "exact"
    return f"{numbers.number(claim.margin, None if isinf(claim.margin) else 1)} se"


def _table(claims: Sequence[PageClaim], inverted: Sequence[bool | None] | None) -> str:
    """One row for each claim; its margin is in standard errors."""
    rows = [_row(claim) for claim in claims]
    if inverted is None:
        return columns_of_text(_COLUMNS, rows)
    words = [_INVERTED[holds] for holds in inverted]
    rows = [[*row, word] for row, word in zip(rows, words, strict=True)]
    return columns_of_text([*_COLUMNS, "inverted"], rows)


def columns_of_text(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells are words, those of a long one on several lines."""
    return text_table(headings, rows, left=len(headings), widest=_WIDEST)


def _summary(claims: Sequence[PageClaim], inverted: Sequence[bool | None] | None) -> str:
    """How many claims hold, as measured and inverted."""
    gated = [one for one in claims if one.claim.gated]
    compared = [one for one in gated if one.holds is not None]
    held = sum(one.claim.holds() for one in compared)
    line = f"{held} of {len(compared)} claims hold"
    if len(compared) < len(gated):
        line += f"; {len(gated) - len(compared)} without arms"
    if len(gated) < len(claims):
        line += f"; {counted(len(claims) - len(gated), 'estimate')}, not gated"
    if inverted is not None:
        line += f"; inverted, {sum(map(bool, inverted))} of {len(gated)}"
    return line


def _placebo_effects(claims: Sequence[PageClaim]) -> list[PageClaim]:
    """The claims of an effect or an order that hold although both arms got the same treatment."""
    return [one for one in claims if one.holds and one.claim.kind in {"effect", "ordering"}]


def _verdict(one: PageClaim) -> str:
    if one.claim.gated or one.holds is None:
        return _VERDICTS[one.holds]
    return _ESTIMATES[one.claim.verdict]


def _row(one: PageClaim) -> list[str]:
    return [
        one.name,
        numbers.measured(one.claim),
        numbers.interval(one.claim) or "",
        numbers.threshold(one.claim),
        in_standard_errors(one.claim),
        _verdict(one),
    ]
