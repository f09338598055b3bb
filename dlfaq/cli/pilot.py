"""A page's claims over exploration master seeds, as rule 6 of the protocol asks for them."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlfaq.site.lists.evidence import evidence
from dlfaq.site.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlfaq.execution.build import Report
    from dlfaq.pages.config import Settings

__all__ = ["MasterRun", "master_run", "pilot_ok", "pilot_report"]

_SPREADS = 5


@dataclass(frozen=True)
class MasterRun:
    """What the page gave on one master seed.

    Attributes:
        offset: the seed offset of the master.
        claims: its claims, held or not, as `evidence.json` has them.
        broken: failures of chains other than claims that do not hold, a line each.
    """

    offset: int
    claims: Sequence[dict[str, Any]]
    broken: Sequence[str] = ()


def master_run(settings: Settings, report: Report) -> MasterRun:
    """What a build of the page on one master seed comes to."""
    broken = [str(error) for page in report.site.pages for error in page.errors]
    broken += [
        failure.summary
        for outcome in report.site.results.values()
        for failure in outcome.failures
        if failure.kind != "ClaimFailed"
    ]
    claims = evidence(report.site)["claims"]
    return MasterRun(settings.seed_offset, claims, broken)


def pilot_ok(runs: Sequence[MasterRun]) -> bool:
    """Whether every chain ran to its end and every claim held, on every master."""
    held = (claim["holds"] or not claim["gated"] for run in runs for claim in run.claims)
    return not any(run.broken for run in runs) and all(held)


def pilot_report(runs: Sequence[MasterRun]) -> str:
    """For each claim: mean and spread over masters, where rule 6 puts the threshold, where it is.

    A claim is decided by the end of its interval that is nearest to its threshold. That end has a
    mean and a standard deviation over masters; a threshold is no tighter than 5 of these below the
    mean (above it for "at most", outside both for "within").
    """
    by_place: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for run in runs:
        for claim in run.claims:
            place = claim["page"], claim["line"], claim["statement"]
            by_place.setdefault(place, []).append(claim)
    blocks = [_block(claims, len(runs)) for claims in by_place.values()]
    broken = [f"seed offset {run.offset}: {line}" for run in runs for line in run.broken]
    if broken:
        blocks.append(
            "\n".join(
                ["chains that broke off; what they would have claimed is missing above:", *broken]
            )
        )
    return "\n\n".join(blocks) or "the page makes no claim"


def _block(claims: list[dict[str, Any]], masters: int) -> str:
    first = claims[0]
    measured = [claim["measured"] for claim in claims]
    lines = [
        f"{first['page']}:{first['line']} {first['kind']}: {first['statement']}",
        f"measured {_mean(measured, first):.4g} ({min(measured):.4g} to {max(measured):.4g})",
    ]
    limit = first["threshold"]
    if first["comparator"] != "at_most":
        lines.append(_end(claims, 0, limit[0] if isinstance(limit, list) else limit))
    if first["comparator"] != "at_least":
        lines.append(_end(claims, 1, limit[1] if isinstance(limit, list) else limit))
    held = f"holds on {sum(claim['holds'] for claim in claims)} of {counted(masters, 'master')}"
    held += "" if first["gated"] else " (an estimate: not gated)"
    missing = masters - len(claims)
    lines.append(held + (f", not made on {missing}" if missing else ""))
    return "\n  ".join(lines)


def _end(claims: list[dict[str, Any]], which: int, threshold: float) -> str:
    """One end of the interval over masters, lower (0) or upper (1), against its threshold."""
    first = claims[0]
    ratio = first["unit"] == "×" and first["interval"] is not None
    ends = [(claim["interval"] or [claim["measured"]] * 2)[which] for claim in claims]
    values = [math.log(end) for end in ends] if ratio else ends
    mean = statistics.fmean(values)
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    sign = 1 if which else -1
    tightest = mean + sign * _SPREADS * spread
    if ratio:
        mean, tightest = math.exp(mean), math.exp(tightest)
    name = "measured" if first["interval"] is None else f"{('lower', 'upper')[which]} end"
    tight = sign * (threshold - tightest) < 0
    return (
        f"{name}: mean {mean:.4g}, sd {spread:.3g}{' (of logs)' if ratio else ''}, "
        f"mean {'+' if which else '-'} {_SPREADS} sd {tightest:.4g}; "
        f"threshold in force {threshold:g}{', too tight' if tight else ''}"
    )


def _mean(values: list[float], claim: dict[str, Any]) -> float:
    geometric = claim["statistic"] == "geometric mean"
    return statistics.geometric_mean(values) if geometric else statistics.fmean(values)
