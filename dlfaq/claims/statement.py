"""The words of a claim: what it may say, and what is said when it does not hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dlfaq.claims.verdict import RATIO
from dlfaq.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["check_statement", "check_unique", "not_held"]

_LOOKALIKE_UNITS = {
    "x": RATIO,
    "X": RATIO,
    "*": RATIO,
    "%": "points",
    "pp": "points",
    "pts": "points",
}
_LABEL = re.compile(r"[a-z][a-z0-9-]*")


def check_statement(statement: str, unit: str, label: str | None) -> None:
    """Refuse words that a page could not show or call a claim by.

    Raises:
        InputError: no statement, a unit that looks like another, or no valid label.
    """
    if not statement.strip():
        raise InputError(
            expected="a sentence as the statement",
            got=repr(statement),
            cure="say in words what is claimed",
        )
    if unit in _LOOKALIKE_UNITS:
        raise InputError(
            expected='unit "points", "×" or a unit of measurement',
            got=repr(unit),
            cure=f"write unit={_LOOKALIKE_UNITS[unit]!r}",
        )
    if label is not None and not _LABEL.fullmatch(label):
        raise InputError(
            expected="a label of small letters, digits and hyphens that begins with a letter",
            got=repr(label),
            cure='write one such as "final-loss"',
        )


def check_unique(record: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> None:
    """Refuse a second claim of the same statement or label, since a page links to claims by them.

    Raises:
        InputError: one of the others has it.
    """
    statement, label = record["statement"], record["label"]
    for old in others:
        if old["statement"] == statement:
            raise InputError(
                expected="each statement once on a page",
                got=f"{statement!r} again",
                cure="say what is different about the second claim",
            )
        if label is not None and old["label"] == label:
            raise InputError(
                expected="each label once on a page",
                got=f"{label!r} again",
                cure="give the second claim a label of its own",
            )


def not_held(record: Mapping[str, Any]) -> str:
    """Say what was measured and what had been claimed."""
    exact = record["interval"] is None
    scale, unit = (100, " pts") if record["unit"] == "points" else (1, record["unit"])
    if unit not in {"", " pts", RATIO}:
        unit = f" {unit}"

    def shown(value: float) -> str:
        return f"{value * scale:.{12 if exact else 3}g}{unit}"

    measured = f"measured {shown(record['measured'])}"
    if not exact:
        low, high = map(shown, record["interval"])
        measured += f", 95 % interval {low} to {high} over {record['replicas']} replicas"
    threshold = record["threshold"]
    if record["comparator"] == "within":
        claimed = f"from {shown(threshold[0])} to {shown(threshold[1])}"
    else:
        claimed = f"{record['comparator'].replace('_', ' ')} {shown(threshold)}"
    return f"{record['statement']!r} does not hold: {measured}; claimed {claimed}"
