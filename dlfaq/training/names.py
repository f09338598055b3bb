"""Names that nobody knows: the error that has the nearest one."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from dlfaq.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["unknown_name"]

_NEAR = 0.7  # so that "stesp" is near "steps", and "sizes" is not


def unknown_name(given: object, names: Iterable[str], *, what: str, otherwise: str) -> InputError:
    """The error that says that `given` is none of `names`, and which of them is meant.

    Args:
        given: what stands in the place of a name.
        names: all there are.
        what: these are, such as "an optimizer".
        otherwise: the cure where no name is near.
    """
    names = sorted(names)
    near = get_close_matches(str(given).lower(), names, n=1, cutoff=_NEAR)
    return InputError(
        expected=f"{what} among {', '.join(names)}",
        got=repr(given),
        cure=f"did you mean {near[0]!r}?" if near else otherwise,
    )
