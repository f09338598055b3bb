"""What a process is told to do, as plain data that can cross to another process or machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dlfaq.execution.inputs import Inputs
from dlfaq.protocol import first_seed

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CHAIN_FILE", "OUTPUT_LIMIT", "ChainTask", "SnippetTask"]

#: The file name of all code of a chain: line n of it is line n of the chain's snippets together.
CHAIN_FILE = "<snippets>"

#: Characters that one chain may print or show as text; what is beyond is cut, and said so.
OUTPUT_LIMIT = 200_000


@dataclass(frozen=True)
class SnippetTask:
    """One snippet to run.

    Attributes:
        code: what is run.
        raises: the name of the exception that is its point, or None.
        warning: whether a warning is shown; else it is an error.
        sizes: the sizes that its figures are drawn at.
    """

    code: str
    raises: str | None = None
    warning: bool = False
    sizes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChainTask:
    """One chain to run.

    Attributes:
        snippets: what is run, in order, in one namespace.
        expressions: what is evaluated at the end.
        root: the site's root; what is read and imported under it is reported.
        excluded: folders under the root that do not count.
        kept: folders that the chain never writes to: results, and what is published.
        style: a matplotlib style file, or None.
        seed_offset: see Settings.
        device: see Settings.
        memory_bytes: see Settings.
        placebo: see Settings.
        timeout_s: limit of wall time; the parent holds it.
        preload: what the fork server loads, should it have to be started.
        build: the build that it belongs to, which may be abandoned.
        variables: the environment that it may find, beside what is fixed.
    """

    snippets: tuple[SnippetTask, ...]
    expressions: tuple[str, ...]
    root: str
    excluded: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    style: str | None = None
    seed_offset: int = 0
    device: str = "cpu"
    memory_bytes: int = 4 * 2**30
    placebo: bool = False
    timeout_s: float = 60.0
    preload: tuple[str, ...] = ()
    build: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def seed(self) -> int:
        """What the global generators of the process start with."""
        return first_seed(self.seed_offset)

    @property
    def inputs(self) -> Inputs:
        """What the chain can depend on, where this is asked."""
        return Inputs(self.root, self.excluded, self.variables)
