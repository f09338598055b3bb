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

What the runs leave open is an `estimate`: judged in the same way, published, and never a failure.
"""

from __future__ import annotations

import copy
import inspect
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dlfaq.claims.chance import firmness
from dlfaq.claims.mutation import inverse_holds
from dlfaq.claims.statement import check_statement, check_unique, not_held
from dlfaq.claims.verdict import RATIO, Threshold, measure
from dlfaq.errors import ClaimFailed, InputError
from dlfaq.replicate_values import Replicates

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

__all__ = ["claim", "estimate", "recorded"]

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
        fails_when: the case in which the claim is known to break; its card says "Fails when", this,
            and a full stop.

    Raises:
        InputError: the arguments do not make a claim that could be judged.
        ClaimFailed: the claim does not hold (recorded instead of raised where a page is built).
    """
    threshold = Threshold.of(at_least, at_most, within, unit)
    record = _record(statement, measured, threshold, seeds=seeds, unit=unit, label=label, null=null)
    record["fails_when"] = fails_when
    _keep(record)
    if not record["holds"] and os.environ.get("DLFAQ_RUNNER") != "1":
        raise ClaimFailed(not_held(record))


def estimate(
    statement: str,
    measured: npt.ArrayLike,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    within: float | tuple[float, float] | None = None,
    seeds: Iterable[int],
    unit: str = "",
    label: str | None = None,
) -> None:
    """Publish what was measured beside the threshold one would care about, and gate nothing on it.

    For a comparison that so many runs cannot be relied on to decide: where rule 6 of the protocol
    leaves no room for a threshold, or where an interval reaches across a margin. Its card says
    "Inconclusive" where the interval lies on neither side, and what it shows where it does.

    Args:
        statement: the sentence that would be claimed, or a question; unique on its page.
        measured: for each replica a number or a boolean, shape (n,), as for `claim`.
        at_least: as for `claim`, as are the rest.
        at_most: as for `claim`.
        within: as for `claim`.
        seeds: the seed of each replica, in order.
        unit: as for `claim`.
        label: as for `claim`.

    Raises:
        InputError: the arguments do not make a claim that could be judged.

    Example:
        >>> estimate("Is warm-up worth a point?", gains, at_least=0.01, seeds=seeds(4),
        ...          unit="points")
    """
    threshold = Threshold.of(at_least, at_most, within, unit)
    _keep(_record(statement, measured, threshold, seeds=seeds, unit=unit, label=label, gated=False))


def recorded() -> list[dict[str, Any]]:
    """Every claim and estimate of this process so far, in order, as JSON-able records (a copy)."""
    return copy.deepcopy(_RECORDS)


def _record(
    statement: str,
    measured: npt.ArrayLike,
    threshold: Threshold,
    *,
    seeds: Iterable[int] | None,
    unit: str,
    label: str | None,
    null: bool = False,
    gated: bool = True,
) -> dict[str, Any]:
    check_statement(statement, unit, label)
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
        "gated": gated,
        **asdict(firmness(evidence, threshold, unit)),
        "fails_when": None,
        "arms": None,
        "signs": None,
        "frames": _frames(),
    }
    if isinstance(measured, Replicates) and measured.arms:
        record["arms"] = [*measured.arms]
        if evidence.kind != "failure rate":
            record["signs"] = measured.signs(no_effect=1 if unit == RATIO else 0)
    record["verdict"] = _verdict(record)
    return record


def _verdict(record: dict[str, Any]) -> str:
    if record["holds"]:
        return "holds"
    return "refuted" if inverse_holds(record) else "inconclusive"


def _keep(record: dict[str, Any]) -> None:
    """Note a record down. A reader may run a cell twice: the new one takes the place of the old."""
    if os.environ.get("DLFAQ_RUNNER") == "1":
        check_unique(record, _RECORDS)
    _RECORDS[:] = [*(old for old in _RECORDS if old["statement"] != record["statement"]), record]


def _frames() -> list[list[str | int]]:
    """File and line of each caller, innermost first: the engine finds the page among them."""
    frames: list[list[str | int]] = []
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_filename != __file__:
            frames.append([frame.f_code.co_filename, frame.f_lineno])
        frame = frame.f_back
    return frames
