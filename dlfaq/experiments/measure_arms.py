"""Arms that an author measures with a function of their own: `measure_arms`.

`compare` trains networks. Where the experiment is something else, a walk on a parabola or the error
of a formula, each arm is a function of a seed. The arms are paired by seed, and a claim about them
can be put to the placebo of `dlfaq.experiments.compare`: every arm is then the last one, on
replicas of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dlfaq.errors import InputError
from dlfaq.replicate_values import Replicates, arm_of, one_per_replica
from dlfaq.seeding import in_placebo, seeds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlfaq.training.history import Floats

__all__ = ["Measured", "measure_arms"]

Quantity: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True)
class Measured:
    """What was measured of each arm, and the seeds of the replicas.

    Attributes:
        arms: by the name of the arm, (replicas, …).
        seeds: those of the replicas (in a placebo, of those of the first arm).
    """

    arms: Mapping[str, Floats]
    seeds: list[int]

    def __getitem__(self, name: str) -> Floats:
        """What was measured of the arm of that name, (replicas, …)."""
        return arm_of(self.arms, name)

    def difference(self, a: str, b: str, *, of: Quantity | None = None) -> Replicates:
        """A quantity of arm `a` minus that of arm `b`, replica by replica, (replicas,).

        Args:
            a: name of an arm.
            b: name of another.
            of: takes what was measured of an arm, (replicas, …), and gives one number a replica;
                needed unless that is what was measured.

        Returns:
            An array that knows its arms, also after arithmetic, for `claim` to write down.

        Raises:
            InputError: there is no such arm, or `of` does not give one number a replica.
        """
        return Replicates.of(
            self._numbers(a, of) - self._numbers(b, of), arms=(a, b), seeds=self.seeds
        )

    def ratio(self, a: str, b: str, *, of: Quantity | None = None) -> Replicates:
        """A quantity of arm `a` over that of arm `b`; otherwise as `difference`."""
        return Replicates.of(
            self._numbers(a, of) / self._numbers(b, of), arms=(a, b), seeds=self.seeds, unit="×"
        )

    def _numbers(self, name: str, of: Quantity | None) -> Floats:
        measured = self[name]
        values = measured if of is None else of(measured)
        cure = "reduce what was measured, such as of=lambda runs: runs.mean(axis=1)"
        return one_per_replica(values, len(self.seeds), cure=cure)


def measure_arms(arms: Mapping[str, Callable[[int], Any]], *, replicas: int = 16) -> Measured:
    """Measure each arm on the same seeds.

    Args:
        arms: by name, what is measured with a seed: a function that gives a number or an array of
            one shape.
        replicas: how many seeds.

    Raises:
        InputError: no arm, or more replicas than are scored (see `seeds`).

    Example:
        >>> runs = measure_arms({"zeroed": lambda seed: descend(seed, zero=True),
        ...                      "never": lambda seed: descend(seed, zero=False)})
        >>> runs.ratio("never", "zeroed", of=lambda paths: paths.std(axis=1)).shape
        (16,)
    """
    if not arms:
        raise InputError(
            expected="at least one arm", got="none", cure='write {"old": function, "new": another}'
        )
    placebo = in_placebo()
    last = [*arms.values()][-1]
    measured = {}
    for number, (name, function) in enumerate(arms.items()):
        own = seeds(replicas, arm=number if placebo else 0)
        run = last if placebo else function
        measured[name] = np.array([run(seed) for seed in own], dtype=np.float64)
    return Measured(measured, seeds(replicas))
