"""Arms, each at its best learning rate, on the same replicas: `compare`, and `tune` for one.

An arm has a centre c and is tuned on the seven rates c·10^(k/2), k = −3 … 3, with 4 tuning replicas
each, by mean validation accuracy. Fresh replicas then train at the best rate and are scored on
their test part, once. A comparison at one shared rate would measure which arm that rate suits.

Source: Google's Deep Learning Tuning Playbook, 2023, on optimizers tuned alike before comparing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np

from dlfaq.errors import InputError
from dlfaq.replicas import fit_many
from dlfaq.seeding import seeds, tuning_seeds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlfaq.evaluation import Loss
    from dlfaq.history import Floats, History
    from dlfaq.models import Activation
    from dlfaq.optimizers import Optimizer, Scheduler
    from dlfaq.replicas import Data, Model

__all__ = ["Arm", "Comparison", "Shared", "Training", "Tuned", "compare", "tune"]

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


class Shared(Training, total=False):
    """What the arms of a comparison have in common; `lr` is the centre of the grid of rates."""

    lr: float


class Arm(Shared, total=False):
    """One side of a comparison."""

    data: Data


@dataclass(frozen=True)
class Tuned:
    """An arm at its best rate.

    Attributes:
        rates: the grid, (7,), ascending.
        validation: validation accuracy of the tuning replicas, (7, 4); a run that diverged counts
            at chance accuracy.
        diverged: the share of tuning runs that diverged at each rate, (7,).
        rate: the best of the rates.
        seeds: of the fresh replicas.
        history: the fresh replicas at the best rate.
    """

    rates: Floats
    validation: Floats
    diverged: Floats
    rate: float
    seeds: list[int]
    history: History

    @property
    def accuracy(self) -> Floats:
        """Test accuracy of the fresh replicas, (replicas,); who diverged counts at chance."""
        return self.history.accuracy


@dataclass(frozen=True)
class Comparison:
    """Arms by name, all scored on replicas of the same seeds."""

    arms: Mapping[str, Tuned]
    seeds: list[int]

    def __getitem__(self, name: str) -> Tuned:
        """The arm of that name."""
        if name not in self.arms:
            raise InputError(
                expected=f"an arm among {', '.join(self.arms)}",
                got=repr(name),
                cure="write its name as in arms=",
            )
        return self.arms[name]

    def difference(self, a: str, b: str) -> Floats:
        """Test accuracy of arm `a` minus that of arm `b`, replica by replica, (replicas,)."""
        return self[a].accuracy - self[b].accuracy


def compare(
    data: Data, *, arms: Mapping[str, Arm], replicas: int = 16, **shared: Unpack[Shared]
) -> Comparison:
    """Tune each arm, train fresh replicas of each at its best rate, and pair them by seed.

    Replica i of every arm has the same seed, hence the same split and the same order of batches
    where arms share data and batch size, and the same initial weights where they share the model.

    Args:
        data: called with `seed=` for each replica, such as `digits`.
        arms: what differs, by the names of the arms; an arm may override all that is shared.
        replicas: how many are scored.
        shared: what the arms have in common: arguments of `fit_many`, and `lr`, the centre.

    Raises:
        InputError: an arm with no or with unknown settings, or one whose best rate is at an end of
            its grid; otherwise as `fit_many`.

    Example:
        >>> runs = compare(digits, sizes=[64, 64, 10], steps=300, batch_size=100, arms={
        ...     "SGD": {"optimizer": "sgd", "lr": 1.0},
        ...     "Adam": {"optimizer": "adam", "lr": 0.01},
        ... })
        >>> runs.difference("Adam", "SGD").shape
        (16,)
    """
    if not arms:
        raise InputError(
            expected="at least one arm", got="none", cure='write arms={"SGD": {"lr": 0.1}, …}'
        )
    tuned = {}
    for name, arm in arms.items():
        settings: dict[str, Any] = {"data": data, **shared, **arm}
        unknown = settings.keys() - Arm.__optional_keys__
        if unknown or "lr" not in settings:
            raise InputError(
                expected=f"for the arm {name!r}: lr and others of {_names()}",
                got=f"{', '.join(sorted(unknown)) or 'no lr'}",
                cure="name the centre of its grid lr; steps and sizes are those of fit_many",
            )
        tuned[name] = tune(**settings, replicas=replicas, name=repr(name))
    return Comparison(tuned, seeds(replicas))


def tune(
    data: Data,
    *,
    lr: float,
    replicas: int = 16,
    name: str = "the arm",
    **training: Unpack[Training],
) -> Tuned:
    """Choose the best of seven rates around `lr` by validation, then score fresh replicas there.

    Args:
        data: called with `seed=` for each replica, such as `digits`.
        lr: the centre c of the rates c·10^(k/2), k = −3 … 3.
        replicas: how many fresh ones are scored.
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
        seeds=tuning_seeds(_TUNING_REPLICAS),
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
    fresh = seeds(replicas)
    rate = float(rates[best])
    return Tuned(
        rates=rates,
        validation=validation,
        diverged=tried.diverged.mean(1),
        rate=rate,
        seeds=fresh,
        history=fit_many(data, seeds=fresh, lr=rate, **training),
    )


def _curve(validation: Floats) -> str:
    return ", ".join(f"{accuracy:.3f}" for accuracy in validation.mean(1))


def _names() -> str:
    return ", ".join(sorted(Arm.__optional_keys__))
