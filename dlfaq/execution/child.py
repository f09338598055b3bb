"""What one process does: run the snippets of one chain and write what they gave.

`main` is called in a process forked from the server. It writes into a folder: `stdout` and `stderr`
as they come, `progress` (where each snippet begins in them), `report.json` at the very end, whole
or not at all. Nothing else tells the parent that the chain succeeded.
"""

from __future__ import annotations

import base64
import json
import linecache
import os
import sys
import time
import types
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlfaq.execution import svg
from dlfaq.execution.compiling import CHAIN_FILE, Compiled, compile_snippet
from dlfaq.execution.isolation import (
    Forks,
    isolate,
    peak_bytes,
    reads_under,
    seed_everything,
    start_peak,
)
from dlfaq.execution.text import value_text

__all__ = ["ChainTask", "main"]


@dataclass(frozen=True)
class ChainTask:
    """What a process is told. Plain data, so that it can cross to another machine.

    Attributes:
        codes: the code of each snippet.
        raises: for each, the name of the exception that is its point, or None.
        warns: for each, whether it may warn.
        sizes: for each, the sizes its figures are drawn at.
        expressions: what is evaluated at the end.
        root: the site's root; what is read and imported under it is reported.
        excluded: folders under the root that do not count.
        style: a matplotlib style file, or None.
        seed_offset: see Settings.
        device: see Settings.
        memory_bytes: see Settings.
        timeout_s: limit of wall time; the parent holds it.
    """

    codes: tuple[str, ...]
    raises: tuple[str | None, ...]
    warns: tuple[bool, ...]
    sizes: tuple[tuple[str, ...], ...]
    expressions: tuple[str, ...]
    root: str
    excluded: tuple[str, ...] = ()
    style: str | None = None
    seed_offset: int = 0
    device: str = "cpu"
    memory_bytes: int = 4 * 2**30
    timeout_s: float = 60.0


@dataclass
class _Report:
    """What `report.json` holds; the parent turns it into an Outcome."""

    displays: list[list[tuple[str, str]]] = field(default_factory=list)
    figures: list[list[dict[str, str]]] = field(default_factory=list)
    exceptions: list[str | None] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    claims: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None
    elapsed_s: float = 0.0
    peak_bytes: int = 0
    files: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)


def main(task: ChainTask, folder: str) -> None:
    """Run one chain in this process and end the process.

    Args:
        task: what to run.
        folder: an empty folder; its sub-folder `cwd` becomes the working directory.
    """
    out = Path(folder)
    forks = Forks()
    isolate(task, out)
    opened = reads_under(task.root)
    seed_everything(task.seed_offset)
    if task.style is not None and (style := sys.modules.get("matplotlib.style")) is not None:
        style.use(task.style)  # type: ignore[attr-defined]
    start_peak()
    started = time.perf_counter()
    report = _Report()
    try:
        _run(task, report, out / "progress")
    except BaseException as error:  # noqa: BLE001 - whatever ends a chain is reported, SystemExit too
        report.error = report.error or _describe(error)
    report.elapsed_s = time.perf_counter() - started
    report.peak_bytes = peak_bytes()
    _claims(report)
    report.files, report.modules = _used(task, opened)
    _finish(report, out, forks)


def _finish(report: _Report, out: Path, forks: Forks) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if forks.is_copy:
        (out / "copy").touch()
        os._exit(1)
    forks.wait_for_copies(out / "copy")
    temporary = out / "report.new"
    temporary.write_text(json.dumps(report.__dict__), encoding="utf-8")
    temporary.replace(out / "report.json")
    os._exit(0)


def _run(task: ChainTask, report: _Report, progress: Path) -> None:
    """All snippets are compiled before the first one runs."""
    source = "".join(task.codes)
    linecache.cache[CHAIN_FILE] = (len(source), None, source.splitlines(keepends=True), CHAIN_FILE)
    compiled: list[Compiled] = []
    above = 0
    for code in task.codes:
        compiled.append(compile_snippet(code, above))
        above += code.count("\n")
    module = types.ModuleType("__main__")
    module.__file__ = CHAIN_FILE
    sys.modules["__main__"] = module
    for index, snippet in enumerate(compiled):
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        with progress.open("a", encoding="utf-8") as marks:
            marks.write(f"{os.fstat(1).st_size} {os.fstat(2).st_size}\n")
        _run_snippet(task, index, snippet, module.__dict__, report)
    for expression in task.expressions:
        try:
            value = eval(expression, module.__dict__)  # noqa: S307 - running the page's code is the point
        except Exception as error:
            report.error = {**_describe(error), "expression": expression}
            raise
        report.values[expression] = value_text(value)


def _run_snippet(
    task: ChainTask, index: int, snippet: Compiled, namespace: dict[str, Any], report: _Report
) -> None:
    expected = task.raises[index]
    report.displays.append([])
    report.figures.append([])
    report.exceptions.append(None)
    with warnings.catch_warnings():
        warnings.simplefilter("always" if task.warns[index] else "error")
        try:
            value = snippet.run(namespace)
        except BaseException as error:
            if expected is None or expected not in _names(type(error)):
                raise
            report.exceptions[index] = f"{type(error).__name__}: {error}"
            value = None
        else:
            if expected is not None:
                line = snippet.above + 1
                report.error = {
                    "kind": "NotRaised",
                    "message": f"expected {expected} here, and nothing was raised",
                    "frames": [(CHAIN_FILE, line)],
                }
                raise RuntimeError(expected)
        if value is not None:
            report.displays[index] = _display(value)
        if pyplot := sys.modules.get("matplotlib.pyplot"):
            numbers = pyplot.get_fignums()  # type: ignore[attr-defined]
            figures = [pyplot.figure(number) for number in numbers]  # type: ignore[attr-defined]
            report.figures[index] = [svg.draw(one, task.sizes[index]) for one in figures]
            pyplot.close("all")  # type: ignore[attr-defined]


def _names(kind: type[BaseException]) -> set[str]:
    """The names by which `raises:` can call an exception: its own, plain or with its module."""
    return {kind.__name__, f"{kind.__module__}.{kind.__qualname__}"}


def _display(value: object) -> list[tuple[str, str]]:
    """A last expression as it is shown: rich if it knows how, else its repr."""
    if _is_drawn(value):
        return []
    for method, kind in (("_repr_html_", "html"), ("_repr_svg_", "svg"), ("_repr_png_", "png")):
        rich = getattr(type(value), method, None)
        data = rich(value) if rich is not None else None
        if data is not None:
            return [(kind, base64.b64encode(data).decode() if kind == "png" else str(data))]
    return [("text", repr(value))]


def _is_drawn(value: object) -> bool:
    """Whether a value is a matplotlib artist or a container of them: the figure shows it."""
    if (artist := sys.modules.get("matplotlib.artist")) is None:
        return False
    if isinstance(value, artist.Artist):  # type: ignore[attr-defined]
        return True
    if type(value).__module__.startswith("matplotlib."):
        return True
    if type(value).__name__ == "ndarray" and getattr(value, "dtype", None) == object:
        value = list(value.flat)  # type: ignore[attr-defined]
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, (list, tuple)) and bool(value) and all(map(_is_drawn, value))


def _describe(error: BaseException) -> dict[str, Any]:
    """An exception as text and numbers, which is all that crosses processes."""
    frames = []
    traceback = error.__traceback__
    while traceback is not None:
        frames.append((traceback.tb_frame.f_code.co_filename, traceback.tb_lineno))
        traceback = traceback.tb_next
    if isinstance(error, SyntaxError) and error.filename == CHAIN_FILE:
        frames.append((CHAIN_FILE, error.lineno or 1))
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return {"kind": type(error).__name__, "message": message, "frames": frames}


def _claims(report: _Report) -> None:
    """Take the claims from the lab, if the chain used it, and find the line that made each."""
    module = sys.modules.get("dlfaq.claims")
    for record in module.recorded() if module is not None else []:  # type: ignore[attr-defined]
        frames = record.pop("frames")
        at = next((line for file, line in frames if file == CHAIN_FILE), 1)
        report.claims.append({**record, "at": at})


def _used(task: ChainTask, opened: set[str]) -> tuple[list[str], list[str]]:
    """Files under the root that the chain read or imported, and top-level modules from elsewhere."""
    root = task.root + os.sep
    excluded = tuple(folder + os.sep for folder in task.excluded)
    files, modules = set(opened), set()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.startswith(root) and not file.startswith(excluded):
            files.add(file)
        elif file != CHAIN_FILE:
            modules.add(name.partition(".")[0])
    counted = [file for file in files if file.startswith(root) and not file.startswith(excluded)]
    return sorted(os.path.relpath(file, task.root) for file in counted), sorted(modules)
