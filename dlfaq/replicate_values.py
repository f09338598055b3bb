"""Numbers that know which arms they compare, so that a claim about them can be put to the test.

`runs.difference("A", "B")` is a NumPy array of one number a replica, with the names of its arms.
They go with it through arithmetic, and `claim` writes them down. A claim that names its arms can be
run again as a placebo, in which all arms are the same and no effect may be left: see
`dlfaq.experiments.compare`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from dlfaq.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

__all__ = ["Paired", "arm_of", "one_a_replica"]

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


def one_a_replica(values: npt.ArrayLike, replicas: int, *, cure: str) -> npt.NDArray[np.float64]:
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


class Paired(np.ndarray[Any, np.dtype[Any]]):
    """One number for each replica, shape (replicas,), that compares arms.

    Arithmetic, comparisons, NumPy's elementwise functions and slices keep `arms`: `-d`, `100 * d`,
    `d > 0`, `np.sqrt(d)`, `d[:8]`. What combines several keeps the arms of all: `d - e`. A single
    number, such as `d.mean()` or `d[0]`, is a plain one, and `np.asarray(d)` a plain array.

    Attributes:
        arms: names, in the order in which they were compared.
    """

    arms: tuple[str, ...]

    @classmethod
    def of(cls, values: npt.ArrayLike, arms: Sequence[str]) -> Paired:
        """`values`, (replicas,), as a comparison of `arms`."""
        paired = np.asarray(values, dtype=np.float64).view(cls)
        paired.arms = tuple(arms)
        return paired

    def signs(self, *, no_effect: float) -> list[int]:
        """How many replicas lie above `no_effect`, on it, and below, as a sign test counts them.

        The share above, ties counted half, estimates P(A > B) for a difference A − B.
        """
        values = np.asarray(self)
        counts = (values > no_effect, values == no_effect, values < no_effect)
        return [int(count.sum()) for count in counts]

    def __array_finalize__(self, source: object) -> None:
        """Take the arms of what the array is a view or a copy of."""
        self.arms = getattr(source, "arms", ())

    def __array_ufunc__(self, ufunc: np.ufunc, method: Any, *inputs: Any, **options: Any) -> Any:  # noqa: ANN401
        """Compute with plain arrays, and name the arms of all inputs on an array that results."""
        arms = dict.fromkeys(arm for value in inputs for arm in getattr(value, "arms", ()))
        plain = [np.asarray(value) if isinstance(value, Paired) else value for value in inputs]
        if "out" in options:  # `d *= 100`
            options["out"] = tuple(map(np.asarray, options["out"]))
        result = getattr(ufunc, method)(*plain, **options)
        if not isinstance(result, np.ndarray) or not result.ndim:
            return result
        paired = result.view(Paired)
        paired.arms = tuple(arms)
        return paired
