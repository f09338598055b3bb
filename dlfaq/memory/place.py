"""Where in the user's own code an error came from."""

from __future__ import annotations

import traceback
from pathlib import Path

import torch

__all__ = ["place"]

_OURS, _TORCH = Path(__file__).parent, Path(torch.__file__).parent


def place(error: BaseException) -> str:
    """The last line that is neither PyTorch's nor ours, such as " at net.py:3"; else nothing."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        outside = not (file.is_relative_to(_OURS) or file.is_relative_to(_TORCH))
        if outside and file.exists():
            return f" at {frame.filename}:{frame.lineno}"
    return ""
