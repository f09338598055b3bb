"""Arms on the same replicas, each at its best learning rate or at a given one: `compare`.

A comparison at one shared rate measures which arm that rate suits, so arms are tuned unless told
otherwise.

**Placebo.** With the environment variable DLFAQ_PLACEBO=1 every arm of a comparison is given the
treatment of its last arm, and each arm replicas of its own: arm j those of the master j·10⁶ further
on, for tuning and scoring alike. The arms then differ in nothing but chance, so an effect or an
order that is still found between them is one of the measurement. DLFAQ_SEED_OFFSET shifts these
seeds like all others. By chance alone an interval lies above 0 in one comparison of 40, of tuned
arms in more (3 of 30 were above, 2 below): the rate that 4 tuning runs choose is chance that all
scored replicas of an arm share, and no interval over them contains it. So let a claim about tuned
arms ask for an effect, not for an order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar, Unpack, overload

from dlfaq.errors import InputError
from dlfaq.experiments.tuning import Trained, Training, Tuned, train, tune
from dlfaq.replicate_values import Replicates, arm_of, one_per_replica
from dlfaq.seeding import in_placebo
from dlfaq.training.history import Floats, History

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlfaq.training.fit_many import Data

__all__ = ["Arm", "Comparison", "Quantity", "Shared", "compare"]

Run = TypeVar("Run", bound=Trained)

Quantity: TypeAlias = Callable[[History], Any]
"""What is compared: from a history whose arrays lead with (replicas,) to one number a replica."""

_accuracy: Quantity = attrgetter("accuracy")


class Shared(Training, total=False):
    """What the arms of a comparison have in common; `lr` is a rate, or the centre of a grid."""

    lr: float


class Arm(Shared, total=False):
    """One side of a comparison."""

    data: Data


@dataclass(frozen=True)
class Comparison(Generic[Run]):
    """Arms by name, and the seeds of their replicas (in a placebo, of those of the first arm)."""

    arms: Mapping[str, Run]
    seeds: list[int]

    def __getitem__(self, name: str) -> Run:
        """The arm of that name."""
        return arm_of(self.arms, name)

    def difference(self, a: str, b: str, *, of: Quantity = _accuracy) -> Replicates:
        """A quantity of arm `a` minus that of arm `b`, replica by replica, (replicas,).

        Args:
            a: name of an arm.
            b: name of another.
            of: takes the `History` of an arm and gives one number a replica; test accuracy if left
                out.

        Returns:
            An array that knows its arms, also after arithmetic, for `claim` to write down.

        Raises:
            InputError: there is no such arm, or `of` does not give one number a replica.

        Example:
            >>> runs.difference("Adam", "SGD", of=lambda history: history.train.loss[:, -1])
        """
        return Replicates.of(
            self._measure(a, of) - self._measure(b, of),
            arms=(a, b),
            seeds=self.seeds,
            unit="points" if of is _accuracy else "",
        )

    def ratio(self, a: str, b: str, *, of: Quantity) -> Replicates:
        """A quantity of arm `a` over that of arm `b`; otherwise as `difference`."""
        return Replicates.of(
            self._measure(a, of) / self._measure(b, of), arms=(a, b), seeds=self.seeds, unit="×"
        )

    def _measure(self, name: str, of: Quantity) -> Floats:
        cure = "end with the last evaluation, such as of=lambda h: h.train.loss[:, -1]"
        return one_per_replica(of(self[name].history), len(self.seeds), cure=cure)


@overload
def compare(
    data: Data,
    *,
    arms: Mapping[str, Arm],
    replicas: int = ...,
    tuned: Literal[True] = ...,
    **shared: Unpack[Shared],
) -> Comparison[Tuned]: ...


@overload
def compare(
    data: Data,
    *,
    arms: Mapping[str, Arm],
    replicas: int = ...,
    tuned: Literal[False],
    **shared: Unpack[Shared],
) -> Comparison[Trained]: ...


def compare(
    data: Data,
    *,
    arms: Mapping[str, Arm],
    replicas: int = 16,
    tuned: bool = True,
    **shared: Unpack[Shared],
) -> Comparison[Tuned] | Comparison[Trained]:
    """Tune each arm, train fresh replicas of each at its best rate, and pair them by seed.

    Replica i of every arm has the same seed, hence the same split and the same order of batches
    where arms share data and batch size, and the same initial weights where they share the model.
    (In a placebo arms have replicas of their own, and share no seed.)

    Args:
        data: called with `seed=` for each replica, such as `digits`.
        arms: what differs, by the names of the arms; an arm may override all that is shared.
        replicas: how many are scored.
        tuned: False trains each arm at its `lr` as it is, with no tuning runs. What is found then
            holds at those rates; say so in the claim, beside a tuned one.
        shared: what the arms have in common: arguments of `fit_many`, and `lr`, the centre of the
            grid of seven rates, or with `tuned=False` the rate.

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
    settings = {name: _checked(name, {"data": data, **shared, **arm}) for name, arm in arms.items()}
    placebo = in_placebo()
    if placebo:
        settings = dict.fromkeys(settings, [*settings.values()][-1])
    runs: dict[str, Any] = {}
    for number, (name, own) in enumerate(settings.items()):
        arm = number if placebo else 0
        if tuned:
            runs[name] = tune(**own, replicas=replicas, arm=arm, name=repr(name))
        else:
            runs[name] = train(**own, replicas=replicas, arm=arm)
    return Comparison(runs, next(iter(runs.values())).seeds)


def _checked(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    unknown = settings.keys() - Arm.__optional_keys__
    if unknown or "lr" not in settings:
        raise InputError(
            expected=f"for the arm {name!r}: lr and others of "
            f"{', '.join(sorted(Arm.__optional_keys__))}",
            got=f"{', '.join(sorted(unknown)) or 'no lr'}",
            cure="name the centre of its grid lr; steps and sizes are those of fit_many",
        )
    return settings
