"""The placebo: every arm of a comparison given the same treatment.

With the environment variable DLFAQ_PLACEBO=1 every arm of a comparison is given the treatment of
its last arm, and each arm replicas of its own: arm j those of the master j·10⁶ further on, for
tuning and scoring alike. The arms then differ in nothing but chance, so an effect or an order that
is still found between them is one of the measurement. DLFAQ_SEED_OFFSET shifts these seeds like all
others. By chance alone an interval lies above 0 in one comparison of 40, of tuned arms in more (3
of 30 were above, 2 below): the rate that a few tuning runs choose is chance that all scored
replicas of an arm share, and no interval over them contains it. So let a claim about tuned arms ask
for an effect, not for an order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from dlfaq.errors import InputError
from dlfaq.seeding import in_placebo

__all__ = ["named_settings", "treatments"]

Treatment = TypeVar("Treatment")


def named_settings(arms: object) -> Mapping[str, Mapping[str, Any]]:
    """The arms, once it is known that they are settings by name.

    Raises:
        InputError: they are not by name, or the settings of one are not.
    """
    cure = 'write arms={"old": {"lr": 0.1}, "new": {…}}; {} for no settings of its own'
    if not isinstance(arms, Mapping):
        raise InputError(expected="arms by name", got=f"a {type(arms).__name__}", cure=cure)
    for name, settings in arms.items():
        if not (isinstance(settings, Mapping) and all(isinstance(key, str) for key in settings)):
            raise InputError(
                expected="for each arm its settings by name",
                got=f"{settings!r} for {name!r}",
                cure=cure,
            )
    return arms


def treatments(arms: Mapping[str, Treatment]) -> dict[str, tuple[Treatment, int]]:
    """By the name of the arm, what it is given, and `placebo_arm` of `dlfaq.seeding.seeds`.

    Raises:
        InputError: there is no arm.
    """
    if not arms:
        raise InputError(
            expected="at least one arm", got="none", cure='write arms={"SGD": {"lr": 0.1}, …}'
        )
    if not in_placebo():
        return {name: (treatment, 0) for name, treatment in arms.items()}
    last = [*arms.values()][-1]
    return {name: (last, number) for number, name in enumerate(arms)}
