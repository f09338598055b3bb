"""What was measured, as `claim` is given it: one number, or one for each replica with its seed."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dlfaq.claims.threshold import finite
from dlfaq.errors import InputError
from dlfaq.replicate_values import Replicates

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Measurement", "read_measurement"]

_FLOAT32 = 1e-5
_FLOAT64 = 1e-10


@dataclass(frozen=True)
class Measurement:
    """What was measured.

    Attributes:
        values: a number, shape (), or numbers or booleans over replicas, shape (n,).
        seeds: those of the replicas, in order; () for a number.
        unit: as `claim` takes it.
        arms: names of the arms that it compares, or ().
    """

    values: npt.NDArray[np.generic]
    seeds: tuple[int, ...]
    unit: str
    arms: tuple[str, ...]

    @property
    def tolerance(self) -> float:
        """How far off rounding may be, relative to a number: by its precision."""
        exact = self.values.dtype.kind != "f" or self.values.dtype.itemsize == 8  # noqa: PLR2004
        return _FLOAT64 if exact else _FLOAT32


def read_measurement(
    measured: npt.ArrayLike, seeds: Iterable[int] | None, unit: str
) -> Measurement:
    """Read what `claim` was given; `Replicates` bring their seeds, their arms and their unit.

    Raises:
        InputError: it is no number and no array of numbers, or does not fit seeds or unit.
    """
    values = _array(measured)
    known = measured if isinstance(measured, Replicates) else Replicates.of(())
    unit = _agreed(known.unit, unit)
    if values.ndim == 0:
        return Measurement(_number(values, seeds), (), unit, ())
    listed = None if seeds is None else _whole(seeds, values.size)
    if known.seeds and listed not in (None, known.seeds):
        raise InputError(
            expected="the seeds that the numbers were measured with",
            got=f"others, from {listed[0] if listed else 'none'} on",
            cure="leave seeds out: the numbers know them",
        )
    return Measurement(values, known.seeds or listed or (), unit, known.arms)


def _agreed(known: str, given: str) -> str:
    if known and given not in ("", known):
        raise InputError(
            expected=f"the unit {known!r} that the numbers have",
            got=repr(given),
            cure="leave unit out, or claim np.asarray(...) of them",
        )
    return known or given


def _number(value: npt.NDArray[np.generic], seeds: Iterable[int] | None) -> npt.NDArray[np.generic]:
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
    finite(value.item())
    return value


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
            expected="a number, or one number or boolean for each replica",
            got=type(measured).__name__,
            cure="reduce what was measured to numbers",
        )
    return array


def _detached(value: Any) -> Any:  # noqa: ANN401
    if not hasattr(value, "detach"):
        return value
    tensor = value.detach().cpu()
    # NumPy has no bfloat16; the floats are the same numbers.
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()


def _whole(seeds: Iterable[int], replicas: int) -> tuple[int, ...]:
    try:
        return tuple(operator.index(seed) for seed in seeds)
    except TypeError:
        raise InputError(
            expected=f"{replicas} seeds, whole numbers",
            got=repr(seeds),
            cure="pass the seeds the replicas were run with, such as seeds=seeds(16)",
        ) from None
