"""A claim: a sentence, what was measured, and the threshold that decides whether the sentence stands.

    claim("Forgetting zero_grad() multiplies the final loss at least a hundredfold",
          forgotten / called, at_least=100, unit="×", seeds=seeds(16))

What is claimed follows from what is given:

| measured                  | threshold                   | kind         | judged on                          |
|---------------------------|-----------------------------|--------------|------------------------------------|
| a number                  | any                         | identity     | the number                         |
| booleans over replicas    | any                         | failure rate | exact binomial interval            |
| numbers over replicas     | `within`                    | equivalence  | t interval (of logs for unit "×")  |
| numbers over replicas     | `within`, `null=True`       | null         | the same                           |
| numbers over replicas     | 0, or 1 for unit "×"        | ordering     | the same                           |
| numbers over replicas     | any other                   | effect       | the same                           |

Where a reader runs the code, a claim that does not hold raises `ClaimFailed`. Where the site is built (environment
variable DLFAQ_RUNNER=1) it is recorded, so that one build reports every claim that fails.
"""

from __future__ import annotations

import copy
import inspect
import math
import operator
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from dlfaq.errors import ClaimFailed, InputError
from dlfaq.statistics import failure_rate_interval, geometric_mean_interval, mean_interval

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["claim", "recorded"]

_RATIO = "×"
_LOOKALIKE_UNITS = {"x": "×", "X": "×", "*": "×", "%": "points", "pp": "points", "pts": "points"}
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

    A number holds on its own. Numbers over replicas hold when the whole two-sided 95 % interval of their mean does:
    above `at_least`, below `at_most`, inside `within`. An ordering is strict: runs that all tie show no order.

    Args:
        statement: the sentence, unique on its page.
        measured: a number, or one number or boolean a replica, shape (n,): list, NumPy array or tensor.
        at_least: the threshold from below; exactly one of the three thresholds is given.
        at_most: the threshold from above.
        within: two margins; `within=m` means (-m, m), for ratios (1/m, m).
        null: say that an equivalence shows there is no effect.
        seeds: the seeds of the replicas, in their order.
        unit: "points" for percentage points (measured and thresholds are fractions), "×" for ratios, which are
            averaged by their logarithms, or any other unit, which is printed as it stands.
        label: a name for `{claim} label` on the page, such as `final-loss`.
        fails_when: a sentence on the case where the claim is known to break.

    Raises:
        InputError: the arguments do not make a claim that could be judged.
        ClaimFailed: the claim does not hold (recorded instead of raised where a page is built).
    """
    building = os.environ.get("DLFAQ_RUNNER") == "1"
    _check_words(statement, unit, label, unique=building)
    threshold = _Threshold.of(at_least, at_most, within, unit)
    evidence = _measure(measured, threshold, seeds, unit)
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
        "fails_when": fails_when,
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
    if not isinstance(statement, str) or not statement.strip():
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


@dataclass(frozen=True)
class _Threshold:
    """What a claim is held against: the values from `low` to `high`, one of them infinite unless `within`."""

    comparator: Literal["at_least", "at_most", "within"]
    low: float
    high: float

    @classmethod
    def of(
        cls,
        at_least: float | None,
        at_most: float | None,
        within: float | tuple[float, float] | None,
        unit: str,
    ) -> _Threshold:
        given = {"at_least": at_least, "at_most": at_most, "within": within}
        given = {name: value for name, value in given.items() if value is not None}
        if len(given) != 1:
            raise InputError(
                expected="exactly one of at_least, at_most and within",
                got=" and ".join(given) or "none of them",
                cure="make two claims of two thresholds, and give each claim one",
            )
        if at_least is not None:
            return cls("at_least", _finite(at_least), math.inf)
        if at_most is not None:
            return cls("at_most", -math.inf, _finite(at_most))
        if isinstance(within, tuple | list):
            low, high = (_finite(end) for end in within)
        else:
            high = _finite(within)
            low = -high if unit != _RATIO else 1 / high if high else math.inf
        if low > high:
            raise InputError(
                expected="margins (low, high) with low <= high, where within=m means (-m, m), for ratios (1/m, m)",
                got=f"({low:g}, {high:g})",
                cure="put the smaller one first; for ratios one margin is above 1",
            )
        return cls("within", low, high)

    @property
    def value(self) -> float | list[float]:
        """The threshold as a record holds it."""
        if self.comparator == "within":
            return [self.low, self.high]
        return self.low if self.comparator == "at_least" else self.high


@dataclass(frozen=True)
class _Evidence:
    """What was measured, and the kind of claim that makes."""

    kind: Literal["identity", "ordering", "effect", "equivalence", "failure rate"]
    statistic: Literal["value", "mean", "geometric mean", "failure rate"]
    measured: float
    interval: tuple[float, float] | None
    seeds: list[int]

    def holds(self, threshold: _Threshold) -> bool:
        low, high = self.interval or (self.measured, self.measured)
        if self.kind == "ordering":
            return threshold.low < low and high < threshold.high
        return threshold.low <= low and high <= threshold.high


def _measure(
    measured: npt.ArrayLike, threshold: _Threshold, seeds: Iterable[int] | None, unit: str
) -> _Evidence:
    values = _array(measured)
    if values.ndim == 0 or (values.size == 1 and seeds is None):
        if values.dtype == np.bool_ or seeds is not None:
            raise InputError(
                expected="a number without seeds, or one number a replica with them",
                got="a single boolean"
                if values.dtype == np.bool_
                else "a single number with seeds",
                cure="claim the number itself, such as the largest difference, or measure each replica",
            )
        return _Evidence("identity", "value", _finite(values.item()), None, [])
    labels = _seed_list(seeds, values.size)
    if values.dtype == np.bool_:
        if unit or not all(
            0 < end < 1 for end in (threshold.low, threshold.high) if math.isfinite(end)
        ):
            raise InputError(
                expected="a threshold between 0 and 1, and no unit, for a share of replicas",
                got=f"{threshold.value} {unit}".strip(),
                cure="claim the share itself: no run of 32 failed means at most 0.11",
            )
        rate = failure_rate_interval(values)
        return _Evidence(
            "failure rate", "failure rate", rate.estimate, (rate.low, rate.high), labels
        )
    mean = geometric_mean_interval(values) if unit == _RATIO else mean_interval(values)
    no_effect = 1 if unit == _RATIO else 0
    return _Evidence(
        "equivalence"
        if threshold.comparator == "within"
        else "ordering"
        if threshold.value == no_effect
        else "effect",
        "geometric mean" if unit == _RATIO else "mean",
        mean.estimate,
        (mean.low, mean.high),
        labels,
    )


def _array(measured: npt.ArrayLike) -> npt.NDArray[np.generic]:
    """As NumPy has it; a tensor is known by its method `detach`, so that a claim alone does not load torch."""
    values = [_detached(v) for v in measured] if isinstance(measured, list) else _detached(measured)
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise InputError(
            expected="a number, or one number or boolean a replica",
            got=type(measured).__name__,
            cure="reduce what was measured to numbers",
        )
    return array


def _detached(value: Any) -> Any:  # noqa: ANN401
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


def _seed_list(seeds: Iterable[int] | None, replicas: int) -> list[int]:
    listed = [operator.index(seed) for seed in seeds or ()]
    if len(listed) != replicas or len(set(listed)) != replicas:
        raise InputError(
            expected=f"{replicas} different seeds, one for each replica",
            got=f"{len(listed)}, {len(set(listed))} of them different",
            cure="pass the seeds the replicas were run with, such as seeds=seeds(16)",
        )
    return listed


def _finite(number: Any) -> float:  # noqa: ANN401
    if isinstance(number, bool) or not math.isfinite(number):
        raise InputError(
            expected="finite numbers",
            got=repr(number),
            cure="claim the share of runs that failed, or leave out a threshold that excludes nothing",
        )
    return float(number)


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
    scale, unit = (100, " pts") if record["unit"] == "points" else (1, record["unit"])
    unit = f" {unit}" if unit not in {"", _RATIO, " pts"} else unit

    def shown(value: float) -> str:
        return f"{value * scale:.3g}{unit}"

    threshold = record["threshold"]
    wanted = (
        f"within {shown(threshold[0])} and {shown(threshold[1])}"
        if record["comparator"] == "within"
        else f"{record['comparator'].replace('_', ' ')} {shown(threshold)}"
    )
    measured = f"measured {shown(record['measured'])}"
    if record["interval"] is not None:
        low, high = map(shown, record["interval"])
        measured += f", 95 % interval {low} to {high} over {record['replicas']} replicas"
    return f"{record['statement']!r} does not hold: {measured}; claimed {wanted}"
