"""Runs chains and turns how each ended into an outcome: a result, or failures at lines of the page."""

from __future__ import annotations

import datetime
import re
import signal
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlfaq.execution.child import ChainTask
from dlfaq.execution.compiling import CHAIN_FILE
from dlfaq.execution.isolation import OUTPUT_LIMIT
from dlfaq.execution.key import environment, file_hash, version
from dlfaq.execution.result import Failure, Outcome, Output, Result
from dlfaq.execution.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dlfaq.execution.config import Settings
    from dlfaq.execution.page import Chain, Page
    from dlfaq.execution.process import Ended

__all__ = ["Job", "make_task", "outcome_of"]

_TIMEOUT_S = 60.0
_AROUND = 2
_STACK_LINE = re.compile(rf'File "{re.escape(CHAIN_FILE)}", line (\d+)')


@dataclass(frozen=True)
class Job:
    """One chain to run.

    Attributes:
        page: where it stands.
        chain: what to run.
        thumbs: snippets whose figures are also drawn as thumbnails.
    """

    page: Page
    chain: Chain
    thumbs: frozenset[int] = frozenset()

    @property
    def name(self) -> str:
        """A name for the chain that stays when other text changes, fit for a file."""
        label = self.chain.head.options.label or str(self.chain.index)
        return f"{self.page.src.removesuffix('.md').replace('/', '--')}--{label}"


def make_task(job: Job, settings: Settings) -> ChainTask:
    """What the process of a job is told."""
    snippets = job.chain.snippets
    excluded = [settings.store_dir, settings.site_dir, *_environments(settings.root)]
    return ChainTask(
        codes=tuple(snippet.code for snippet in snippets),
        raises=tuple(snippet.options.raises for snippet in snippets),
        warns=tuple(snippet.options.warning for snippet in snippets),
        sizes=tuple(
            ("wide", "narrow", "thumb") if i in job.thumbs else ("wide", "narrow")
            for i in range(len(snippets))
        ),
        expressions=job.chain.expressions,
        root=str(settings.root),
        excluded=tuple(str(folder) for folder in excluded),
        style=str(settings.style) if settings.style else None,
        seed_offset=settings.seed_offset,
        device=settings.device,
        memory_bytes=settings.memory_bytes,
        timeout_s=job.chain.head.options.timeout or _TIMEOUT_S,
    )


@cache
def _environments(root: Path) -> tuple[Path, ...]:
    """Virtual environments directly under the root: a thousand modules that are not the site's."""
    return tuple(file.parent for file in sorted(root.glob("*/pyvenv.cfg")))


def outcome_of(job: Job, ended: Ended, settings: Settings) -> Outcome:
    """Read what a process left: outputs, values and claims, and every failure with its line."""
    report: Mapping[str, Any] = ended.report or {}
    result = Result(
        outputs=_outputs(job, ended, report),
        values=report.get("values", {}),
        claims=report.get("claims", []),
        elapsed_s=report.get("elapsed_s", 0.0),
        peak_bytes=report.get("peak_bytes", 0),
        finished=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        environment=dict(environment(settings)),
        files={path: file_hash(settings.root / path) for path in report.get("files", [])},
        distributions={name: version(name) for name in _distributions(report.get("modules", []))},
    )
    if ended.report is None:
        failures = [_broken_off(job, ended, settings)]
    else:
        failures = [_raised(job, report["error"], settings)] if report["error"] else []
        failures += [_not_held(job, claim) for claim in result.claims if not claim["holds"]]
    return Outcome(result, failures)


def _outputs(job: Job, ended: Ended, report: Mapping[str, Any]) -> list[Output]:
    """What each snippet that was begun has shown."""
    marks = [*ended.marks, (len(ended.stdout), len(ended.stderr))]
    outputs = []
    for index in range(len(job.chain.snippets)):
        output = Output()
        if index + 1 < len(marks):
            here, there = marks[index], marks[index + 1]
            output.stdout = _shown(ended.stdout[here[0] : there[0]])
            output.stderr = _shown(ended.stderr[here[1] : there[1]])
        if index < len(report.get("displays", [])):
            output.display = [
                (kind, data if kind == "png" else _checked(kind, data))
                for kind, data in report["displays"][index]
            ]
            output.figures = report["figures"][index]
            exception = report["exceptions"][index]
            output.exception = None if exception is None else clean_text(exception)
        outputs.append(output)
    return outputs


def _shown(data: bytes) -> str:
    """Printed bytes as text; what a started process printed beyond the limit is cut here."""
    text = data.decode("utf-8", "replace")
    if len(text) > OUTPUT_LIMIT + 100:
        text = text[:OUTPUT_LIMIT] + f"\n[cut: a chain shows at most {OUTPUT_LIMIT:,} characters]\n"
    return clean_text(text)


def _checked(kind: str, data: str) -> str:
    return clean_text(data) if kind == "text" else data


def _raised(job: Job, error: Mapping[str, Any], settings: Settings) -> Failure:
    if "expression" in error:
        line = next(
            span.line
            for span, index in job.page.spans
            if index == job.chain.index and span.expression == error["expression"]
        )
        message = f"{error['message']} in `{error['expression']}`"
        last = len(job.chain.snippets) - 1
        return _failure(job, line, error["kind"], message, snippet=last)
    ours = [line for file, line in error["frames"] if file == CHAIN_FILE]
    deepest = [
        (file, line) for file, line in error["frames"] if file.startswith(f"{settings.root}/")
    ]
    environments = tuple(f"{folder}/" for folder in _environments(settings.root))
    deepest = [(f, n) for f, n in deepest if not f.startswith(environments)]
    also = []
    if (
        ours
        and deepest
        and error["frames"].index([CHAIN_FILE, ours[-1]]) < error["frames"].index(list(deepest[-1]))
    ):
        file, line = deepest[-1]
        also = [f"{settings.relative(Path(file))}:{line}"]
    return _at_chain_line(job, ours[-1] if ours else 1, error["kind"], error["message"], also)


def _broken_off(job: Job, ended: Ended, settings: Settings) -> Failure:
    """A process that did not report: where it was, and what ended it."""
    task = make_task(job, settings)
    found = _STACK_LINE.search(ended.stack)
    begun = max(0, len(ended.marks) - 1)
    line = int(found[1]) if found else 1 + sum(code.count("\n") for code in task.codes[:begun])
    messages = {
        "Timeout": f"no end after {task.timeout_s:g} s; raise it with `#| timeout: SECONDS`, "
        "or do less",
        "Flood": "it writes output without end; print less",
        "Copy": "it forked, and both processes ran to the end; end the copy with os._exit",
        "Exit": f"the process ended with status {ended.code} before the end of the chain; "
        "do not call os._exit or the like",
    }
    kind, message = ended.reason, messages.get(ended.reason, "")
    if ended.reason == "Signal":
        kind = signal.Signals(-ended.code).name
        message = "the process was killed" + (", out of memory?" if kind == "SIGKILL" else "")
    return _at_chain_line(job, line, kind, message, [])


def _not_held(job: Job, claim: Mapping[str, Any]) -> Failure:
    return _at_chain_line(job, claim["at"], "ClaimFailed", _finding(claim), [])


def _finding(claim: Mapping[str, Any]) -> str:
    interval = claim["interval"]
    measured = f"measured {claim['measured']:.4g}"
    if interval:
        measured += f", 95 % interval {interval[0]:.4g} to {interval[1]:.4g}"
    threshold = claim["threshold"]
    asked = (
        f"within {threshold[0]:.4g} to {threshold[1]:.4g}"
        if isinstance(threshold, list)
        else f"{claim['comparator'].replace('_', ' ')} {threshold:.4g}"
    )
    return f'"{claim["statement"]}" does not hold: {measured}, asked {asked}'


def _at_chain_line(job: Job, at: int, kind: str, message: str, also: list[str]) -> Failure:
    """A failure at a line of the chain's code."""
    lines = job.chain.lines
    if not lines:
        return _failure(job, job.chain.head.start, kind, message, also)
    line = lines[min(at, len(lines)) - 1]
    snippet = _snippet_of(job.chain, at)
    if line.file != job.page.path:
        also = [f"{line.file}:{line.number}", *also]
    return _failure(job, line.page_line, kind, message, also, snippet)


def _snippet_of(chain: Chain, at: int) -> int:
    above = 0
    for index, snippet in enumerate(chain.snippets):
        above += len(snippet.lines)
        if at <= above:
            return index
    return len(chain.snippets) - 1


def _failure(  # noqa: PLR0913
    job: Job, line: int, kind: str, message: str, also: Iterable[str] = (), snippet: int = 0
) -> Failure:
    lines = job.page.lines
    numbers = range(max(1, line - _AROUND), min(len(lines), line + _AROUND) + 1)
    context = [(number, lines[number - 1]) for number in numbers]
    text = clean_text(message)
    return Failure(job.page.path, line, kind, text, list(also), context, line, snippet)


def _distributions(modules: Iterable[str]) -> list[str]:
    """The distributions that top-level modules come from."""
    homes = _homes()
    return sorted({name for module in modules for name in homes.get(module, [])})


@cache
def _homes() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()
