"""Says how a run of chains goes: a bar for a person, nothing but failures for a log."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn, Self

from tqdm import tqdm

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Progress"]


class Progress:
    """A bar that counts chains done, running and failed, and the time left.

    Args:
        total: how many chains will run.
        workers: how many run at once.
    """

    def __init__(self, total: int, workers: int) -> None:
        self.failed = 0
        self._workers = workers
        self._bar: tqdm[NoReturn] = tqdm(
            total=total,
            desc="pages",
            unit="chain",
            file=sys.stderr,
            disable=None if total else True,
            bar_format="{desc}: {n_fmt} of {total_fmt} chains done{postfix} {bar} {remaining} left",
        )
        self._show()

    def finished(self, *, ok: bool) -> None:
        """Count a chain as done."""
        self.failed += not ok
        self._bar.update(1)
        self._show()

    def tell(self, failure: str) -> None:
        """Print what failed, above the bar."""
        tqdm.write(failure, file=sys.stderr)

    def _show(self) -> None:
        total = self._bar.total or 0
        running = min(self._workers, total - self._bar.n)
        self._bar.set_postfix_str(f"{running} running, {self.failed} failed", refresh=False)
        self._bar.refresh()

    def __enter__(self) -> Self:
        """Return the bar itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the bar as it stands."""
        self._bar.close()
