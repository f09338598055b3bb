"""Says counts, dates, seeds, durations and sizes as a reader would write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

__all__ = ["counted", "day", "duration", "in_words", "seed_ranges", "size"]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS = (  # noqa: SIM905 (a column of words reads worse)
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def in_words(count: int) -> str:
    """Spell a count from 0 to 99; beyond, figures read better.

    Example:
        >>> in_words(42)
        'forty-two'
    """
    if not 0 <= count <= 99:  # noqa: PLR2004
        return f"{count:,}"
    if count < len(_UNITS):
        return _UNITS[count]
    tens, unit = divmod(count, 10)
    return _TENS[tens - 2] + (f"-{_UNITS[unit]}" if unit else "")


def counted(count: int, noun: str) -> str:
    """Join a count and its noun, `1 run` but `32 runs`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def day(when: date) -> str:
    """Write a date as `21 Nov 2026`, whatever the locale."""
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def seed_ranges(seeds: Iterable[int]) -> str:
    """Join neighbouring seeds.

    Example:
        >>> seed_ranges([1000, 1001, 1002, 1064])
        '1000 to 1002, 1064'
    """
    runs: list[list[int]] = []
    for seed in sorted(set(seeds)):
        if runs and runs[-1][-1] == seed - 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    return ", ".join(f"{r[0]} to {r[-1]}" if len(r) > 1 else str(r[0]) for r in runs)


def duration(elapsed_s: float) -> str:
    """Write seconds with one decimal, minutes from two minutes on."""
    if elapsed_s < 120:  # noqa: PLR2004
        return f"{elapsed_s:.1f} s"
    return f"{elapsed_s / 60:.0f} min"


def size(byte_count: float) -> str:
    """Write bytes as MB, or GB from 1,000 MB on (decimal: 1 MB is 10⁶ bytes)."""
    megabytes = byte_count / 1e6
    if megabytes < 1000:  # noqa: PLR2004
        return f"{megabytes:.0f} MB"
    return f"{megabytes / 1000:.1f} GB"
