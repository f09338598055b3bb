"""Finds what chains have read and is another now: such a result is of no version of the site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlfaq.execution.inputs import EVERYTHING, inputs_of
from dlfaq.execution.variables import MACHINE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dlfaq.execution.job import Job
    from dlfaq.execution.process import ProcessEnd
    from dlfaq.execution.site import Site
    from dlfaq.pages.config import Settings

__all__ = ["changed_inputs", "outdated"]


def changed_inputs(ended: ProcessEnd, settings: Settings) -> list[str]:
    """What a chain read and what is not, or no longer, as this process sees it."""
    inputs = inputs_of(settings)
    seen = {name: value for name, value in ended.inputs.items() if not _of_the_machine(name)}
    elsewhere = (name for name, value in seen.items() if inputs.value(name) != value)
    return sorted({*ended.changed, *elsewhere})


def outdated(jobs: Iterable[Job], site: Site) -> list[tuple[Job, list[str]]]:
    """The chains that have read what is another now, and what that is.

    A chain ends, or is found in the store, while others still run; meanwhile they, or somebody, may
    change what it has read. All files of the site together do not count here: who logs a build
    into one would never see the end of it.
    """
    now = inputs_of(site.settings)
    values: dict[str, str] = {}
    found = []
    for job in jobs:
        outcome = site.results.get(job.name)
        if outcome is None or not outcome.ok:
            continue
        seen = {k: v for k, v in outcome.result.inputs.items() if not _of_the_machine(k)}
        for name in seen.keys() - values.keys() - {EVERYTHING}:
            values[name] = now.value(name)
        if changed := sorted(k for k, v in seen.items() if values.get(k, v) != v):
            found.append((job, changed))
    return found


def _of_the_machine(name: str) -> bool:
    """Whether an input says where a chain ran and not what it read: a machine has its own home."""
    return name.lstrip("$") in MACHINE
