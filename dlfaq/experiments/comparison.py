"""What was found of the arms of an experiment: by name, against each other, and as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import numpy as np

from dlfaq.claims.intervals import mean_interval
from dlfaq.errors import InputError
from dlfaq.experiments.tuning import Trained, Tuned
from dlfaq.protocol import POINTS, RATIO
from dlfaq.replicate_values import Replicates, arm_of, one_per_replica
from dlfaq.writing.tables import html_table, text_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from dlfaq.training.history import Floats

__all__ = ["Comparison", "Quantity"]

Run = TypeVar("Run")

Quantity: TypeAlias = Callable[[Any], Any]
"""What is compared: from the `History` of an arm that was trained, or from what was measured of an
arm, (replicas, …), to one number per replica."""


@dataclass(frozen=True, repr=False)
class Comparison(Generic[Run]):
    """Arms by name, and the seeds of their replicas.

    As the last expression of a cell it shows itself as a table: a row per arm, with the best rate,
    the mean test accuracy and its 95 % interval, and how many replicas diverged.

    Attributes:
        arms: by name; each a `Trained` or `Tuned` arm, or an array of what was measured of it,
            (replicas, …).
        seeds: of the replicas (in a placebo, of those of the first arm).

    Example:
        >>> accuracy = {"narrow": np.array([0.80, 0.90]), "wide": np.array([0.84, 0.92])}
        >>> Comparison(accuracy, seeds(2)).difference("wide", "narrow").round(2)
        Replicates([0.04, 0.02])
    """

    arms: Mapping[str, Run]
    seeds: list[int]

    def __getitem__(self, name: str) -> Run:
        """The arm of that name."""
        return arm_of(self.arms, name)

    def difference(
        self, a: str, b: str, *, of: Quantity | None = None, unit: str | None = None
    ) -> Replicates:
        """A quantity of arm `a` minus that of arm `b`, replica by replica, (replicas,).

        Args:
            a: name of an arm.
            b: name of another.
            of: takes the `History` of an arm, or what was measured of it, and gives one number per
                replica. Left out: test accuracy, or what was measured.
            unit: of the difference. Left out: "points" for test accuracy, else none.

        Returns:
            An array that knows its arms, seeds and unit, also after arithmetic, for `claim`.

        Raises:
            InputError: there is no such arm, or `of` does not give one number per replica.

        Example:
            >>> runs = compare(digits, sizes=[64, 10], steps=20, tuned=False, replicas=4, arms={
            ...     "SGD": {"lr": 0.1},
            ...     "Adam": {"lr": 0.01, "optimizer": "adam"},
            ... })
            >>> lower = runs.difference("SGD", "Adam", of=lambda history: history.train.loss[:, -1])
            >>> lower.arms, lower.shape
            (('SGD', 'Adam'), (4,))
        """
        if unit is None:
            unit = POINTS if of is None and isinstance(self[a], Trained) else ""
        return Replicates.of(
            self._numbers(a, of) - self._numbers(b, of), arms=(a, b), seeds=self.seeds, unit=unit
        )

    def ratio(self, a: str, b: str, *, of: Quantity | None = None) -> Replicates:
        """A quantity of arm `a` over that of arm `b`, in "×"; otherwise as `difference`."""
        return Replicates.of(
            self._numbers(a, of) / self._numbers(b, of), arms=(a, b), seeds=self.seeds, unit=RATIO
        )

    def plot_tuning(self, ax: Axes | None = None) -> Axes:
        """Draw the tuning curves: validation accuracy over the learning rates, arm by arm.

        Args:
            ax: where to draw; axes of a new figure if left out.

        Returns:
            The axes.

        Raises:
            InputError: an arm was not tuned.
        """
        # A page that only trains does not load matplotlib for it.
        import matplotlib.pyplot as plt  # noqa: PLC0415

        from dlfaq.figures.axis_labels import y_label  # noqa: PLC0415
        from dlfaq.figures.replicates import replicates  # noqa: PLC0415

        if ax is None:
            _, ax = plt.subplots()
        for name, arm in self.arms.items():
            if not isinstance(arm, Tuned):
                raise InputError(
                    expected="arms that were tuned",
                    got=f"{name!r}, which was not",
                    cure="leave tuned=False out of compare()",
                )
            replicates(ax, arm.rates, arm.validation.T, label=name)
        ax.set_xscale("log")
        ax.set_xlabel("learning rate")
        ax.yaxis.set_major_formatter("{x:.0%}")
        y_label(ax, "validation accuracy")
        return ax

    def __repr__(self) -> str:
        """The table as text."""
        headings, rows = self._table()
        return "\n".join([text_table(headings, rows), "", self._caption()])

    def _repr_html_(self) -> str:
        return html_table(*self._table()) + f"<p>{escape(self._caption())}</p>"

    def _caption(self) -> str:
        return f"{len(self.seeds)} replicas per arm. In brackets: 95 % interval of the mean."

    def _table(self) -> tuple[list[str], list[list[str]]]:
        if not any(isinstance(arm, Trained) for arm in self.arms.values()):
            return ["arm", "mean"], [
                [name, _mean(np.asarray(arm), "{:.4g}")] for name, arm in self.arms.items()
            ]
        return ["arm", "rate", "test accuracy", "diverged"], [
            [name, f"{arm.rate:.3g}", _accuracy(arm), f"{arm.history.diverged.sum()}"]
            for name, arm in self.arms.items()
            if isinstance(arm, Trained)
        ]

    def _numbers(self, name: str, of: Quantity | None) -> Floats:
        arm = self[name]
        if of is not None and not callable(of):
            raise InputError(
                expected="a function of a history, or of what was measured, as of",
                got=repr(of),
                cure="write of=lambda history: history.train.loss[:, -1]",
            )
        if isinstance(arm, Trained):
            values = arm.accuracy if of is None else of(arm.history)
            cure = "end with the last evaluation, such as of=lambda h: h.train.loss[:, -1]"
        else:
            values = arm if of is None else of(arm)
            cure = "reduce what was measured, such as of=lambda runs: runs.mean(axis=1)"
        return one_per_replica(values, len(self.seeds), cure=cure)


def _accuracy(arm: Trained) -> str:
    return _mean(np.asarray(arm.accuracy), "{:.1%}") if "test" in arm.history.curves else "—"


def _mean(values: Floats, shown: str) -> str:
    """The mean of one number per replica with its interval; of all else the shape."""
    if values.ndim > 1:
        return f"arrays of shape {values.shape[1:]}"
    mean = shown.format(values.mean())
    if len(values) == 1 or not np.isfinite(values).all():
        return mean
    interval = mean_interval(values)
    return f"{mean} [{shown.format(interval.low)}, {shown.format(interval.high)}]"
