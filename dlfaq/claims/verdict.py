"""What is claimed: the kind that a measurement and its threshold make, and whether it holds.

What is measured is either one number, or a number or a boolean for each of many replicas. Only the
latter carries chance, and is judged on its 95 % interval.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from dlfaq.claims.intervals import failure_rate_interval, geometric_mean_interval, mean_interval
from dlfaq.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["RATIO", "Evidence", "Threshold", "measure"]

RATIO = "×"
"""The unit of ratios, which are averaged by their logarithms and compared with 1."""


@dataclass(frozen=True)
class Threshold:
    """What a claim is held against: the values from `low` to `high`, ends included.

    Attributes:
        comparator: the argument of `claim` that gave it. Unless `within`, one end is infinite.
        low: the least value that holds.
        high: the largest value that holds.
    """

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
    ) -> Threshold:
        """Read the thresholds of `claim`; see there.

        Raises:
            InputError: not exactly one is given, or it leaves nothing that could hold.
        """
        given = {"at_least": at_least, "at_most": at_most, "within": within}
        given = {name: value for name, value in given.items() if value is not None}
        if len(given) != 1:
            raise InputError(
                expected="exactly one of at_least, at_most and within",
                got=" and ".join(given) or "none of them",
                cure="make two claims of two thresholds, and give each claim one",
            )
        if at_least is not None:
            return cls("at_least", _end(at_least, unit), math.inf)
        if at_most is not None:
            return cls("at_most", -math.inf, _end(at_most, unit))
        if isinstance(within, tuple | list):
            if len(within) != 2:  # noqa: PLR2004
                raise InputError(
                    expected="two margins, (low, high)",
                    got=repr(within),
                    cure="within=m means (-m, m), for ratios (1/m, m)",
                )
            low, high = (_end(end, unit) for end in within)
        else:
            high = _end(within, unit)
            low = 1 / high if unit == RATIO else -high
        if low > high:
            raise InputError(
                expected="margins (low, high) with low <= high",
                got=f"({low:g}, {high:g})",
                cure="put the smaller one first; within=m means (-m, m), for ratios (1/m, m)",
            )
        return cls("within", low, high)

    @property
    def value(self) -> float | list[float]:
        """The threshold as a record holds it: a number, or two for `within`."""
        if self.comparator == "within":
            return [self.low, self.high]
        return self.low if self.comparator == "at_least" else self.high


@dataclass(frozen=True)
class Evidence:
    """What was measured, and the kind of claim that it makes.

    Attributes:
        kind: see the table in `dlfaq.claims.claim`; a null is an equivalence.
        statistic: what `measured` is of the replicas.
        measured: the number that the claim shows, in its unit.
        interval: the 95 % interval of it, None for an identity.
        seeds: those of the replicas, none for an identity.
    """

    kind: Literal["identity", "ordering", "effect", "equivalence", "failure rate"]
    statistic: Literal["value", "mean", "geometric mean", "failure rate"]
    measured: float
    interval: tuple[float, float] | None
    seeds: list[int]

    def holds(self, threshold: Threshold) -> bool:
        """Whether the number, or all of its interval, is on the right side of the threshold."""
        low, high = self.interval or (self.measured, self.measured)
        if self.kind == "ordering":  # a tie is no order
            return threshold.low < low and high < threshold.high
        return threshold.low <= low and high <= threshold.high


def measure(
    measured: npt.ArrayLike, threshold: Threshold, seeds: Iterable[int] | None, unit: str
) -> Evidence:
    """Find out what a measurement is, and its interval.

    Raises:
        InputError: it is not finite, has too few replicas, or does not fit seeds or threshold.
    """
    values = _array(measured)
    if values.ndim == 0 or (values.size == 1 and seeds is None):
        return _number(values, seeds)
    if values.dtype == np.bool_:
        _check_share(threshold, unit)
        rate = failure_rate_interval(values)
        listed = _seed_list(seeds, values.size)
        return Evidence(
            "failure rate", "failure rate", rate.estimate, (rate.low, rate.high), listed
        )
    ratio = unit == RATIO
    mean = geometric_mean_interval(values) if ratio else mean_interval(values)
    return Evidence(
        _kind(threshold, no_effect=1 if ratio else 0),
        "geometric mean" if ratio else "mean",
        mean.estimate,
        (mean.low, mean.high),
        _seed_list(seeds, values.size),
    )


def _kind(
    threshold: Threshold, *, no_effect: float
) -> Literal["equivalence", "ordering", "effect"]:
    if threshold.comparator == "within":
        return "equivalence"
    return "ordering" if threshold.value == no_effect else "effect"


def _number(value: npt.NDArray[np.generic], seeds: Iterable[int] | None) -> Evidence:
    if seeds is not None:
        raise InputError(
            expected="one number for each seed",
            got="a single number",
            cure="give what each replica measured, or leave out the seeds of an exact number",
        )
    if value.dtype == np.bool_:
        raise InputError(
            expected="a number",
            got=f"a single {value.item()}",
            cure="claim what was compared, such as the largest difference within=1e-10",
        )
    return Evidence("identity", "value", _finite(value.item()), None, [])


def _check_share(threshold: Threshold, unit: str) -> None:
    ends = [end for end in (threshold.low, threshold.high) if math.isfinite(end)]
    if unit or not all(0 < end < 1 for end in ends):
        raise InputError(
            expected="a share between 0 and 1 as threshold, and no unit, for booleans",
            got=f"{threshold.value} {unit}".strip(),
            cure="claim a share that 95 % intervals can reach: none of 32 means at most 0.11",
        )


def _array(measured: npt.ArrayLike) -> npt.NDArray[np.generic]:
    """As NumPy has it. A tensor is known by its method, so that a claim alone loads no torch."""
    try:
        if isinstance(measured, list | tuple):
            array = np.asarray([_detached(value) for value in measured])
        else:
            array = np.asarray(_detached(measured))
    except ValueError:  # rows of unlike lengths
        array = np.array(None)
    # NumPy would count what a mask leaves out.
    if array.dtype.kind not in "biuf" or isinstance(measured, np.ma.MaskedArray):
        raise InputError(
            expected="a number, or one number or boolean a replica",
            got=type(measured).__name__,
            cure="reduce what was measured to numbers",
        )
    return array


def _detached(value: Any) -> Any:  # noqa: ANN401
    if not hasattr(value, "detach"):
        return value
    tensor = value.detach().cpu()
    # NumPy has no bfloat16; the doubles are the same numbers.
    return (tensor.double() if tensor.is_floating_point() else tensor).numpy()


def _seed_list(seeds: Iterable[int] | None, replicas: int) -> list[int]:
    try:
        listed = [operator.index(seed) for seed in (() if seeds is None else seeds)]
    except TypeError:
        raise InputError(
            expected=f"{replicas} seeds, whole numbers",
            got=repr(seeds),
            cure="pass the seeds the replicas were run with, such as seeds=seeds(16)",
        ) from None
    if len(listed) != replicas or len(set(listed)) != replicas:
        raise InputError(
            expected=f"{replicas} different seeds, one for each replica",
            got=f"{len(listed)}, {len(set(listed))} of them different",
            cure="pass the seeds the replicas were run with, such as seeds=seeds(16)",
        )
    return listed


def _end(number: Any, unit: str) -> float:  # noqa: ANN401
    finite = _finite(number)
    if unit == RATIO and finite <= 0:
        raise InputError(
            expected="a positive threshold for ratios",
            got=repr(number),
            cure="compare ratios with 1, or claim a difference",
        )
    return finite


def _finite(number: Any) -> float:  # noqa: ANN401
    try:
        finite = not isinstance(number, bool | str) and math.isfinite(number)
    except (TypeError, ValueError):  # no number at all, or several
        finite = False
    if not finite:
        raise InputError(
            expected="finite numbers",
            got=repr(number),
            cure="claim the share of runs that failed, or leave out a limit that excludes nothing",
        )
    return float(number)
