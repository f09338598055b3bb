"""Arms on the same replicas, each at its best learning rate or at a given one: `compare`.

A comparison at one shared rate measures which arm that rate suits, so arms are tuned unless told
otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from dlfaq.errors import InputError
from dlfaq.experiments.comparison import Comparison
from dlfaq.experiments.placebo import named_settings, treatments
from dlfaq.experiments.tuning import ROOT_TEN, Trained, Tuned, train, tune
from dlfaq.training.arguments import ReplicaTraining
from dlfaq.training.names import unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlfaq.training.fit_many import Data

__all__ = ["Arm", "Shared", "compare"]


class Shared(ReplicaTraining, total=False):
    """What the arms of a comparison have in common; `lr` is a rate, or the centre of a grid."""

    lr: float


class Arm(Shared, total=False):
    """One side of a comparison: what it overrides of the arguments that are shared."""

    data: Data


@overload
def compare(
    data: Data,
    *,
    arms: Mapping[str, Arm],
    replicas: int = ...,
    tuned: Literal[True] = ...,
    rates: int = ...,
    ratio: float = ...,
    tuning_replicas: int = ...,
    **shared: Unpack[Shared],
) -> Comparison[Tuned]: ...


@overload
def compare(
    data: Data,
    *,
    arms: Mapping[str, Arm],
    replicas: int = ...,
    tuned: Literal[False],
    rates: int = ...,
    ratio: float = ...,
    tuning_replicas: int = ...,
    **shared: Unpack[Shared],
) -> Comparison[Trained]: ...


def compare(
    data: Data,
    *,
    arms: Mapping[str, Arm],
    replicas: int = 16,
    tuned: bool = True,
    rates: int = 7,
    ratio: float = ROOT_TEN,
    tuning_replicas: int = 4,
    **shared: Unpack[Shared],
) -> Comparison[Tuned] | Comparison[Trained]:
    """Tune each arm, train fresh replicas of each at its best rate, and pair them by seed.

    Replica i of every arm has the same seed, hence the same split and the same order of batches
    where arms share data and batch size, and the same initial weights where they share the model.
    (In a placebo arms have replicas of their own, and share no seed: `dlfaq.experiments.placebo`.)

    Args:
        data: called with `seed=` for each replica, such as `digits`.
        arms: what differs, by the names of the arms; an arm may override all that is shared.
        replicas: how many are scored.
        tuned: False trains each arm at its `lr` as it is, with no tuning runs. What is found then
            holds at those rates; say so in the claim, beside a tuned one.
        rates: how many rates the grid of an arm has, as for `tune`.
        ratio: of neighbouring rates, as for `tune`.
        tuning_replicas: how many train at each rate, as for `tune`.
        shared: what the arms have in common: training arguments, see
            `dlfaq.training.arguments.ReplicaTraining`; and `lr`, the centre of the grid, or with
            `tuned=False` the rate.

    Raises:
        InputError: an arm with no or with unknown settings, or one whose best rate is at an end of
            its grid; otherwise as `fit_many`.

    Example:
        >>> runs = compare(digits, sizes=[64, 32, 10], steps=100, batch_size=50, arms={
        ...     "SGD": {"optimizer": "sgd", "lr": 0.3},
        ...     "Adam": {"optimizer": "adam", "lr": 0.01},
        ... })
        >>> runs.difference("Adam", "SGD").shape
        (16,)
    """
    if not isinstance(tuned, bool):
        raise InputError(
            expected="tuned, True or False", got=repr(tuned), cure="pass one of the two"
        )
    settings = {
        name: _checked(name, {"data": data, **shared, **arm})
        for name, arm in named_settings(arms).items()
    }
    runs: dict[str, Any] = {}
    for name, (own, number) in treatments(settings).items():
        if tuned:
            runs[name] = tune(
                **own,
                rates=rates,
                ratio=ratio,
                tuning_replicas=tuning_replicas,
                replicas=replicas,
                placebo_arm=number,
                name=repr(name),
            )
        else:
            runs[name] = train(**own, replicas=replicas, placebo_arm=number)
    return Comparison(runs, next(iter(runs.values())).seeds)


def _checked(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    for unknown in sorted(settings.keys() - Arm.__optional_keys__):
        otherwise = "correct its name; steps and sizes are those of fit_many"
        if unknown == "seeds":
            otherwise = "pass replicas=16 in place of seeds; DLFAQ_SEED_OFFSET takes others"
        what = f"for the arm {name!r}: arguments"
        raise unknown_name(unknown, Arm.__optional_keys__, what=what, otherwise=otherwise)
    if "lr" not in settings:
        raise InputError(
            expected=f"for the arm {name!r}: lr, the centre of its grid of learning rates",
            got="none",
            cure="pass lr= for the arm, or for all arms together",
        )
    return settings
