"""A claim: a sentence, what was measured, and the threshold that decides whether it stands.

    claim("Forgetting zero_grad() multiplies the final loss at least a hundredfold",
          forgotten / called, at_least=100, unit="×", seeds=seeds(16))

What kind of claim it is follows from what is given:

| measured               | threshold             | kind         | judged on                |
|------------------------|-----------------------|--------------|--------------------------|
| a number               | any                   | identity     | the number               |
| booleans over replicas | any                   | failure rate | exact binomial interval  |
| numbers over replicas  | `within`              | equivalence  | t interval of the mean,  |
|                        | `within`, `null=True` | null         | for unit "×" of the logs |
|                        | 0, or 1 for unit "×"  | ordering     |                          |
|                        | any other             | effect       |                          |

Where a reader runs the code, a claim that does not hold raises `ClaimFailed`. Where the site is
built (environment variable DLFAQ_RUNNER=1) it is recorded, so that one build reports all of them.
"""

from __future__ import annotations

import copy
import inspect
import os
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dlfaq.errors import ClaimFailed, InputError
from dlfaq.firmness import firmness
from dlfaq.judgement import RATIO, Threshold, measure
from dlfaq.paired import Paired

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

__all__ = ["claim", "recorded"]

_LOOKALIKE_UNITS = {
    "x": RATIO,
    "X": RATIO,
    "*": RATIO,
    "%": "points",
    "pp": "points",
    "pts": "points",
}
_LABEL = re.compile(r"[a-z][a-z0-9-]*")

_RECORDS: list[dict[str, Any]] = []


def claim(
    statement: str,
    measured: npt.ArrayLike,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    within: float | tuple[float, float] | None = None,
    null: bool = False,
    seeds: Iterable[int] | None = None,
    unit: str = "",
    label: str | None = None,
    fails_when: str | None = None,
) -> None:
    """State what was measured, and hold it against a threshold.

    Numbers over replicas hold when the whole two-sided 95 % interval of their mean does: above
    `at_least`, below `at_most`, inside `within`. An ordering is strict: a tie shows no order.

    Args:
        statement: the sentence, unique on its page.
        measured: a number; or for each replica a number or a boolean, shape (n,). A list, a NumPy
            array or a tensor. What compares arms comes best from `difference` or `ratio` of a
            `Comparison`: the claim then knows the arms and can be run as a placebo.
        at_least: the threshold from below. Exactly one of the three thresholds is given.
        at_most: the threshold from above.
        within: two margins; `within=m` means (-m, m), for ratios (1/m, m).
        null: say that an equivalence shows that there is no effect.
        seeds: the seed of each replica, in order.
        unit: "points" for percentage points (measured and threshold are fractions), "×" for
            ratios, or any other unit, which is printed as it stands.
        label: what a page calls the claim by, such as `final-loss`.
        fails_when: a sentence on the case in which the claim is known to break.

    Raises:
        InputError: the arguments do not make a claim that could be judged.
        ClaimFailed: the claim does not hold (recorded instead of raised where a page is built).
    """
    building = os.environ.get("DLFAQ_RUNNER") == "1"
    _check_words(statement, unit, label, unique=building)
    threshold = Threshold.of(at_least, at_most, within, unit)
    evidence = measure(measured, threshold, seeds, unit)
    if null and evidence.kind != "equivalence":
        raise InputError(
            expected="`within` margins and numbers over replicas for a null",
            got=f"a claim of kind {evidence.kind}",
            cure="say within which margins there is no effect, or leave null out",
        )
    record: dict[str, Any] = {
        "statement": statement,
        "label": label,
        "kind": "null" if null else evidence.kind,
        "statistic": evidence.statistic,
        "comparator": threshold.comparator,
        "threshold": threshold.value,
        "measured": evidence.measured,
        "interval": None if evidence.interval is None else list(evidence.interval),
        "replicas": len(evidence.seeds),
        "seeds": evidence.seeds,
        "unit": unit,
        "holds": evidence.holds(threshold),
        **asdict(firmness(evidence, threshold, unit)),
        "fails_when": fails_when,
        "arms": [*measured.arms] if isinstance(measured, Paired) and measured.arms else None,
        "frames": _frames(),
    }
    # A reader may run a cell twice: the new record takes the place of the old one.
    _RECORDS[:] = [*(old for old in _RECORDS if old["statement"] != statement), record]
    if not record["holds"] and not building:
        raise ClaimFailed(_sentence(record))


def recorded() -> list[dict[str, Any]]:
    """Every claim made in this process so far, in order, as JSON-able records (a copy)."""
    return copy.deepcopy(_RECORDS)


def _check_words(statement: str, unit: str, label: str | None, *, unique: bool) -> None:
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
    if not unique:
        return
    for old in _RECORDS:
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


def _frames() -> list[list[str | int]]:
    """File and line of each caller, innermost first: the engine finds the page among them."""
    frames: list[list[str | int]] = []
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_filename != __file__:
            frames.append([frame.f_code.co_filename, frame.f_lineno])
        frame = frame.f_back
    return frames


def _sentence(record: dict[str, Any]) -> str:
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
