"""Models of timm, by name, where it is installed."""

from __future__ import annotations

from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING

from dlfaq.errors import InputError
from dlfaq.memory.named_model import Model
from dlfaq.memory.packages import installed

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["from_timm"]


def from_timm(name: str, _: Path) -> Model:
    """A model of timm, with images of the size that its weights are published for.

    Raises:
        InputError: timm is not installed, or has no such model.
    """
    timm = installed("timm", needed_for="timm:NAME")
    if not timm.is_model(name):
        near = get_close_matches(name, timm.list_models(), n=3)
        raise InputError(
            expected="the name of a model of timm",
            got=repr(name),
            cure=f"there is {', '.join(near)}" if near else "see timm.list_models()",
        )
    size = timm.get_pretrained_cfg(name).input_size
    return Model(partial(timm.create_model, name, pretrained=False), example=tuple(size))
