"""Turns what a chain printed into text that is the same in every run and safe to show."""

from __future__ import annotations

import re

from dlfaq.execution.task import OUTPUT_LIMIT

__all__ = ["clean_text", "limited", "value_text"]

_ANSI = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[ -/]*[0-~])")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_PICTURES = {code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A)} | {
    0x7F: 0x2421
}

_LARGEST_PLAIN = 1e6
_SMALLEST_PLAIN = 1e-4


def clean_text(text: str) -> str:
    """Drop ANSI codes and addresses, keep the last state of a line, show control characters.

    A carriage return goes back to the start of its line, as a terminal does: what is written next
    covers what stood there. Other control characters become their Unicode pictures.
    """
    text = _ANSI.sub("", text.replace("\r\n", "\n"))
    text = "\n".join(_last_state(line) if "\r" in line else line for line in text.split("\n"))
    return _ADDRESS.sub("", text.translate(_PICTURES))


def _last_state(line: str) -> str:
    state = ""
    for written in line.split("\r"):
        state = written + state[len(written) :]
    return state


def limited(text: str) -> str:
    """Text cut at what a chain may show, with a line that says so."""
    if len(text) <= OUTPUT_LIMIT:
        return text
    return f"{text[:OUTPUT_LIMIT]}\n[cut: a chain shows at most {OUTPUT_LIMIT:,} characters]\n"


def value_text(value: object) -> str:
    """An inline value as prose shows it.

    A whole number stands as it is, any other number with three significant digits, a very small or
    large one as 1.23·10⁻⁵; a NumPy scalar or a one-element tensor counts as the number it holds;
    all else is its `str()`.
    """
    if hasattr(value, "item") and hasattr(value, "ndim"):
        count = value.numel() if hasattr(value, "numel") else value.size  # type: ignore[attr-defined]
        value = value.item() if count == 1 else value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return clean_text(str(value))
    if isinstance(value, int):
        return str(value).replace("-", "−")
    return _three_digits(float(value))


def _three_digits(number: float) -> str:
    if number != number:  # noqa: PLR0124 - only NaN differs from itself
        return "NaN"
    if abs(number) == float("inf"):
        return "∞" if number > 0 else "−∞"
    if number and not _SMALLEST_PLAIN <= abs(number) < _LARGEST_PLAIN:
        # The library writes with it too, so the fork server must not hold it.
        from dlfaq.writing.numbers import in_powers_of_ten  # noqa: PLC0415

        return in_powers_of_ten(number, ".2e")
    exponent = int(f"{number:.2e}".split("e")[1]) if number else 0
    decimals = max(0, 2 - exponent)
    return f"{round(number, 2 - exponent):.{decimals}f}".replace("-", "−")
