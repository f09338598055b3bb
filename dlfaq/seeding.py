"""Where every random number of an experiment comes from: one whole number per replica.

Replica i of master M has the seed 100·M + i. Replicas i < 64 are scored, the others tune, so no run
that is scored has chosen a learning rate. The build is M = 10; the environment variable
`DLFAQ_SEED_OFFSET` = k makes it M = 10 + k, and thus runs every claim on replicas that its author
never saw. Exploration is M = 0 to 9.
"""

from __future__ import annotations

import hashlib
import os
import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

from dlfaq.errors import InputError
from dlfaq.protocol import BUILD_MASTER, OFFSETS, SCORED, SEEDS_PER_MASTER, seed_offset

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "generator",
    "generators_kept",
    "in_placebo",
    "same_draws",
    "seeded",
    "seeds",
    "tuning_seeds",
]

_MASTERS = len(OFFSETS)
_BETWEEN_ARMS = 1_000_000


def seeds(n: int, *, placebo_arm: int = 0) -> list[int]:
    """The seeds of the first `n` replicas that are scored.

    Args:
        n: how many.
        placebo_arm: number of the arm in a placebo, where arms must not share a replica. Arm j has
            the seeds of the master j·10⁶ further on (from the last master on to the first). So
            arms share none with each other, nor with the arms of any offset that is less than 10⁶
            away.

    Raises:
        InputError: `n` is not from 1 to 64, `placebo_arm` not from 0 to 39, or DLFAQ_SEED_OFFSET is
            not a whole number from -10 to 4·10⁷.

    Example:
        >>> seeds(3)
        [1000, 1001, 1002]
    """
    cure = "share a split between replicas, or measure less"
    return _replicas(n, placebo_arm, first=0, end=SCORED, cure=cure)


def tuning_seeds(n: int, *, placebo_arm: int = 0) -> list[int]:
    """The seeds of the first `n` replicas that tune; none of them is ever scored.

    Args:
        n: how many.
        placebo_arm: as for `seeds`.

    Raises:
        InputError: `n` is not from 1 to 36, or as for `seeds`.

    Example:
        >>> tuning_seeds(2)
        [1064, 1065]
    """
    return _replicas(
        n, placebo_arm, first=SCORED, end=SEEDS_PER_MASTER, cure="4 are enough to choose a rate"
    )


def in_placebo() -> bool:
    """Whether all arms of a comparison are to get the same treatment (DLFAQ_PLACEBO=1)."""
    return os.environ.get("DLFAQ_PLACEBO") == "1"


def generator(seed: int, purpose: str) -> torch.Generator:
    """A generator for one purpose of a replica ("split", "initialisation", "order", …).

    The purposes of one seed are independent streams: a permutation of the examples must not repeat
    the numbers that drew the weights.

    Raises:
        InputError: `seed` is not a whole number from 0.
    """
    return torch.Generator().manual_seed(_stream(seed, purpose))


@contextmanager
def seeded(seed: int, purpose: str) -> Iterator[None]:
    """Let PyTorch's own generator draw from one purpose of a replica, and restore it afterwards.

    For what takes no generator: modules that initialise themselves, dropout while training.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_stream(seed, purpose))
        yield


@contextmanager
def generators_kept() -> Iterator[None]:
    """Restore the generators of the process afterwards, those of PyTorch, NumPy and Python."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the process's own
    with torch.random.fork_rng(devices=[]):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002


@contextmanager
def same_draws() -> Iterator[None]:
    """Let whatever draws here, PyTorch, NumPy or Python, draw the same each time, and leave them.

    For trials: code that draws from a generator of the process does what it will do again.
    """
    with generators_kept():
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002 - the process's own
        torch.manual_seed(_stream(0, "trial"))
        yield


def _stream(seed: int, purpose: str) -> int:
    if type(seed) is not int or seed < 0:
        raise InputError(
            expected="a seed that is a whole number from 0",
            got=repr(seed),
            cure="take one of seeds(n)",
        )
    digest = hashlib.blake2b(f"{purpose} {seed}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1  # torch takes 64 bits, the highest of them a sign


def _replicas(n: int, arm: int, *, first: int, end: int, cure: str) -> list[int]:
    if type(n) is not int or not 1 <= n <= end - first:
        raise InputError(expected=f"from 1 to {end - first} replicas", got=repr(n), cure=cure)
    if arm not in range(_MASTERS // _BETWEEN_ARMS):
        raise InputError(
            expected=f"an arm from 0 to {_MASTERS // _BETWEEN_ARMS - 1}",
            got=str(arm),
            cure="compare fewer arms at a time",
        )
    start = SEEDS_PER_MASTER * ((_master() + arm * _BETWEEN_ARMS) % _MASTERS) + first
    return list(range(start, start + n))


def _master() -> int:
    return BUILD_MASTER + seed_offset(os.environ.get("DLFAQ_SEED_OFFSET", "0"))
