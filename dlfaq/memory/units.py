"""Bytes in words."""

from __future__ import annotations

__all__ = ["in_units"]


def in_units(n: int) -> str:
    """Bytes in words: "1.53 GiB"."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if n >= size:
            return f"{n / size:.2f} {unit}"
    return f"{n} B"
