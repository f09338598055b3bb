"""Packages that are not among ours: used where the reader has them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from dlfaq.errors import InputError, first_line

__all__ = ["installed"]


def installed(package: str, *, needed_for: str) -> Any:  # noqa: ANN401 - a module without types
    """A package, loaded.

    Args:
        package: its name, to import and to install.
        needed_for: what the reader asked for.

    Raises:
        InputError: it is not installed, or fails to load.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise InputError(
            expected=f"the package {package}, for {needed_for}",
            got=f"an environment that cannot load it: {first_line(error)}",
            cure=f"pip install {package}, or return the model from a function: net.py:make_model",
        ) from error
