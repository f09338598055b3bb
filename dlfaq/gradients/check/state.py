"""What a forward pass may change: buffers and random generators, put back before each."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import nn

__all__ = ["State"]


class State:
    """Buffers and generators as they are now.

    A function that draws from the generators of the process is a function again once every pass
    draws the same.
    """

    def __init__(self, root: nn.Module | None) -> None:
        self._torch = torch.get_rng_state()
        self._numpy, self._python = np.random.get_state(), random.getstate()  # noqa: NPY002
        self._buffers = [
            (module, name, buffer, buffer.clone(), buffer._version)  # noqa: SLF001
            for module in (root.modules() if root is not None else ())
            for name, buffer in module.named_buffers(recurse=False)
        ]

    def restore(self) -> None:
        """Put all of it back."""
        torch.set_rng_state(self._torch)
        np.random.set_state(self._numpy)  # noqa: NPY002
        random.setstate(self._python)
        for number, (module, name, buffer, value, version) in enumerate(self._buffers):
            if not isinstance(module, torch.jit.ScriptModule):
                module._buffers[name] = buffer  # noqa: SLF001  (one may have taken its place)
            if buffer._version != version:  # noqa: SLF001
                with torch.no_grad():
                    buffer.copy_(value)
                changed = buffer._version  # noqa: SLF001
                self._buffers[number] = (module, name, buffer, value, changed)
