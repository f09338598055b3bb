"""The largest batch that fits into a given memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlfaq.errors import InputError
from dlfaq.memory.account import in_units

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlfaq.memory.account import MemoryProfile

__all__ = ["largest_batch"]

_MOST = 2**30  # examples; beyond, the batch has no cost


def largest_batch(profile_at: Callable[[int], MemoryProfile], budget_bytes: int) -> MemoryProfile:
    """The profile of the largest batch whose peak is within the budget.

    Leave room for what is not in it: a GPU's context, cuBLAS's workspaces, fragmentation.

    The peak grows with the batch, nearly along a line, once activations are most of it. So each
    next guess is where the line through the two ends of the bracket meets the budget. The answer is
    checked, not extrapolated: it was profiled and fits, and one example more was and does not.

    Args:
        profile_at: from a batch size to the profile there.
        budget_bytes: the memory there is.

    Raises:
        InputError: not even one example fits, or any number does.

    Example:
        >>> model = mlp([784, 100, 10])
        >>> largest = largest_batch(
        ...     lambda n: memory_profile(model, (1, 784), batch_size=n), 24 * 2**20
        ... )
        >>> largest.peak_bytes <= 24 * 2**20
        True
    """
    low = profile_at(1)
    if low.peak_bytes > budget_bytes:
        raise InputError(
            expected=f"memory for one example, {in_units(low.peak_bytes)}",
            got=in_units(budget_bytes),
            cure="try checkpointing, bf16, or an optimizer with less state",
        )
    high = profile_at(2)
    while high.peak_bytes <= budget_bytes:
        guess = _on_line(low, high, budget_bytes)
        low = high
        if low.batch_size >= _MOST:
            raise InputError(
                expected="a peak that grows with the batch",
                got=f"{in_units(high.peak_bytes)} at {high.batch_size} examples",
                cure="give inputs whose first dimension is the batch's",
            )
        # A little beyond the line, so that it is a bracket, and no wild leap where it is flat.
        high = profile_at(min(max(guess + 1, low.batch_size + 1), 64 * low.batch_size))
    while high.batch_size - low.batch_size > 1:
        guess = _on_line(low, high, budget_bytes)
        middle = profile_at(min(max(guess, low.batch_size + 1), high.batch_size - 1))
        if middle.peak_bytes <= budget_bytes:
            low = middle
            # The next batch is most often the answer's proof; else the line falls short of it.
            after = profile_at(middle.batch_size + 1)
            if after.peak_bytes > budget_bytes:
                return low
            low = after
        else:
            high = middle
    return low


def _on_line(a: MemoryProfile, b: MemoryProfile, budget_bytes: int) -> int:
    """The batch at which the line through two profiles reaches the budget."""
    rise = b.peak_bytes - a.peak_bytes
    if rise <= 0:
        return _MOST
    run = b.batch_size - a.batch_size
    return a.batch_size + (budget_bytes - a.peak_bytes) * run // rise
