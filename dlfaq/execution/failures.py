"""Says where on its page and why a chain failed."""

from __future__ import annotations

import re
import signal
import tempfile
from typing import TYPE_CHECKING, Any

from dlfaq.execution.result import Failure
from dlfaq.execution.task import CHAIN_FILE
from dlfaq.execution.text import clean_text
from dlfaq.writing.claims import not_held

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dlfaq.execution.job import Job
    from dlfaq.execution.process import ProcessEnd
    from dlfaq.pages.config import Settings
    from dlfaq.pages.page import Chain
    from dlfaq.protocol import Claim

__all__ = ["changed_meanwhile", "failures_of"]

_LAST_LINES = 20

_STACK_LINE = re.compile(rf'File "{re.escape(CHAIN_FILE)}", line (\d+)')


def failures_of(
    job: Job, ended: ProcessEnd, claims: Iterable[Claim], settings: Settings
) -> list[Failure]:
    """Every failure of a chain: what broke it off, and each claim that does not hold.

    With placebos no claim is expected to hold, so there they are no failures.
    """
    if ended.report is None:
        return [_broken_off(job, ended)]
    error = ended.report["error"]
    failures = [_raised(job, error)] if error else []
    for failure in failures:
        failure.message += _last_words(ended)
    if settings.placebo:
        return failures
    return failures + [
        _at_chain_line(job, claim.line, "ClaimFailed", not_held(claim), [])
        for claim in claims
        if claim.fails
    ]


def changed_meanwhile(job: Job, files: Iterable[str]) -> Failure:
    """The failure of a chain whose files changed each time it ran."""
    message = (
        f"{', '.join(files)} changed each time it ran, or is another where it ran; run again when "
        "all stand still"
    )
    return _failure(job, job.chain.head.start, "ChangedMeanwhile", message)


def _raised(job: Job, error: Mapping[str, Any]) -> Failure:
    kind, message, line = error["kind"], error["message"], error["line"]
    also = ["{}:{}".format(*error["deeper"])] if error["deeper"] else []
    if "expression" in error:
        line = next(
            span.line
            for span, index in job.page.spans
            if index == job.chain.index and span.expression == error["expression"]
        )
        message = f"{message} in `{error['expression']}`"
        return _failure(job, line, kind, message, also=also, snippet=len(job.chain.snippets) - 1)
    if kind in {"SyntaxError", "IndentationError"}:  # it may name a second line of the chain
        message = re.sub(
            r"(?<=(?:on|at) line )\d+", lambda found: _page_line(job, int(found[0])), message
        )
    called = error["called"]
    if _snippet_of(job.chain, called) != _snippet_of(job.chain, line):
        also.append(f"{job.page.path}:{_page_line(job, called)}")
    failure = _at_chain_line(job, line, kind, message, also)
    # In the page it stands below the snippet that was run; what follows it never was.
    failure.snippet = _snippet_of(job.chain, called)
    return failure


def _last_words(ended: ProcessEnd) -> str:
    """The end of what the snippet that failed wrote to standard error: a child says there why."""
    begun = ended.marks[-1][1] if ended.marks else 0
    words = clean_text(ended.stderr[begun:].decode("utf-8", "replace")).strip().split("\n")
    return "\nstandard error ends:\n" + "\n".join(words[-_LAST_LINES:]) if any(words) else ""


def _page_line(job: Job, at: int) -> str:
    lines = job.chain.lines
    return str(lines[min(at, len(lines)) - 1].number)


def _broken_off(job: Job, ended: ProcessEnd) -> Failure:
    """A process that did not report: where it was, and what ended it."""
    found = _STACK_LINE.search(ended.stack)
    begun = max(0, len(ended.marks) - 1)
    above = sum(len(snippet.lines) for snippet in job.chain.snippets[:begun])
    line = int(found[1]) if found else above + 1
    messages = {
        "Timeout": f"no end after {job.timeout_s:g} s; raise it with `#| timeout: SECONDS`, "
        "or do less",
        "Abandoned": "ended because the build was",
        "Flood": "it writes output without end; print less",
        "Copy": "it forked, and both processes ran to the end; end the copy with os._exit",
        "NoRoom": f"no room for what it writes in {tempfile.gettempdir()}; make some, or name "
        "another folder with TMPDIR",
        "Exit": f"the process ended with status {ended.code} before the end of the chain; "
        "do not call os._exit or the like",
    }
    kind, message = ended.reason, messages.get(ended.reason, "")
    if ended.reason == "Signal":
        kind = signal.Signals(-ended.code).name
        message = "the process was killed" + (", out of memory?" if kind == "SIGKILL" else "")
    if ended.reason in {"Exit", "Signal"}:
        message += _last_words(ended)
    return _at_chain_line(job, line, kind, message, [])


def _at_chain_line(job: Job, at: int, kind: str, message: str, also: list[str]) -> Failure:
    """A failure at a line of the chain's code."""
    lines = job.chain.lines
    if not lines:
        return _failure(job, job.chain.head.start, kind, message, also=also)
    line = lines[min(at, len(lines)) - 1]
    snippet = _snippet_of(job.chain, at)
    if line.file != job.page.path:
        also = [f"{line.file}:{line.number}", *also]
    return _failure(job, line.page_line, kind, message, also=also, snippet=snippet)


def _snippet_of(chain: Chain, at: int) -> int:
    above = 0
    for index, snippet in enumerate(chain.snippets):
        above += len(snippet.lines)
        if at <= above:
            return index
    return len(chain.snippets) - 1


def _failure(
    job: Job, line: int, kind: str, message: str, *, also: Iterable[str] = (), snippet: int = 0
) -> Failure:
    text, context = clean_text(message), job.page.around(line)
    return Failure(job.page.path, line, kind, text, list(also), context, line, snippet)
