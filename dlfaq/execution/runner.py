"""Says what the process of a chain is told, and reads what it left."""

from __future__ import annotations

import datetime as dt
import os
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

from dlfaq.execution.failures import failures_of
from dlfaq.execution.inputs import excluded_folders
from dlfaq.execution.key import environment, version
from dlfaq.execution.output import Output
from dlfaq.execution.result import Outcome, Result
from dlfaq.execution.task import OUTPUT_LIMIT, ChainTask, SnippetTask
from dlfaq.execution.text import clean_text, limited
from dlfaq.execution.variables import given
from dlfaq.protocol import Claim

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dlfaq.execution.job import Job
    from dlfaq.execution.process import ProcessEnd
    from dlfaq.pages.config import Settings
    from dlfaq.pages.page import Snippet

__all__ = ["make_task", "outcome_of"]


def make_task(job: Job, settings: Settings) -> ChainTask:
    """What the process of a job is told."""
    return ChainTask(
        snippets=tuple(map(_snippet_task, job.chain.snippets)),
        expressions=job.chain.expressions,
        root=str(settings.root),
        excluded=excluded_folders(settings),
        kept=(str(settings.store_dir), str(settings.site_dir)),
        style=str(settings.style) if settings.style else None,
        seed_offset=settings.seed_offset,
        device=settings.device,
        memory_bytes=settings.memory_bytes,
        placebo=settings.placebo,
        timeout_s=job.timeout_s,
        preload=settings.preload,
        variables=given(os.environ),
    )


def _snippet_task(snippet: Snippet) -> SnippetTask:
    options = snippet.options
    sizes = ("wide", "narrow", "thumb") if options.thumb else ("wide", "narrow")
    return SnippetTask(snippet.code, options.raises, options.warning, sizes)


def outcome_of(job: Job, ended: ProcessEnd, settings: Settings) -> Outcome:
    """Read what a process left: outputs, values and claims, and every failure with its line."""
    report: Mapping[str, Any] = ended.report or {}
    result = Result(
        outputs=_outputs(job, ended, report),
        values=report.get("values", {}),
        claims=[Claim.from_json(claim) for claim in report.get("claims", [])],
        elapsed_s=report.get("elapsed_s", 0.0),
        cpu_s=report.get("cpu_s", 0.0),
        peak_bytes=report.get("peak_bytes", 0),
        finished=dt.datetime.now(tz=dt.UTC).date().isoformat(),
        environment=dict(environment(settings)),
        inputs=ended.inputs,
        distributions={name: version(name) for name in _distributions(report.get("modules", []))},
    )
    return Outcome(result, failures_of(job, ended, result.claims, settings))


def _outputs(job: Job, ended: ProcessEnd, report: Mapping[str, Any]) -> list[Output]:
    """What each snippet has shown; one that was never begun has shown nothing."""
    reported = [Output.from_json(output) for output in report.get("outputs", [])]
    missing = len(job.chain.snippets) - len(reported)
    outputs = reported + [Output() for _ in range(missing)]
    marks = [*ended.marks, (len(ended.stdout), len(ended.stderr))]
    for output, here, there in zip(outputs, marks, marks[1:], strict=False):
        output.stdout = _shown(ended.stdout[here[0] : there[0]])
        output.stderr = _shown(ended.stderr[here[1] : there[1]])
    return outputs


def _shown(data: bytes) -> str:
    """Printed bytes as text; what a started process printed beyond the limit is cut here."""
    text = data.decode("utf-8", "replace")
    # The process has cut its own, and said so in some more characters.
    return clean_text(text if len(text) <= OUTPUT_LIMIT + 100 else limited(text))


def _distributions(modules: Iterable[str]) -> list[str]:
    """The distributions that top-level modules come from."""
    homes = _homes()
    return sorted({name for module in modules for name in homes.get(module, [])})


@cache
def _homes() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()
