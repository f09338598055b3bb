"""One arm of a comparison: trained at the rate it is given, or at the best of seven.

An arm has a centre c and is tuned on the seven rates c·10^(k/2), k = −3 … 3, with 4 tuning replicas
each, by mean validation accuracy. Fresh replicas then train at the best rate and are scored on
their test part, once.

Source: Google's Deep Learning Tuning Playbook, 2023, on optimizers tuned alike before comparing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np

from dlfaq.errors import InputError
from dlfaq.seeding import seeds, tuning_seeds
from dlfaq.training.fit_many import fit_many

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlfaq.training.evaluation import Loss
    from dlfaq.training.fit_many import Data, Model
    from dlfaq.training.history import Floats, History
    from dlfaq.training.models import Activation
    from dlfaq.training.optimizers import Optimizer, Scheduler

__all__ = ["Trained", "Training", "Tuned", "train", "tune"]

_TUNING_REPLICAS = 4
_EXPONENTS = np.arange(-3, 4) / 2


class Training(TypedDict, total=False):
    """How the replicas of an arm are trained: arguments of `fit_many`."""

    sizes: Sequence[int]
    activation: Activation
    init: str | float
    bias: bool
    model: Model
    optimizer: Optimizer
    options: Mapping[str, Any]
    scheduler: Scheduler
    steps: int
    epochs: int
    batch_size: int
    loss: Loss
    zero_grad: bool
    evaluate_every: int


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
    def accuracy(self) -> Floats:
        """Test accuracy of the replicas, (replicas,); who diverged counts at chance."""
        return self.history.accuracy


@dataclass(frozen=True, kw_only=True)
class Tuned(Trained):
    """An arm at its best rate; `seeds`, `history` and `accuracy` are those of fresh replicas there.

    Attributes:
        rates: the grid, (7,), ascending.
        validation: validation accuracy of the tuning replicas, (7, 4); a run that diverged counts
            at chance accuracy.
        diverged: the share of tuning runs that diverged at each rate, (7,).
    """

    rates: Floats
    validation: Floats
    diverged: Floats


def train(
    data: Data, *, lr: float, replicas: int = 16, arm: int = 0, **training: Unpack[Training]
) -> Trained:
    """Train replicas at the rate `lr` as it is; arguments as for `tune`."""
    fresh = seeds(replicas, arm=arm)
    return Trained(rate=lr, seeds=fresh, history=fit_many(data, seeds=fresh, lr=lr, **training))


def tune(
    data: Data,
    *,
    lr: float,
    replicas: int = 16,
    arm: int = 0,
    name: str = "the arm",
    **training: Unpack[Training],
) -> Tuned:
    """Choose the best of seven rates around `lr` by validation, then score fresh replicas there.

    Args:
        data: called with `seed=` for each replica, such as `digits`.
        lr: the centre c of the rates c·10^(k/2), k = −3 … 3.
        replicas: how many fresh ones are scored.
        arm: whose seeds it has, see `seeds`.
        name: of the arm, for errors.
        training: arguments of `fit_many`; `evaluate_every` applies to the fresh replicas.

    Raises:
        InputError: the best rate is at an end of the grid, where a better one may lie beyond; or
            whatever `fit_many` refuses.
    """
    rates = lr * 10**_EXPONENTS
    quick: Any = {key: value for key, value in training.items() if key != "evaluate_every"}
    tried = fit_many(
        data,
        seeds=tuning_seeds(_TUNING_REPLICAS, arm=arm),
        lr=list(rates),
        parts=["validation"],
        **quick,
    )
    validation = tried.final_accuracy("validation")  # (7, 4)
    losses = tried.validation.loss[..., -1].mean(1)
    # Among rates of equal accuracy the one with the lower loss; NaN counts as the worst.
    best = int(np.lexsort((-np.nan_to_num(losses, nan=np.inf), validation.mean(1)))[-1])
    if best in (0, len(rates) - 1):
        side = "lower" if best == 0 else "upper"
        raise InputError(
            expected=f"a best rate of {name} inside its grid, {rates[0]:.3g} to {rates[-1]:.3g}",
            got=f"the {side} end, {rates[best]:.3g} (accuracy {_curve(validation)})",
            cure=f"move its centre to lr={rates[best]:.2g}, on exploration seeds",
        )
    fresh = train(data, lr=float(rates[best]), replicas=replicas, arm=arm, **training)
    return Tuned(
        rates=rates,
        validation=validation,
        diverged=tried.diverged.mean(1),
        rate=fresh.rate,
        seeds=fresh.seeds,
        history=fresh.history,
    )


def _curve(validation: Floats) -> str:
    return ", ".join(f"{accuracy:.3f}" for accuracy in validation.mean(1))
