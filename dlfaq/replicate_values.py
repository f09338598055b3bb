"""Numbers over replicas that know their seeds, their arms and their unit.

`runs.difference("A", "B")` is a NumPy array of one number per replica. It carries the seeds of the
replicas, the names of the arms it compares and the unit of its numbers through arithmetic, so that
a claim about it says nothing twice, and can be run again as a placebo, in which all arms are the
same and no effect may be left: see `dlfaq.experiments.placebo`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from dlfaq.errors import InputError
from dlfaq.protocol import PERCENT, POINTS, RATIO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

__all__ = ["Replicates", "arm_of", "one_per_replica"]

Run = TypeVar("Run")


def arm_of(arms: Mapping[str, Run], name: str) -> Run:
    """The arm of that name.

    Raises:
        InputError: there is none; the message has the names that there are.
    """
    if name not in arms:
        raise InputError(
            expected=f"an arm among {', '.join(arms)}", got=repr(name), cure="correct its name"
        )
    return arms[name]


def one_per_replica(values: npt.ArrayLike, replicas: int, *, cure: str) -> npt.NDArray[np.float64]:
    """The values as an array, (replicas,).

    Raises:
        InputError: they have another shape; the message ends with `cure`.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (replicas,):
        raise InputError(
            expected=f"one number for each of the {replicas} replicas",
            got=f"shape {array.shape}",
            cure=cure,
        )
    return array


class Replicates(np.ndarray[Any, np.dtype[Any]]):
    """One number for each replica, shape (replicas,).

    Arithmetic, comparisons, NumPy's elementwise functions and slices keep what is known: `-d`,
    `d > 0`, `d - e`. Slices take the seeds of their replicas along. Arms of several operands are
    joined. Seeds that differ are dropped. A unit survives sums and differences, with plain numbers
    too (`1 - share`), but for ratios; the difference of two shares in "%" is in "points". All else
    has no unit. A single number, such as `d.mean()` or `d[0]`, is a plain one, and `np.asarray(d)`
    a plain array.

    Attributes:
        arms: names of the arms it is about, in the order in which they were compared; () if none.
        seeds: of the replicas, in order; () where they are not known.
        unit: as `claim` takes it: "points", "%", "×", "" or the name of a unit.
    """

    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    unit: str

    @classmethod
    def of(
        cls,
        values: npt.ArrayLike,
        *,
        arms: Sequence[str] = (),
        seeds: Sequence[int] = (),
        unit: str = "",
    ) -> Replicates:
        """`values`, (replicas,), with what is known of them.

        Raises:
            InputError: seeds are given, and not one for each value.
        """
        array = np.asarray(values)
        if len(seeds) and array.shape != (len(seeds),):
            raise InputError(
                expected=f"one value for each of {len(seeds)} seeds",
                got=f"shape {array.shape}",
                cure="reduce each replica to its one number",
            )
        replicates = array.view(cls)
        replicates.arms, replicates.seeds, replicates.unit = tuple(arms), tuple(seeds), unit
        return replicates

    def signs(self, *, no_effect: float) -> list[int]:
        """How many replicas lie above `no_effect`, on it, and below, as a sign test counts them.

        The share above, ties counted half, estimates P(A > B) for a difference A − B.
        """
        values = np.asarray(self)
        counts = (values > no_effect, values == no_effect, values < no_effect)
        return [int(count.sum()) for count in counts]

    def __array_finalize__(self, source: object) -> None:
        """Take what is known from what the array is a view or a copy of."""
        self.arms = getattr(source, "arms", ())
        self.seeds = getattr(source, "seeds", ())
        self.unit = getattr(source, "unit", "")

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - as NumPy has it
        """A slice with the seeds of its replicas, or a single plain number."""
        part = super().__getitem__(index)
        if isinstance(part, Replicates) and part.shape != self.shape:
            of_part = np.array(self.seeds)[index] if self.seeds else np.empty(0)
            # A column, as matplotlib and NumPy make of it, is not one number for each replica.
            part.seeds = tuple(map(int, of_part)) if of_part.ndim == 1 else ()
        return part

    def __array_ufunc__(self, ufunc: np.ufunc, method: Any, *inputs: Any, **options: Any) -> Any:  # noqa: ANN401
        """Compute with plain arrays, and note on an array that results what is known of it."""
        plain = [np.asarray(one) if isinstance(one, Replicates) else one for one in inputs]
        if "out" in options:  # `d *= 100`
            options["out"] = tuple(map(np.asarray, options["out"]))
        result = getattr(ufunc, method)(*plain, **options)
        if method != "__call__" or not isinstance(result, np.ndarray) or not result.ndim:
            return result
        known = [one for one in inputs if isinstance(one, Replicates)]
        seeds = {one.seeds for one in known if one.seeds}
        return Replicates.of(
            result,
            arms=tuple(dict.fromkeys(arm for one in known for arm in one.arms)),
            seeds=seeds.pop() if len(seeds) == 1 and result.shape == known[0].shape else (),
            unit=_unit_of(ufunc, inputs),
        )


def _unit_of(ufunc: np.ufunc, inputs: Sequence[Any]) -> str:
    units = [one.unit if isinstance(one, Replicates) else None for one in inputs]
    if ufunc in {np.negative, np.positive, np.absolute}:
        return units[0] or ""
    if ufunc not in {np.add, np.subtract} or len({*units} - {None}) != 1 or RATIO in units:
        return ""
    unit = next(one for one in units if one is not None)
    return POINTS if units == [PERCENT, PERCENT] and ufunc is np.subtract else unit
