"""The words of a claim: what it may say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlfaq.errors import InputError
from dlfaq.protocol import LABEL, PERCENT, POINTS, RATIO

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dlfaq.protocol import Claim

__all__ = ["check_statement", "check_unique"]

_LOOKALIKE_UNITS = {
    "x": RATIO,
    "X": RATIO,
    "*": RATIO,
    "pp": POINTS,
    "pts": POINTS,
    "percent": PERCENT,
}


def check_statement(statement: str, unit: str, label: str | None) -> None:
    """Refuse words that a page could not show or call a claim by.

    Raises:
        InputError: no statement, two places for the number, a unit that looks like another, or no
            valid label.
    """
    if statement.count("{}") > 1:
        raise InputError(
            expected="one {} in the statement, where the measured number is drawn",
            got=repr(statement),
            cure="make one claim for each number",
        )
    if not statement.strip():
        raise InputError(
            expected="a sentence as the statement",
            got=repr(statement),
            cure="say in words what is claimed",
        )
    if unit in _LOOKALIKE_UNITS:
        raise InputError(
            expected='unit "points", "%", "×" or a unit of measurement',
            got=repr(unit),
            cure=f"write unit={_LOOKALIKE_UNITS[unit]!r}",
        )
    if label is not None and not LABEL.fullmatch(label):
        raise InputError(
            expected="a label of small letters, digits and hyphens that begins with a letter",
            got=repr(label),
            cure='write one such as "final-loss"',
        )


def check_unique(claim: Claim, others: Iterable[Claim]) -> None:
    """Refuse a second claim of the same statement or label, since a page links to claims by them.

    Raises:
        InputError: one of the others has it.
    """
    for old in others:
        if old.statement == claim.statement:
            raise InputError(
                expected="each statement once on a page",
                got=f"{claim.statement!r} again",
                cure="say what is different about the second claim",
            )
        if claim.label is not None and old.label == claim.label:
            raise InputError(
                expected="each label once on a page",
                got=f"{claim.label!r} again",
                cure="give the second claim a label of its own",
            )
