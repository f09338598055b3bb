"""What a forward pass may change: buffers and random generators, put back before each."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

__all__ = ["State", "kept"]


@contextmanager
def kept(root: nn.Module | None) -> Iterator[None]:
    """Put the buffers of a model and the random generators back afterwards."""
    state = State(root)
    try:
        yield
    finally:
        state.restore()


class State:
    """Buffers and generators as they are now.

    A function that draws from the generators of the process is a function again once every pass
    draws the same.
    """

    def __init__(self, root: nn.Module | None) -> None:
        self._torch = torch.get_rng_state()
        self._numpy, self._python = np.random.get_state(), random.getstate()  # noqa: NPY002
        self._buffers = [
            (module, name, buffer, buffer.clone())
            for module in (root.modules() if root is not None else ())
            for name, buffer in module.named_buffers(recurse=False)
        ]

    def restore(self) -> None:
        """Put all of it back."""
        torch.set_rng_state(self._torch)
        np.random.set_state(self._numpy)  # noqa: NPY002
        random.setstate(self._python)
        for module, name, buffer, value in self._buffers:
            if not isinstance(module, torch.jit.ScriptModule):
                module._buffers[name] = buffer  # noqa: SLF001  (one may have taken its place)
            if not torch.equal(buffer, value):
                with torch.no_grad():
                    buffer.copy_(value)
