"""The learning-rate range test, on several replicas: `find_rate`.

Each replica starts anew and takes some steps while the rate rises in equal ratios from far too low
to far too high. Its loss stays, falls, and rises again. How far the replicas agree on where says
how much of it is noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from dlfaq.errors import InputError
from dlfaq.seeding import tuning_seeds
from dlfaq.training.arguments import ReplicaTraining, check_known
from dlfaq.training.checks import one_rate
from dlfaq.training.fit_many import fit_many

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dlfaq.training.fit_many import Data
    from dlfaq.training.history import Floats

__all__ = ["RateTest", "find_rate"]

_FEWEST_STEPS = 30
_SETTLED = ("epochs", "scheduler", "scheduler_options", "scheduler_every", "average", "parts")

# A curve has turned where it has lost this much of what it had gained; that is far above its noise.
_TURNED = 0.5
_ABOVE_NOISE = 4
_START, _WINDOW = 0.1, 0.05  # shares of the steps: the flat part, and what is averaged over
_BELOW_TURN = 0.1  # the suggestion, times the rate at which the curves turn
_AGREE = 10  # largest over smallest of the rates at which they turn
_MOST_SEE_IT = 0.75


@dataclass(frozen=True, repr=False)
class RateTest:
    """What a range test found.

    It knows the first steps from fresh weights and nothing else. Short runs favour rates that fall
    fast at first: a long training may do better with a lower rate, one with a schedule or a warm-up
    with a higher one, and of the accuracy in the end it says nothing. Take the suggestion as the
    centre of a grid for `tune`.

    Attributes:
        rates: at the steps, (steps,), ascending in equal ratios.
        losses: of the batches before each of these steps, (replicas, steps).
        turns: where the curve of each replica turns up, (replicas,): the rate at which the averaged
            loss has lost half of what it had gained. NaN where it does not.
        suggestion: a rate, a tenth of the geometric mean of `turns`; or None.
        spread: the least and the largest of `turns`, each times a tenth; or None.
        why: why there is no suggestion, else "".
    """

    rates: Floats
    losses: Floats
    turns: Floats
    suggestion: float | None
    spread: tuple[float, float] | None
    why: str

    def __repr__(self) -> str:
        """In a line: "suggested rate 0.1, 0.08 to 0.12 over 8 replicas"."""
        if self.suggestion is None or self.spread is None:
            return f"no rate suggested: {self.why}"
        low, high = self.spread
        return (
            f"suggested rate {self.suggestion:.2g}, {low:.2g} to {high:.2g} over "
            f"{len(self.turns)} replicas; known from {len(self.rates)} first steps alone"
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the loss over the rate, replica by replica, and the suggestion with its spread.

        Args:
            ax: where to draw; axes of a new figure if left out.

        Returns:
            The axes.
        """
        import matplotlib.pyplot as plt  # noqa: PLC0415 - who does not draw does not load it

        from dlfaq.figures.axis_labels import y_label  # noqa: PLC0415
        from dlfaq.figures.replicates import replicates  # noqa: PLC0415

        if ax is None:
            _, ax = plt.subplots()
        start = self.losses[:, 0].mean()
        replicates(ax, self.rates, np.minimum(np.nan_to_num(self.losses, nan=np.inf), 2 * start))
        if self.suggestion is not None and self.spread is not None:
            ax.axvspan(*self.spread, alpha=0.2, linewidth=0)
            ax.axvline(self.suggestion, linestyle="--")
        ax.set_xscale("log")
        ax.set_xlabel("learning rate, rising step by step")
        ax.set_ylim(0, 1.5 * start)
        y_label(ax, "loss of the batch")
        return ax


def find_rate(
    data: Data,
    *,
    lowest: float = 1e-5,
    highest: float = 10.0,
    replicas: int = 8,
    **training: Unpack[ReplicaTraining],
) -> RateTest:
    """Let the learning rate rise from `lowest` to `highest`, and see where the loss turns up.

    Args:
        data: called with `seed=` for each replica, such as `digits`; or one `Dataset` for all.
        lowest: the first rate, at which nothing happens yet.
        highest: the last one, at which training diverges.
        replicas: how many; their seeds are `tuning_seeds`, so none is ever scored.
        training: as for `fit_many`. `steps` is 100 unless given; how the rate moves is settled.

    Returns:
        A `RateTest`. It suggests a rate only where three of four curves fall by more than their
        noise and turn up again, at rates within a factor of ten.

    Raises:
        InputError: rates in no order, a schedule of one's own, or whatever `fit_many` refuses.

    Example:
        >>> test = find_rate(digits, sizes=[64, 32, 10], batch_size=50, replicas=2)
        >>> test.losses.shape
        (2, 100)

    Source: Smith, Cyclical Learning Rates for Training Neural Networks, 2017.
    """
    low, high = one_rate(lowest), one_rate(highest)
    if not low < high:
        raise InputError(
            expected="lowest below highest",
            got=f"lowest={lowest!r}, highest={highest!r}",
            cure="leave both out for 1e-5 to 10",
        )
    settings: Any = dict(training)
    if "lr" in settings:
        raise InputError(
            expected="lowest and highest in place of lr",
            got=f"lr={settings['lr']!r}",
            cure="leave it out: the rate is what is looked for",
        )
    check_known(settings, ReplicaTraining)
    for name in _SETTLED:
        if settings.get(name) is not None:
            raise InputError(
                expected="a rate that rises over some steps",
                got=f"{name}={settings[name]!r}",
                cure="leave it out, and pass steps= for another length",
            )
    steps = settings.setdefault("steps", 100)
    if type(steps) is not int or steps < _FEWEST_STEPS:
        raise InputError(
            expected=f"steps, a whole number from {_FEWEST_STEPS}",
            got=repr(steps),
            cure="leave it out for 100",
        )

    def rising(share: float) -> float:
        return float((high / low) ** (share * steps / (steps - 1)))

    history = fit_many(
        data,
        seeds=tuning_seeds(replicas),
        lr=low,
        scheduler=rising,
        parts=["validation"],
        **settings,
    )
    rates = low * (high / low) ** np.linspace(0, 1, steps)
    turns = np.array([_turn(rates, losses) for losses in history.batch_loss])
    return _judged(rates, history.batch_loss, turns)


def _turn(rates: Floats, losses: Floats) -> float:
    """The rate at which one curve turns up, or NaN if that is not to be seen in its noise."""
    steps = len(losses)
    flat, window = int(_START * steps), 2 * int(_WINDOW * steps / 2) + 1
    start, noise = losses[:flat].mean(), losses[:flat].std(ddof=1) / np.sqrt(window)
    # What explodes counts as twice the start, lest one step outweigh all others in its window.
    bounded = np.minimum(np.nan_to_num(losses, nan=np.inf), 2 * start)
    edges = np.pad(bounded, window // 2, mode="edge")
    smooth = np.convolve(edges, np.full(window, 1 / window), "valid")
    lowest = int(smooth.argmin())
    gain = start - smooth[lowest]
    risen = np.flatnonzero(smooth[lowest:] > smooth[lowest] + _TURNED * gain)
    if lowest < flat or gain < _ABOVE_NOISE * noise or not len(risen):
        return float("nan")
    return float(rates[lowest + risen[0]])


def _judged(rates: Floats, losses: Floats, turns: Floats) -> RateTest:
    """The test with its suggestion, or with why there is none."""
    seen = turns[np.isfinite(turns)]
    why = ""
    if len(seen) < _MOST_SEE_IT * len(turns):
        why = (
            f"{len(seen)} of {len(turns)} losses fall by more than their noise and turn up again; "
            "try a higher highest=, a lower lowest=, larger batches or more steps"
        )
    elif seen.max() > _AGREE * seen.min():
        why = f"replicas turn up anywhere from {seen.min():.2g} to {seen.max():.2g}"
    if why:
        return RateTest(rates, losses, turns, suggestion=None, spread=None, why=why)
    suggestion = float(_BELOW_TURN * np.exp(np.log(seen).mean()))
    spread = (float(_BELOW_TURN * seen.min()), float(_BELOW_TURN * seen.max()))
    return RateTest(rates, losses, turns, suggestion=suggestion, spread=spread, why=why)
