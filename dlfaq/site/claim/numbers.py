"""Writes the numbers of a claim: measured, interval and threshold, in one manner everywhere.

Three significant digits, thousands separated, a typographic minus; differences in points carry
their sign. A power of ten is written `10^−10`: HTML and SVG each raise it in their own way.
"""

from __future__ import annotations

from math import floor, isinf, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlfaq.protocol import Claim

__all__ = ["interval", "is_equality", "measured", "number", "threshold"]

_MINUS = "\u2212"
_TIGHT = 0.01  # margins below this share of the value say "equal to"


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
        text = _power(size, ".2f")
    else:
        text = f"{size:,.{_decimals(size) if decimals is None else decimals}f}"
    if not any(c in "123456789∞" for c in text):  # zero has no sign
        return text
    return ("+" if signed else "") + text if value >= 0 else _MINUS + text


def is_equality(claim: Claim) -> bool:
    """Whether the claim says that a number *is* its expected value, rounding aside."""
    low, high = claim.low, claim.high
    margin = (high - low) / 2
    tight = margin <= _TIGHT * max(abs(low + high) / 2, _TIGHT)
    return claim.kind == "identity" and claim.comparator == "within" and tight


def measured(claim: Claim) -> str:
    """Write what was measured, with its unit: `954×`, `+9.5 pts`, `2`."""
    value = claim.measured
    if is_equality(claim) and claim.holds():
        # The rounding error is what the margin is for; the reader wants the value.
        low, high = claim.low, claim.high
        return _plain(float(f"{(low + high) / 2:.3g}")) + _unit(claim)
    if claim.kind == "identity" and claim.unit != "points":
        return _plain(float(f"{value:.3g}")) + _unit(claim)
    return number(_shown(claim, value), _places(claim), signed=_signed(claim)) + _unit(claim)


def interval(claim: Claim) -> str | None:
    """Write the interval without its unit, `820 to 1,105`; None for an identity."""
    ends = claim.interval
    if ends is None:
        return None
    low, high = (_shown(claim, end) for end in ends)
    signed = claim.unit == "points" and (_signed(claim) or low < 0 < high)
    places = _places(claim)
    if places is None and 10 * min(abs(low), abs(high)) >= max(abs(low), abs(high)):
        size = max(abs(low), abs(high))
        # Ends of one order of magnitude share their decimals: 0.97 to 1.04.
        places = _decimals(size) if 1e-3 <= size < 1e7 else None  # noqa: PLR2004
    return " to ".join(number(end, places, signed=signed) for end in (low, high))


def threshold(claim: Claim) -> str:
    """Write what the claim demands: `at least 100×`, `within ±3`, `equal to 2, to 10^−10`."""
    low, high = (_shown(claim, end) for end in (claim.thresholds[0], claim.thresholds[-1]))
    unit = "" if claim.unit == "points" else _unit(claim)
    if is_equality(claim):
        if low == high:
            return f"equal to {_plain(low)}{unit}"
        # Two digits: a margin around a number carries the rounding of that number.
        margin = float(f"{(high - low) / 2:.2g}")
        return f"equal to {_plain((low + high) / 2)}{unit}, to {_plain(margin)}{unit}"
    if claim.comparator == "within":
        if low == -high:
            return f"within ±{_plain(high)}{unit}"
        return f"between {_plain(low)}{unit} and {_plain(high)}{unit}"
    plus = "+" if _signed(claim) and low > 0 else ""
    return f"{claim.comparator.replace('_', ' ')} {plus}{_plain(low)}{unit}"


def _decimals(size: float) -> int:
    return max(0, 2 - floor(log10(size))) if size else 0


def _power(size: float, digits: str) -> str:
    exponent = floor(log10(size))
    mantissa = format(size / 10.0**exponent, digits)
    power = f"10^{_MINUS if exponent < 0 else ''}{abs(exponent)}"
    return power if mantissa == "1" else f"{mantissa}·{power}"


def _plain(value: float) -> str:
    """Write a number that a person chose: all its digits, none that it does not have."""
    size = abs(value)
    if size and not 1e-3 <= size < 1e7:  # noqa: PLR2004
        text = _power(size, ".3g")
    else:
        text = f"{size:,.10f}".rstrip("0").rstrip(".")
    return (_MINUS if value < 0 else "") + text


def _shown(claim: Claim, value: float) -> float:
    return value * 100 if claim.unit == "points" else value


def _unit(claim: Claim) -> str:
    unit = claim.unit
    return {"points": " pts", "×": "×", "": "", "%": " %"}.get(unit, f" {unit}")


def _signed(claim: Claim) -> bool:
    return claim.unit == "points" and claim.comparator != "within"


def _places(claim: Claim) -> int | None:
    """Choose the decimals where the unit fixes them; None is three significant digits."""
    ends = claim.interval or [claim.measured] * 2
    if claim.unit == "points":
        return 2 if 0 < ends[1] - ends[0] < 2e-3 else 1  # noqa: PLR2004
    if claim.unit == "×" and 10 <= ends[1] < 1e7:  # noqa: PLR2004
        return 0
    return 2 if claim.statistic == "failure rate" else None
