"""One chain of a page as something to run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dlfaq.pages.page import Chain, Page

__all__ = ["Job", "jobs_of"]

_TIMEOUT_S = 60.0

# Characters of a name that are kept: file systems allow 255 bytes, with a suffix.
_LONGEST = 150


@dataclass(frozen=True)
class Job:
    """One chain to run.

    Attributes:
        page: where it stands.
        chain: what to run.
    """

    page: Page
    chain: Chain

    @property
    def name(self) -> str:
        """A name for the chain that stays when other text changes, fit for a file."""
        label = self.chain.head.options.label or str(self.chain.index)
        name = f"{quote(self.page.src, safe='')}--{label}"
        if len(name) <= _LONGEST:
            return name
        return f"{name[:_LONGEST]}-{hashlib.sha256(name.encode()).hexdigest()}"

    @property
    def timeout_s(self) -> float:
        """Seconds the chain may take."""
        return self.chain.head.options.timeout or _TIMEOUT_S


def jobs_of(pages: Iterable[Page]) -> list[Job]:
    """The chains of the pages that can be read."""
    return [Job(page, chain) for page in pages if not page.errors for chain in page.chains]
