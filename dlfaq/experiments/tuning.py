"""One arm of a comparison: trained at the rate it is given, or at the best of several.

An arm has a centre c and is tuned on rates in equal ratios around it, c·10^(k/2), k = −3 … 3 unless
told otherwise, with a few tuning replicas each, by mean validation accuracy. Fresh replicas then
train at the best rate and are scored on their test part, once.

Source: Google's Deep Learning Tuning Playbook, 2023, on optimizers tuned alike before comparing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from dlfaq.errors import InputError
from dlfaq.protocol import PERCENT
from dlfaq.replicate_values import Replicates
from dlfaq.seeding import seeds, tuning_seeds
from dlfaq.training.arguments import ReplicaTraining, check_known
from dlfaq.training.checks import one_rate
from dlfaq.training.fit_many import fit_many

if TYPE_CHECKING:
    from dlfaq.training.fit_many import Data
    from dlfaq.training.history import Floats, History

__all__ = ["ROOT_TEN", "Trained", "Tuned", "train", "tune"]

ROOT_TEN = 10**0.5
_FEWEST_RATES = 3  # one inside, and one at either end


@dataclass(frozen=True, kw_only=True)
class Trained:
    """An arm at one rate.

    Attributes:
        rate: the learning rate.
        seeds: of the replicas.
        history: of the replicas.
    """

    rate: float
    seeds: list[int]
    history: History

    @property
    def accuracy(self) -> Replicates:
        """Test accuracy of the replicas, (replicas,), in "%"; diverged runs count at chance."""
        return Replicates.of(self.history.accuracy, seeds=self.seeds, unit=PERCENT)


@dataclass(frozen=True, kw_only=True)
class Tuned(Trained):
    """An arm at its best rate; `seeds`, `history` and `accuracy` are those of fresh replicas there.

    Attributes:
        rates: the grid, (rates,), ascending.
        validation: validation accuracy of the tuning replicas, (rates, replicas); a run that
            diverged counts at chance accuracy.
        diverged: the share of tuning runs that diverged at each rate, (rates,).
    """

    rates: Floats
    validation: Floats
    diverged: Floats


def train(
    data: Data,
    *,
    lr: float,
    replicas: int = 16,
    placebo_arm: int = 0,
    **training: Unpack[ReplicaTraining],
) -> Trained:
    """Train replicas at the rate `lr` as it is; arguments as for `tune`."""
    fresh = seeds(replicas, placebo_arm=placebo_arm)
    return Trained(rate=lr, seeds=fresh, history=fit_many(data, seeds=fresh, lr=lr, **training))


def tune(
    data: Data,
    *,
    lr: float,
    replicas: int = 16,
    rates: int = 7,
    ratio: float = ROOT_TEN,
    tuning_replicas: int = 4,
    placebo_arm: int = 0,
    name: str = "the arm",
    **training: Unpack[ReplicaTraining],
) -> Tuned:
    """Choose the best of several rates around `lr` by validation, then score fresh replicas there.

    Args:
        data: called with `seed=` for each replica, such as `digits`.
        lr: the centre of the grid of rates.
        replicas: how many fresh ones are scored.
        rates: how many rates there are, an odd number.
        ratio: of neighbouring rates; √10 unless given.
        tuning_replicas: how many train at each rate.
        placebo_arm: the number of the arm in a placebo, see `seeds`.
        name: of the arm, for errors.
        training: training arguments, see `dlfaq.training.arguments.ReplicaTraining`;
            `evaluate_every` and `parts` apply to the fresh replicas.

    Raises:
        InputError: the best rate is at an end of the grid, where a better one may lie beyond; a
            grid that makes no sense; or whatever `fit_many` refuses.

    Example:
        >>> tuned = tune(digits, lr=0.3, sizes=[64, 32, 10], steps=100, batch_size=100)
        >>> tuned.validation.shape
        (7, 4)
    """
    check_known(training, ReplicaTraining)
    grid = _grid(one_rate(lr), rates, ratio)
    quick: Any = {
        key: value for key, value in training.items() if key not in {"evaluate_every", "parts"}
    }
    tried = fit_many(
        data,
        seeds=tuning_seeds(tuning_replicas, placebo_arm=placebo_arm),
        lr=list(grid),
        parts=["validation"],
        **quick,
    )
    validation = tried.final_accuracy("validation")  # (rates, tuning replicas)
    losses = tried.validation.loss[..., -1].mean(1)
    # Among rates of equal accuracy the one with the lower loss; NaN counts as the worst.
    best = int(np.lexsort((-np.nan_to_num(losses, nan=np.inf), validation.mean(1)))[-1])
    if best in (0, len(grid) - 1):
        side = "lower" if best == 0 else "upper"
        raise InputError(
            expected=f"a best rate of {name} inside its grid, {grid[0]:.3g} to {grid[-1]:.3g}",
            got=f"the {side} end, {grid[best]:.3g} (accuracy {_curve(validation)})",
            cure=f"move its centre to lr={grid[best]:.2g}, on exploration seeds",
        )
    fresh = train(
        data, lr=float(grid[best]), replicas=replicas, placebo_arm=placebo_arm, **training
    )
    return Tuned(
        rates=grid,
        validation=validation,
        diverged=tried.diverged.mean(1),
        rate=fresh.rate,
        seeds=fresh.seeds,
        history=fresh.history,
    )


def _grid(centre: float, rates: int, ratio: float) -> Floats:
    if type(rates) is not int or rates < _FEWEST_RATES or rates % 2 == 0:
        raise InputError(
            expected=f"rates, an odd whole number from {_FEWEST_RATES}",
            got=repr(rates),
            cure="so that lr stands in the middle: 7, 9 or 11",
        )
    if isinstance(ratio, bool | str) or not 1 < ratio < math.inf:
        raise InputError(
            expected="ratio, of neighbouring rates, above 1",
            got=repr(ratio),
            cure="pass 10**0.5, or 10**0.25 for a finer grid",
        )
    exponents = math.log10(ratio) * (np.arange(rates) - rates // 2)
    return np.asarray(centre * 10**exponents, dtype=np.float64)


def _curve(validation: Floats) -> str:
    return ", ".join(f"{accuracy:.3f}" for accuracy in validation.mean(1))
