"""What a pilot gave: each claim of a page over exploration master seeds, kept beside the pages.

`dlfaq pilot PAGE --json` writes `pilots/<topic>/<page>.json` below the pages, authors commit it,
and the Evidence page reads it.
"""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dlfaq.errors import PageError
from dlfaq.protocol import RATIO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dlfaq.pages.config import Settings
    from dlfaq.protocol import Claim

__all__ = ["SPREADS", "Pilot", "PilotEnd", "pilot_file", "pilot_json", "piloted", "read_pilots"]

_SCHEMA = 1
SPREADS = 5  # rule 6 of the protocol
_DIGITS = 6


@dataclass(frozen=True)
class PilotEnd:
    """The end of the interval that is nearest to a threshold, over masters.

    Attributes:
        end: "lower" where the threshold is one from below, else "upper".
        mean: over masters; for ratios the geometric one.
        sd: over masters; for ratios that of the logarithms.
        tightest: the tightest threshold that rule 6 allows, 5 of these from the mean.
    """

    end: str
    mean: float
    sd: float
    tightest: float


@dataclass(frozen=True)
class Pilot:
    """One claim over master seeds.

    Attributes:
        statement: of the claim.
        masters: how many made it.
        mean: of what was measured.
        sd: of what was measured.
        ends: one for each threshold.
        holds: on how many masters it holds.
    """

    statement: str
    masters: int
    mean: float
    sd: float
    ends: tuple[PilotEnd, ...]
    holds: int


def piloted(claims: Sequence[Claim]) -> Pilot:
    """What one claim gave on several masters.

    A claim is decided by the end of its interval that is nearest to its threshold. That end has a
    mean and a standard deviation over masters; a threshold is no tighter than 5 of these below the
    mean (above it for "at most", outside both for "within").

    Args:
        claims: the same claim, once for each master.
    """
    first = claims[0]
    measured = [claim.measured for claim in claims]
    mean = statistics.geometric_mean if first.statistic == "geometric mean" else statistics.fmean
    return Pilot(
        first.statement,
        len(claims),
        mean(measured),
        _spread(measured),
        tuple(
            _end(claims, which)
            for which, limit in enumerate((first.low, first.high))
            if math.isfinite(limit)
        ),
        sum(claim.holds() for claim in claims),
    )


def _end(claims: Sequence[Claim], which: int) -> PilotEnd:
    """One end of the interval over masters, lower (0) or upper (1)."""
    first = claims[0]
    ends = [claim.ends[which] for claim in claims]
    ratio = first.unit == RATIO and first.interval is not None
    values = [math.log(end) for end in ends] if ratio else ends
    mean, spread = statistics.fmean(values), _spread(values)
    tightest = mean + (SPREADS if which else -SPREADS) * spread
    if ratio:
        mean, tightest = math.exp(mean), math.exp(tightest)
    return PilotEnd(("lower", "upper")[which], mean, spread, tightest)


def _spread(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def pilot_file(settings: Settings, src: str) -> Path:
    """Where the pilot of a page, by its path relative to docs_dir, is kept."""
    return (settings.docs_dir / "pilots" / src).with_suffix(".json")


def pilot_json(
    page: str, masters: int, environment: Mapping[str, str], pilots: Sequence[Pilot]
) -> dict[str, Any]:
    """What the file of a page holds; numbers to six digits."""
    return {
        "schema": _SCHEMA,
        "page": page,
        "masters": masters,
        "environment": {k: v for k, v in environment.items() if k != "seed_offset"},
        "claims": [_rounded(asdict(pilot)) for pilot in pilots],
    }


def read_pilots(settings: Settings, src: str) -> dict[str, Pilot]:
    """What the pilot of a page gave, by statement; nothing where there was none.

    Raises:
        PageError: the file is none that `dlfaq pilot --json` wrote.
    """
    file = pilot_file(settings, src)
    if not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))["claims"]
        pilots = [
            Pilot(**{**one, "ends": tuple(PilotEnd(**end) for end in one["ends"])}) for one in found
        ]
    except (ValueError, LookupError, TypeError) as error:
        message = f"no record of a pilot ({error!r}); write it with `dlfaq pilot PAGE --json`"
        raise PageError(settings.relative(file), 1, message) from None
    return {pilot.statement: pilot for pilot in pilots}


def _rounded(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, tuple):
        return [_rounded(one) for one in value]
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
