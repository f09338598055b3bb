"""How long a check may take, and how far it is: a deadline and a progress bar."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from types import TracebackType
    from typing import NoReturn, Self

__all__ = ["Budget"]

_SHOWN_AFTER_S = 1.0


class Budget:
    """Asked before each part of a check whether there is time for it.

    Args:
        seconds: the time, or None for no limit.
        total: how many parts there are at least.

    Attributes:
        left: the parts for which there was no time, by name.
    """

    def __init__(self, seconds: float | None, *, total: int) -> None:
        self._end = None if seconds is None else monotonic() + seconds
        self._bar: tqdm[NoReturn] = tqdm(
            total=total, desc="gradients", disable=None, delay=_SHOWN_AFTER_S, leave=False
        )
        self.left: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        self._bar.close()

    def over(self, part: str) -> bool:
        """Whether the time is over, so that this part is left out."""
        if self._end is not None and monotonic() > self._end:
            self.left = (*self.left, part)
            return True
        self._bar.update()
        return False
