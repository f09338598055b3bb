"""`dlfaq drift`: compares two runs of the same claims: other versions, machine or seeds."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlfaq.cli.claims import columns_of_text, in_standard_errors
from dlfaq.cli.commands import DONE, FAILED, add_command
from dlfaq.errors import InputError
from dlfaq.protocol import RATIO
from dlfaq.site.claim import numbers
from dlfaq.site.lists.evidence import Evidence, write_evidence
from dlfaq.site.wording import counted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from dlfaq.cli.commands import Commands
    from dlfaq.protocol import Claim
    from dlfaq.site.lists.evidence import PageClaim

__all__ = ["Drift", "drift", "read_evidence", "register"]

#: Rounding alone may shrink a margin by this share of it.
_SLACK = 0.01

_SCHEMA = 1


def register(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "drift",
        _run,
        "list the claims that moved between two runs",
        "dlfaq drift evidence-old.json evidence.json",
    )
    command.add_argument(
        "old", type=Path, metavar="OLD.json", help="written by dlfaq claims --json"
    )
    command.add_argument("new", type=Path, metavar="NEW.json", help="the same from another run")
    command.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="write both as data: what `{drift}` on a page shows",
    )


def _run(options: argparse.Namespace) -> int:
    found = drift(read_evidence(options.old), read_evidence(options.new))
    print(found.report)
    if options.json is not None:
        write_evidence(options.json, found.record)
    return DONE if found.ok else FAILED


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


def read_evidence(file: Path) -> Evidence:
    """What a file that `dlfaq claims --json` or a build wrote holds.

    Raises:
        InputError: it cannot be read, or is no such file.
    """
    try:
        return Evidence.from_json(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InputError(
            expected=f"an evidence.json in {file}",
            got=repr(error),
            cure="name a file that `dlfaq claims --json FILE` wrote",
        ) from None


def drift(old: Evidence, new: Evidence) -> Drift:
    """Find the claims whose value moved by more than its interval or whose margin shrank.

    A claim is known by its page and statement. An identity has no interval, so it only ever
    shrinks towards its threshold, or falls.

    Args:
        old: the evidence of one run.
        new: that of another.
    """
    before = {_key(claim): claim for claim in old.claims}
    after = {_key(claim): claim for claim in new.claims}
    both = [(claim, after[key]) for key, claim in before.items() if key in after]
    broken = [(a, b) for a, b in both if _moved(a.claim, b.claim) or _fell(a, b)]
    shrunk = [(a, b) for a, b in both if (a, b) not in broken and _shrank(a.claim, b.claim)]
    gone = [claim for key, claim in before.items() if key not in after]
    added = [claim for key, claim in after.items() if key not in before]
    blocks = [_environments(old.environment, new.environment)]
    if broken or shrunk:
        shrunk.sort(key=lambda pair: _left(*pair))
        rows = [_row(*pair) for pair in [*broken, *shrunk]]
        headings = ["claim", "before", "now", "95 % interval before", "margin", ""]
        blocks.append(columns_of_text(headings, rows))
    for words, claims in (("only before", gone), ("only now", added)):
        if claims:
            blocks.append("\n".join(f"{words}: {claim.name}" for claim in claims))
    blocks.append(
        f"{counted(len(both), 'claim')} in both runs: {len(broken)} moved or fell, "
        f"{counted(len(shrunk), 'other margin')} shrank"
    )
    record = {
        "schema": _SCHEMA,
        "old": old.environment,
        "new": new.environment,
        "claims": [_entry(*pair) for pair in both],
        "only_old": [claim.name for claim in gone],
        "only_new": [claim.name for claim in added],
    }
    return Drift("\n\n".join(blocks), record, ok=not broken and not gone)


def _key(one: PageClaim) -> tuple[str, str]:
    return one.page, one.claim.statement


def _moved(old: Claim, new: Claim) -> bool:
    if old.interval is None:
        return False
    low, high = old.interval
    return not low <= new.measured <= high


def _fell(old: PageClaim, new: PageClaim) -> bool:
    # An estimate may come out either way.
    return old.claim.gated and bool(old.holds) and not new.holds


def _shrank(old: Claim, new: Claim) -> bool:
    return new.margin < old.margin - _SLACK * abs(old.margin)


def _left(old: PageClaim, new: PageClaim) -> float:
    """What is left of a margin, as a share."""
    before = old.claim.margin
    return new.claim.margin / before if before else float("-inf")


def _entry(old: PageClaim, new: PageClaim) -> dict[str, Any]:
    """One claim of both runs, in words that need no knowledge of kinds and units."""
    error = old.claim.standard_error
    before, now = old.claim.measured, new.claim.measured
    ratio = old.claim.unit == RATIO and error is not None
    shift = math.log(now / before) if ratio else now - before
    return {
        "page": new.page,
        "line": new.claim.line,
        "statement": new.claim.statement,
        "old": numbers.measured(old.claim),
        "new": numbers.measured(new.claim),
        "interval": numbers.interval(old.claim),
        "same": before == now,
        "shift": round(shift / error, 3) if error else None,
        "margins": [in_standard_errors(old.claim), in_standard_errors(new.claim)],
        "holds": [old.holds, new.holds],
        "what": _what(old, new),
    }


def _what(old: PageClaim, new: PageClaim) -> list[str]:
    found = (
        ("no longer holds", _fell(old, new)),
        ("moved", _moved(old.claim, new.claim)),
        ("margin shrank", _shrank(old.claim, new.claim)),
    )
    return [words for words, so in found if so]


def _row(old: PageClaim, new: PageClaim) -> list[str]:
    return [
        new.name,
        numbers.measured(old.claim),
        numbers.measured(new.claim),
        numbers.interval(old.claim) or "",
        f"{in_standard_errors(old.claim)} → {in_standard_errors(new.claim)}",
        ", ".join(_what(old, new)),
    ]


def _environments(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """What the two runs differ in."""
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    if not names:
        return "both runs: the same versions, machine and seeds"
    return "\n".join(f"{n}: {old.get(n, 'none')} → {new.get(n, 'none')}" for n in names)
