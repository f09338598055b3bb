"""A claim: a sentence, what was measured, and the threshold that decides whether it stands.

    claim("Forgetting zero_grad() makes the final loss {} as large",
          runs.ratio("forgotten", "called", of=final_loss), at_least=100)

What kind of claim it is follows from what is given:

| measured               | threshold             | kind         | judged on                |
|------------------------|-----------------------|--------------|--------------------------|
| a number               | any                   | identity     | the number               |
|                        | `predicted=True`      | prediction   |                          |
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

import inspect
import os
from typing import TYPE_CHECKING, Any, TypeAlias

from dlfaq.claims.judge import judge
from dlfaq.claims.measurement import read_measurement
from dlfaq.claims.statement import check_statement, check_unique
from dlfaq.claims.threshold import read_threshold
from dlfaq.errors import ClaimFailed, InputError
from dlfaq.writing.claims import not_held

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from dlfaq.protocol import Claim

__all__ = ["claim", "estimate", "recorded"]

Frames: TypeAlias = list[tuple[str, int]]
"""File and line of each caller, innermost first: the engine finds the page among them."""

_RECORDED: list[tuple[Claim, Frames]] = []


def claim(
    statement: str,
    measured: npt.ArrayLike,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    within: float | tuple[float, float] | None = None,
    equals: float | None = None,
    tolerance: float | None = None,
    null: bool = False,
    predicted: bool = False,
    seeds: Iterable[int] | None = None,
    unit: str = "",
    label: str | None = None,
    fails_when: str | None = None,
) -> None:
    """State what was measured, and hold it against a threshold.

    Numbers over replicas hold when the whole two-sided 95 % interval of their mean does: above
    `at_least`, below `at_most`, inside `within`. An ordering is strict: a tie shows no order.

    Args:
        statement: the sentence, unique on its page, with `{}` where the measured number is drawn.
            The threshold is not in it: the card writes that below.
        measured: a number; or for each replica a number or a boolean, shape (n,). A list, a NumPy
            array or a tensor. What compares arms comes best from `difference` or `ratio` of a
            `Comparison`: it brings its seeds and its unit, and the claim, which then knows the
            arms, can be run as a placebo.
        at_least: the threshold from below. Exactly one of the four thresholds is given.
        at_most: the threshold from above.
        within: two margins; `within=m` means (-m, m), for ratios (1/m, m).
        equals: the number that a number is, rounding aside.
        tolerance: how much rounding `equals` allows, relative to the number (absolute for 0);
            10⁻¹⁰, and 10⁻⁵ for float32, if left out.
        null: say that an equivalence shows that there is no effect.
        predicted: say that the number was computed and not measured.
        seeds: the seed of each replica, in order, where the replicas do not know them.
        unit: "points" for differences of shares and "%" for shares (measured and threshold are
            fractions, written times 100), "×" for ratios, or any other unit, which is printed as
            it stands.
        label: what a page calls the claim by, such as `final-loss`.
        fails_when: the case in which the claim is known to break; its card says "Fails when", this,
            and a full stop.

    Raises:
        InputError: the arguments do not make a claim that could be judged.
        ClaimFailed: the claim does not hold (recorded instead of raised where a page is built).

    Example:
        >>> claim("Twice two is {}", 2 * 2, equals=4)
    """
    made = _judged(
        statement,
        measured,
        {
            "at_least": at_least,
            "at_most": at_most,
            "within": within,
            "equals": equals,
            "tolerance": tolerance,
        },
        seeds=seeds,
        unit=unit,
        label=label,
        null=null,
        predicted=predicted,
        fails_when=fails_when,
    )
    _keep(made)
    if not made.holds() and os.environ.get("DLFAQ_RUNNER") != "1":
        raise ClaimFailed(not_held(made))


def estimate(
    statement: str,
    measured: npt.ArrayLike,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    within: float | tuple[float, float] | None = None,
    seeds: Iterable[int] | None = None,
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
        seeds: as for `claim`.
        unit: as for `claim`.
        label: as for `claim`.

    Raises:
        InputError: the arguments do not make a claim that could be judged.

    Example:
        >>> gains = [0.02, 0.011, 0.013, 0.004]
        >>> estimate("Is warm-up worth a point? It gains {}", gains, at_least=0.01,
        ...          seeds=range(1000, 1004), unit="points")
    """
    thresholds = {"at_least": at_least, "at_most": at_most, "within": within}
    made = _judged(
        statement, measured, thresholds, seeds=seeds, unit=unit, label=label, gated=False
    )
    if made.interval is None:
        raise InputError(
            expected="numbers over replicas for an estimate",
            got="a single number",
            cure="claim it: what carries no chance is not left open",
        )
    _keep(made)


def recorded() -> list[tuple[Claim, Frames]]:
    """Every claim and estimate of this process so far, in order, each with its callers."""
    return list(_RECORDED)


def _judged(
    statement: str,
    measured: npt.ArrayLike,
    thresholds: dict[str, Any],
    *,
    seeds: Iterable[int] | None,
    unit: str,
    label: str | None,
    **about: Any,  # noqa: ANN401 - see judge
) -> Claim:
    check_statement(statement, unit, label)
    numbers = read_measurement(measured, seeds, unit)
    if thresholds.get("equals") is None and thresholds.get("tolerance") is not None:
        raise InputError(
            expected="`equals` beside a tolerance",
            got="another threshold",
            cure="within=(low, high) and the others say themselves how far a number may be off",
        )
    if thresholds.get("equals") is not None and thresholds["tolerance"] is None:
        thresholds = {**thresholds, "tolerance": numbers.tolerance}
    threshold = read_threshold(**thresholds, unit=numbers.unit)
    return judge(statement, numbers, threshold, label=label, **about)


def _keep(made: Claim) -> None:
    """Note a claim down. A reader may run a cell twice: the new one takes the place of the old."""
    if os.environ.get("DLFAQ_RUNNER") == "1":
        check_unique(made, (old for old, _ in _RECORDED))
    others = [(old, frames) for old, frames in _RECORDED if old.statement != made.statement]
    _RECORDED[:] = [*others, (made, _frames())]


def _frames() -> Frames:
    frames: Frames = []
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_filename != __file__:
            frames.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return frames
