"""L-BFGS in the middle of a run: its history full, and a step of as few evaluations as say all."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["fill_history", "shortened"]

_EVALUATIONS = 3  # by then every name in its loop holds a tensor, and what follows is the same


@contextmanager
def shortened(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Few iterations a step: each holds what the one before it held."""
    group = optimizer.param_groups[0]
    usual = group["max_iter"]
    group["max_iter"] = min(usual, _EVALUATIONS)
    try:
        yield
    finally:
        group["max_iter"] = usual


def fill_history(optimizer: torch.optim.Optimizer) -> None:
    """Repeat what it remembers up to `history_size` changes of weights and of gradients."""
    group = optimizer.param_groups[0]
    state = optimizer.state[group["params"][0]]
    for name in ("old_dirs", "old_stps", "ro"):
        remembered = state.get(name) or []
        missing = group["history_size"] - len(remembered)
        if remembered:
            remembered += [torch.empty_like(remembered[0]) for _ in range(missing)]
