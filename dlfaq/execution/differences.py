"""Says in what a chain that was run again differs from its stored result: for `dlfaq run --check`.

When, how long and how much memory do not count: they differ each time.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dlfaq.execution.job import Job
    from dlfaq.execution.output import Output
    from dlfaq.execution.result import Result
    from dlfaq.protocol import Claim

__all__ = ["differences"]

#: Characters of what was stored, and of what is new, that are quoted, and those that are the same.
_QUOTED, _BEFORE = 60, 20


def differences(job: Job, stored: Result | None, result: Result) -> list[str]:
    """Every difference between two results of a chain.

    Args:
        job: the chain.
        stored: what is stored of it, or None.
        result: what it gave now.

    Returns:
        Lines `docs/page.md:LINE: Changed: what`, each at the snippet, the value or the claim.
    """
    head = job.chain.head.start
    found = [(head, "no result is stored")] if stored is None else _found(job, stored, result)
    return [f"{job.page.path}:{line}: Changed: {words}" for line, words in found]


def _found(job: Job, stored: Result, result: Result) -> Iterator[tuple[int, str]]:
    head = job.chain.head.start
    outputs = zip(job.chain.snippets, stored.outputs, result.outputs, strict=True)
    for snippet, old, new in outputs:
        for words in _of_outputs(old, new):
            yield snippet.start, words
    for expression, old_text, new_text in _pairs(stored.values, result.values):
        spans = (
            s.line
            for s, at in job.page.spans
            if (at, s.expression) == (job.chain.index, expression)
        )
        yield next(spans, head), f"`{expression}` was {old_text}, and is {new_text}"
    lines = job.chain.lines
    for claim, words in _of_claims(stored.claims, result.claims):
        yield lines[min(claim.line, len(lines)) - 1].page_line, words
    for name in ("environment", "inputs", "distributions"):
        pairs = _pairs(getattr(stored, name), getattr(result, name))
        for key, old_text, new_text in pairs:
            yield head, f"{name}: {key} was {old_text}, and is {new_text}"


def _of_outputs(old: Output, new: Output) -> Iterator[str]:
    texts = (
        ("it printed", old.stdout, new.stdout),
        ("its standard error was", old.stderr, new.stderr),
        ("it raised", old.exception or "", new.exception or ""),
        *(
            ("it showed", _joined(was), _joined(now))
            for was, now in zip_longest(old.display, new.display)
        ),
    )
    for words, was, now in texts:
        if was != now:
            lines = zip_longest(was.split("\n"), now.split("\n"))
            number, first = next((n, pair) for n, pair in enumerate(lines, 1) if pair[0] != pair[1])
            where = f" in line {number}" if "\n" in was.strip() + now.strip() else ""
            before, after = _quoted(*first)
            yield f"{words} {before}{where}, and now {after}"
    for number, (drawn, anew) in enumerate(zip_longest(old.figures, new.figures), 1):
        if drawn != anew:
            gone = "is gone" if anew is None else "is new" if drawn is None else ""
            yield f"figure {number} {gone or 'is drawn otherwise'}"


def _joined(shown: tuple[str, str] | None) -> str:
    return "" if shown is None else f"{shown[0]} {shown[1]}"


def _of_claims(old: list[Claim], new: list[Claim]) -> Iterator[tuple[Claim, str]]:
    """Differences of claims by their statement, each with a claim that has the line."""
    stored, now = ({claim.statement: claim for claim in claims} for claims in (old, new))
    for statement in {**stored, **now}:
        was, is_ = stored.get(statement), now.get(statement)
        if was is None or is_ is None:
            claim: Any = was or is_
            yield claim, f"the claim {statement!r} is {'new' if was is None else 'gone'}"
            continue
        for name, old_value, new_value in _pairs(_texts(was), _texts(is_)):
            yield is_, f"{name} of {statement!r} was {old_value}, and is {new_value}"


def _texts(claim: Claim) -> dict[str, str]:
    return {name: repr(value) for name, value in vars(claim).items()}


def _pairs(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """What differs between two mappings, quoted."""
    for name in {**old, **new}:
        if old.get(name) != new.get(name):
            yield name, *_quoted(old.get(name), new.get(name))


def _quoted(old: str | None, new: str | None) -> tuple[str, str]:
    """Two texts around the first sign in which they differ."""
    pairs = enumerate(zip_longest(old or "", new or ""))
    start = max(0, next(at for at, (one, other) in pairs if one != other) - _BEFORE)

    def quoted(text: str | None) -> str:
        if not text:
            return "nothing"
        end = start + _QUOTED
        return repr(f"{'…' if start else ''}{text[start:end]}{'…' if len(text) > end else ''}")

    return quoted(old), quoted(new)
