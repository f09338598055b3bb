"""Arms that an author measures with a function of their own: `measure_arms`.

`compare` trains networks. Where the experiment is something else, a walk on a parabola or the error
of a formula, an arm is what settings of a function give, seed by seed. The arms are paired by seed,
and a claim about them can be put to the placebo of `dlfaq.experiments.placebo`.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from dlfaq.errors import InputError
from dlfaq.experiments.comparison import Comparison
from dlfaq.experiments.placebo import named_settings, treatments
from dlfaq.seeding import seeds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlfaq.training.history import Floats

__all__ = ["measure_arms"]


def measure_arms(
    function: Callable[..., Any], *, arms: Mapping[str, Mapping[str, Any]], replicas: int = 16
) -> Comparison[Floats]:
    """Measure each arm on the same seeds.

    Args:
        function: called as `function(seed, **settings)`, with the settings of an arm; gives a
            number, or an array of one shape.
        arms: by name, the settings.
        replicas: how many seeds.

    Returns:
        A `Comparison` whose arms are arrays, (replicas, …).

    Raises:
        InputError: no function, no arm, settings that are no mapping, results of several
            shapes, or more replicas than are scored (see `seeds`).

    Example:
        >>> def noise(seed, scale):
        ...     return np.random.default_rng(seed).normal(0, scale, size=100)
        >>> runs = measure_arms(noise, arms={"wide": {"scale": 3.0}, "narrow": {"scale": 1.0}})
        >>> runs.ratio("wide", "narrow", of=lambda draws: draws.std(axis=1)).shape
        (16,)
    """
    if not callable(function):
        raise InputError(
            expected="a function of a seed and the settings of an arm",
            got=f"a {type(function).__name__}",
            cure='write measure_arms(function, arms={"old": {"scale": 1.0}, "new": {…}})',
        )
    for name, settings in named_settings(arms).items():
        _check_takes(function, settings, name)
    measured = {
        name: _by_replica(
            name,
            [
                _numbers(name, function(seed, **settings))
                for seed in seeds(replicas, placebo_arm=number)
            ],
        )
        for name, (settings, number) in treatments(arms).items()
    }
    return Comparison(measured, seeds(replicas))


def _check_takes(function: Callable[..., Any], settings: Mapping[str, Any], name: str) -> None:
    try:
        inspect.signature(function).bind(0, **settings)
    except TypeError as error:
        raise InputError(
            expected="a function of a seed and the settings of an arm",
            got=f"{getattr(function, '__name__', function)}, for {name!r}: {error}",
            cure="give it a first parameter for the seed, and one for each name in the settings",
        ) from error
    except ValueError:  # no signature that can be read
        return


def _numbers(name: str, result: object) -> Floats:
    numbers = np.asarray(result)
    if numbers.dtype.kind not in "biuf":
        raise InputError(
            expected=f"numbers as results for {name!r}",
            got=f"a {type(result).__name__}",
            cure="return what was measured, a number or an array of one shape",
        )
    return numbers.astype(np.float64)


def _by_replica(name: str, results: list[Floats]) -> Floats:
    shapes = {result.shape for result in results}
    if len(shapes) > 1:
        raise InputError(
            expected=f"results of one shape for {name!r}, whatever the seed",
            got=", ".join(map(str, sorted(shapes))),
            cure="reduce each to a number, or to equally many",
        )
    return np.stack(results)
