"""What a claim is held against: the values from a low to a high end, ends included."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from dlfaq.errors import InputError
from dlfaq.protocol import RATIO, Comparator

__all__ = ["Threshold", "finite", "read_threshold"]


class Threshold(NamedTuple):
    """The values that hold, and the argument of `claim` that gave them."""

    comparator: Comparator
    low: float
    high: float


def read_threshold(
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    within: float | tuple[float, float] | None = None,
    equals: float | None = None,
    tolerance: float | None = None,
    unit: str = "",
) -> Threshold:
    """Read the thresholds of `claim`; see there. Unless `within` or `equals`, one end is infinite.

    Raises:
        InputError: not exactly one is given, or it leaves nothing that could hold.
    """
    given = {"at_least": at_least, "at_most": at_most, "within": within, "equals": equals}
    given = {name: value for name, value in given.items() if value is not None}
    if len(given) != 1:
        raise InputError(
            expected="exactly one of at_least, at_most, within and equals",
            got=" and ".join(given) or "none of them",
            cure="make two claims of two thresholds, and give each claim one",
        )
    if at_least is not None:
        return Threshold("at_least", _end(at_least, unit), math.inf)
    if at_most is not None:
        return Threshold("at_most", -math.inf, _end(at_most, unit))
    if equals is not None:
        return _around(finite(equals), tolerance)
    low, high = _margins(within, unit)
    if low > high:
        raise InputError(
            expected="margins (low, high) with low <= high",
            got=f"({low:g}, {high:g})",
            cure="put the smaller one first; within=m means (-m, m), for ratios (1/m, m)",
        )
    return Threshold("within", low, high)


def _around(value: float, tolerance: float | None) -> Threshold:
    relative = finite(0.0 if tolerance is None else tolerance)
    if relative < 0:
        raise InputError(
            expected="a tolerance from 0",
            got=repr(tolerance),
            cure="write how far off rounding may be, relative to the number, such as 1e-10",
        )
    margin = relative * abs(value) if value else relative
    return Threshold("equals", value - margin, value + margin)


def _margins(within: Any, unit: str) -> tuple[float, float]:  # noqa: ANN401 - as a caller gave it
    if not isinstance(within, tuple | list):
        high = _end(within, unit)
        return (1 / high if unit == RATIO else -high), high
    if len(within) != 2:  # noqa: PLR2004
        raise InputError(
            expected="two margins, (low, high)",
            got=repr(within),
            cure="within=m means (-m, m), for ratios (1/m, m)",
        )
    return _end(within[0], unit), _end(within[1], unit)


def _end(number: Any, unit: str) -> float:  # noqa: ANN401 - as a caller gave it
    end = finite(number)
    if unit == RATIO and end <= 0:
        raise InputError(
            expected="a positive threshold for ratios",
            got=repr(number),
            cure="compare ratios with 1, or claim a difference",
        )
    return end


def finite(number: Any) -> float:  # noqa: ANN401 - as a caller gave it
    """A finite number as a float.

    Raises:
        InputError: it is none.
    """
    try:
        is_finite = not isinstance(number, bool | str) and math.isfinite(number)
    except (TypeError, ValueError):  # no number at all, or several
        is_finite = False
    if not is_finite:
        raise InputError(
            expected="finite numbers",
            got=repr(number),
            cure="claim the share of runs that failed, or leave out a limit that excludes nothing",
        )
    return float(number)
