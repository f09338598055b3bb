"""Writes the numbers of a claim: measured, interval and threshold, in one manner everywhere.

Three significant digits, thousands separated, a typographic minus. Shares are written in "%", their
differences in "points", as "pts" with their sign where the number stands alone. A power of ten is
written `10^−10`: HTML and SVG each raise it in their own way.
"""

from __future__ import annotations

import re
from math import floor, isclose, isinf, log10
from typing import TYPE_CHECKING

from dlfaq.protocol import PERCENT, POINTS, RATIO, as_written
from dlfaq.writing.numbers import in_powers_of_ten

if TYPE_CHECKING:
    from dlfaq.protocol import Claim

__all__ = [
    "in_sentence",
    "interval",
    "limit",
    "measured",
    "number",
    "threshold",
]

_MINUS = "\u2212"
_UNITS = {"": "", RATIO: "×", POINTS: " pts", PERCENT: " %"}
_WORDS = {**_UNITS, POINTS: " points"}


def number(value: float, decimals: int | None = None, *, signed: bool = False) -> str:
    """Write a number.

    Args:
        value: any but NaN.
        decimals: how many; three significant digits where None.
        signed: write the plus too.

    Example:
        >>> number(1105.2), number(0.9712), number(-3.1, signed=True)
        ('1,105', '0.971', '−3.10')
    """
    size = abs(value)
    if isinf(size):
        text = "∞"
    elif decimals is None and size and not 1e-3 <= size < 1e7:  # noqa: PLR2004
        text = in_powers_of_ten(size, ".2e", marked=True)
    else:
        text = f"{size:,.{_decimals(size) if decimals is None else decimals}f}"
    if not any(c in "123456789∞" for c in text):  # zero has no sign
        return text
    return ("+" if signed else "") + text if value >= 0 else _MINUS + text


def measured(claim: Claim) -> str:
    """Write what was measured, with its unit: `954×`, `+9.5 pts`, `2`."""
    return _measured(claim, signed=_signed(claim)) + _UNITS.get(claim.unit, f" {claim.unit}")


def in_sentence(claim: Claim) -> str:
    """Write what was measured as words around it have it: `954×`, `9.5 points`, `2`."""
    return _measured(claim, signed=False) + _WORDS.get(claim.unit, f" {claim.unit}")


def interval(claim: Claim) -> str | None:
    """Write the interval without its unit, `820 to 1,105`; None where there is no chance."""
    if claim.interval is None:
        return None
    low, high = (_shown(claim, end) for end in claim.interval)
    signed = claim.unit == POINTS and (_signed(claim) or low < 0 < high)
    places = _places(claim)
    if places is None and 10 * min(abs(low), abs(high)) >= max(abs(low), abs(high)):
        size = max(abs(low), abs(high))
        # Ends of one order of magnitude share their decimals: 0.97 to 1.04.
        places = _decimals(size) if 1e-3 <= size < 1e7 else None  # noqa: PLR2004
    return " to ".join(number(end, places, signed=signed) for end in (low, high))


def threshold(claim: Claim) -> str:
    """Write what the claim demands: `at least 100×`, `within ±3`, `equal to 2, to 10^−10`."""
    unit = _of_threshold(claim)
    if claim.comparator == "equals":
        return _equal(claim)
    low, high = (_shown(claim, claim.thresholds[which]) for which in (0, -1))
    if claim.comparator == "within":
        if low == -high:
            return f"within ±{_plain(high)}{unit}"
        return f"between {_plain(low)}{unit} and {_plain(high)}{unit}"
    plus = "+" if _signed(claim) and low > 0 else ""
    return f"{claim.comparator.replace('_', ' ')} {plus}{_plain(low)}{unit}"


def limit(claim: Claim, value: float) -> str:
    """Write a threshold that nobody chose, with its unit: `+5.31`."""
    return number(_shown(claim, value), signed=_signed(claim)) + _of_threshold(claim)


def _measured(claim: Claim, *, signed: bool) -> str:
    value = _shown(claim, claim.measured)
    if claim.comparator == "equals" and claim.holds():
        # The rounding error is what the tolerance is for; the reader wants the value.
        return _few_digits(_shown(claim, (claim.low + claim.high) / 2))
    if claim.interval is None and claim.unit != POINTS:
        return _plain(float(f"{value:.3g}"))
    return number(value, _places(claim), signed=signed)


def _equal(claim: Claim) -> str:
    """A value and, relative to it, how much rounding is allowed."""
    value, margin = (claim.low + claim.high) / 2, (claim.high - claim.low) / 2
    words = f"equal to {_plain(_shown(claim, value))}{_of_threshold(claim)}"
    if not margin:
        return words
    # Two digits: the margin carries the rounding of the value.
    return f"{words}, to {_plain(float(f'{margin / (abs(value) or 1):.2g}'))}"


def _few_digits(value: float) -> str:
    """A value with the digits that it has, or three where it has more than five."""
    short = float(f"{value:.5g}")
    return _plain(short if isclose(short, value, rel_tol=1e-12) else float(f"{value:.3g}"))


def _decimals(size: float) -> int:
    return max(0, 2 - floor(log10(size))) if size else 0


def _plain(value: float) -> str:
    """Write a number that a person chose: all its digits, none that it does not have."""
    size = abs(value)
    if size and not 1e-3 <= size < 1e7:  # noqa: PLR2004
        power = in_powers_of_ten(size, ".2e", marked=True)
        text = re.sub(r"\.?0+(?=·)", "", power).removeprefix("1·")
    else:
        text = f"{size:,.10f}".rstrip("0").rstrip(".")
    return (_MINUS if value < 0 else "") + text


def _shown(claim: Claim, value: float) -> float:
    return as_written(value, claim.unit)


def _of_threshold(claim: Claim) -> str:
    """The unit behind a threshold; that it is in points, the number above it says."""
    return "" if claim.unit == POINTS else _UNITS.get(claim.unit, f" {claim.unit}")


def _signed(claim: Claim) -> bool:
    return claim.unit == POINTS and claim.comparator != "within"


def _places(claim: Claim) -> int | None:
    """Choose the decimals where the unit fixes them; None is three significant digits."""
    low, high = claim.ends
    if claim.statistic == "failure rate":
        return 0
    if claim.unit in {POINTS, PERCENT}:
        return 2 if 0 < high - low < 2e-3 else 1  # noqa: PLR2004
    return 0 if claim.unit == RATIO and 10 <= high < 1e7 else None  # noqa: PLR2004
