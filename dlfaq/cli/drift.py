"""Compares two runs of the same claims: another torch, another machine, other seeds."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlfaq.cli.claims import columns_of_text, in_standard_errors
from dlfaq.errors import InputError
from dlfaq.site.claim import numbers
from dlfaq.site.claim.margin import margin
from dlfaq.site.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Drift", "drift", "read_evidence"]

#: Rounding alone may shrink a margin by this share of it.
_SLACK = 0.01

_SCHEMA = 1


@dataclass(frozen=True)
class Drift:
    """What is different between two runs.

    Attributes:
        report: what to print.
        record: both environments and every claim of both runs, as data; what a page shows.
        ok: whether every claim of the old run is in the new one, still holds if it did, and did
            not move by more than its interval; margins may have shrunk.
    """

    report: str
    record: dict[str, Any]
    ok: bool


def read_evidence(file: Path) -> dict[str, Any]:
    """What a file that `dlfaq claims --json` or a build wrote holds.

    Raises:
        InputError: it cannot be read, or is no such file.
    """
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        dict(data["environment"])
        for claim in data["claims"]:
            _key(claim)
            _entry(claim, claim)  # reads whatever a comparison will
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError) as error:
        raise InputError(
            expected=f"an evidence.json in {file}",
            got=repr(error),
            cure="name a file that `dlfaq claims --json FILE` wrote",
        ) from None
    return dict(data)


def drift(old: Mapping[str, Any], new: Mapping[str, Any]) -> Drift:
    """Find the claims whose value moved by more than its interval or whose margin shrank.

    A claim is known by its page and statement. An identity has no interval, so it only ever
    shrinks towards its threshold, or falls.

    Args:
        old: the evidence of one run.
        new: that of another.
    """
    before = {_key(claim): claim for claim in old["claims"]}
    after = {_key(claim): claim for claim in new["claims"]}
    both = [(claim, after[key]) for key, claim in before.items() if key in after]
    broken = [pair for pair in both if _moved(*pair) or _fell(*pair)]
    shrunk = [pair for pair in both if pair not in broken and _shrank(*pair)]
    gone = [claim for key, claim in before.items() if key not in after]
    added = [claim for key, claim in after.items() if key not in before]
    blocks = [_environments(old["environment"], new["environment"])]
    if broken or shrunk:
        rows = [_row(*pair) for pair in [*broken, *sorted(shrunk, key=lambda p: _left(*p))]]
        headings = ["claim", "before", "now", "95 % interval before", "margin", ""]
        blocks.append(columns_of_text(headings, rows))
    for words, claims in (("only before", gone), ("only now", added)):
        if claims:
            blocks.append("\n".join(f"{words}: {_name(claim)}" for claim in claims))
    blocks.append(
        f"{counted(len(both), 'claim')} in both runs: {len(broken)} moved or fell, "
        f"{counted(len(shrunk), 'other margin')} shrank"
    )
    record = {
        "schema": _SCHEMA,
        "old": dict(old["environment"]),
        "new": dict(new["environment"]),
        "claims": [_entry(*pair) for pair in both],
        "only_old": [_name(claim) for claim in gone],
        "only_new": [_name(claim) for claim in added],
    }
    return Drift("\n\n".join(blocks), record, ok=not broken and not gone)


def _key(claim: Mapping[str, Any]) -> tuple[str, str]:
    return claim["page"], claim["statement"]


def _name(claim: Mapping[str, Any]) -> str:
    return f"{claim['page']}:{claim['line']} {claim['statement']}"


def _moved(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    if old["interval"] is None:
        return False
    low, high = old["interval"]
    return not low <= new["measured"] <= high


def _fell(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    gated = old.get("gated", True)  # an estimate may come out either way
    return bool(gated and old["holds"]) and not new["holds"]


def _shrank(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return margin(new) < margin(old) - _SLACK * abs(margin(old))


def _left(old: Mapping[str, Any], new: Mapping[str, Any]) -> float:
    """What is left of a margin, as a share."""
    return margin(new) / margin(old) if margin(old) else float("-inf")


def _entry(old: Any, new: Any) -> dict[str, Any]:  # noqa: ANN401 - as in _row
    """One claim of both runs, in words that need no knowledge of kinds and units."""
    error = old["standard_error"]
    ratio = old["unit"] == "×" and error is not None
    before, now = old["measured"], new["measured"]
    shift = math.log(now / before) if ratio else now - before
    return {
        "page": new["page"],
        "line": new["line"],
        "statement": new["statement"],
        "old": numbers.measured(old),
        "new": numbers.measured(new),
        "interval": numbers.interval(old),
        "same": old["measured"] == new["measured"],
        "shift": round(shift / error, 3) if error else None,
        "margins": [in_standard_errors(old), in_standard_errors(new)],
        "holds": [old["holds"], new["holds"]],
        "what": _what(old, new),
    }


def _what(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    found = (
        ("no longer holds", _fell(old, new)),
        ("moved", _moved(old, new)),
        ("margin shrank", _shrank(old, new)),
    )
    return [words for words, so in found if so]


def _row(old: Any, new: Any) -> list[str]:  # noqa: ANN401 - records, which amounts knows by fields
    return [
        _name(new),
        numbers.measured(old),
        numbers.measured(new),
        numbers.interval(old) or "",
        f"{in_standard_errors(old)} → {in_standard_errors(new)}",
        ", ".join(_what(old, new)),
    ]


def _environments(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """What the two runs differ in."""
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    if not names:
        return "both runs: the same versions, machine and seeds"
    return "\n".join(f"{n}: {old.get(n, 'none')} → {new.get(n, 'none')}" for n in names)
