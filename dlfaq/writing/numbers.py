"""Writes powers of ten in one manner: 10⁻⁶ where text is plain."""

from __future__ import annotations

import re

__all__ = ["in_powers_of_ten", "power_of_ten", "superscripts"]

_MINUS = "\N{MINUS SIGN}"
_RAISED = str.maketrans("-\N{MINUS SIGN}0123456789", "⁻⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power_of_ten(exponent: int) -> str:
    """A power of ten in plain text.

    Example:
        >>> power_of_ten(-6)
        '10⁻⁶'
    """
    return "10" + str(exponent).translate(_RAISED)


def in_powers_of_ten(value: float, style: str, *, marked: bool = False) -> str:
    """A number as a format gives it, its exponent as a power of ten.

    Args:
        value: the number.
        style: how to format it, such as ".2e" or "g".
        marked: leave the power to be raised later: `10^−5`, see `superscripts`.

    Example:
        >>> in_powers_of_ten(-1.234e-5, ".2e"), in_powers_of_ten(1e-6, "g")
        ('−1.23·10⁻⁵', '10⁻⁶')
    """
    sign = _MINUS if value < 0 else ""
    mantissa, _, exponent = format(abs(value), style).partition("e")
    if not exponent:
        return sign + mantissa
    marks = f"10^{int(exponent)}".replace("-", _MINUS)
    power = marks if marked else power_of_ten(int(exponent))
    return sign + (power if mantissa == "1" else f"{mantissa}·{power}")


def superscripts(text: str) -> str:
    """Text in which powers are marked, `10^−6`, with the powers raised.

    Example:
        >>> superscripts("equal to 2, to 10^−10")
        'equal to 2, to 10⁻¹⁰'
    """
    return re.sub(r"(?<=10)\^([-−]?\d+)", lambda power: power[1].translate(_RAISED), text)
