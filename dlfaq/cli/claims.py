"""What `dlfaq claims` prints: a row for every claim, then what it all comes to."""

from __future__ import annotations

from math import isinf
from typing import TYPE_CHECKING, Any

from dlfaq.site.claim import numbers
from dlfaq.site.claim.margin import margin
from dlfaq.site.wording import counted
from dlfaq.writing.tables import text_table

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["claims_table", "columns_of_text", "in_standard_errors", "placebo_effects", "summary"]

_VERDICTS = {True: "yes", False: "NO", None: "no arms"}
_ESTIMATES = {"holds": "(yes)", "refuted": "(no)", "inconclusive": "inconclusive"}
_INVERTED = {True: "HOLDS", False: "fails", None: "not gated"}
_WIDEST = 52
_COLUMNS = ("claim", "measured", "95 % interval", "threshold", "margin", "holds")


def claims_table(
    claims: Sequence[dict[str, Any]], inverted: Sequence[bool | None] | None = None
) -> str:
    """One row for each claim; its margin is in standard errors.

    Args:
        claims: as `evidence.json` has them.
        inverted: for each, whether it holds with its comparison inverted; None for an estimate.
    """
    rows = [_row(claim) for claim in claims]
    if inverted is None:
        return columns_of_text(_COLUMNS, rows)
    words = [_INVERTED[holds] for holds in inverted]
    rows = [[*row, word] for row, word in zip(rows, words, strict=True)]
    return columns_of_text([*_COLUMNS, "inverted"], rows)


def columns_of_text(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells are words, those of a long one on several lines."""
    return text_table(headings, rows, left=len(headings), widest=_WIDEST)


def summary(claims: Sequence[dict[str, Any]], inverted: Sequence[bool | None] | None = None) -> str:
    """How many claims hold, as measured and inverted."""
    gated = [claim for claim in claims if claim["gated"]]
    compared = [claim for claim in gated if claim["holds"] is not None]
    held = sum(claim["holds"] for claim in compared)
    line = f"{held} of {len(compared)} claims hold"
    if len(compared) < len(gated):
        line += f"; {len(gated) - len(compared)} without arms"
    if len(gated) < len(claims):
        line += f"; {counted(len(claims) - len(gated), 'estimate')}, not gated"
    if inverted is not None:
        line += f"; inverted, {sum(map(bool, inverted))} of {len(gated)}"
    return line


def placebo_effects(claims: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The claims of an effect or an order that hold although both arms got the same treatment."""
    return [claim for claim in claims if claim["holds"] and claim["kind"] in {"effect", "ordering"}]


def in_standard_errors(claim: dict[str, Any]) -> str:
    """The margin of a claim as text: `12.3 se`; `exact` where there is no chance."""
    if claim["standard_error"] is None:
        return "exact"
    size = margin(claim)
    return f"{numbers.number(size, None if isinf(size) else 1)} se"


def _verdict(claim: dict[str, Any]) -> str:
    if claim["gated"] or claim["holds"] is None:
        return _VERDICTS[claim["holds"]]
    return _ESTIMATES[claim["verdict"]]


def _row(claim: dict[str, Any]) -> list[str]:
    record: Any = claim
    return [
        f"{claim['page']}:{claim['line']} {claim['statement']}",
        numbers.measured(record),
        numbers.interval(record) or "",
        numbers.threshold(record),
        in_standard_errors(claim),
        _verdict(claim),
    ]
