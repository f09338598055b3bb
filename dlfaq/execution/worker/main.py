"""What one process does: run the snippets of one chain and write what they gave.

`main` is called in a process forked from the server. It writes into a folder: `stdout` and `stderr`
as they come, `progress` (where each snippet begins in them), `reads` (files of the site), `stack`
(where it was when it was ended), and at the very end, whole or not at all, `report.json`. Nothing
else tells the parent that the chain succeeded.
"""

from __future__ import annotations

import io
import json
import linecache
import os
import sys
import time
import types
import warnings
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from importlib import import_module
from multiprocessing import spawn
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlfaq.execution.output import Output
from dlfaq.execution.processes import descendants, kill_all
from dlfaq.execution.task import CHAIN_FILE
from dlfaq.execution.text import clean_text, limited, value_text
from dlfaq.execution.variables import caches
from dlfaq.execution.worker.compiling import Compiled, compile_chain, compile_snippet
from dlfaq.execution.worker.display import display
from dlfaq.execution.worker.exceptions import describe, headline
from dlfaq.execution.worker.forks import Forks
from dlfaq.execution.worker.imports import when_imported
from dlfaq.execution.worker.isolation import (
    isolate,
    keep_room,
    lift_memory_limit,
    make_deterministic,
    make_room,
)
from dlfaq.execution.worker.memory import peak_bytes, start_peak
from dlfaq.execution.worker.reads import Reads
from dlfaq.execution.worker.surroundings import visible, watch_environment
from dlfaq.execution.worker.unheard import Unheard
from dlfaq.execution.worker.writes import keep_from_writing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlfaq.execution.task import ChainTask, SnippetTask

__all__ = ["main"]

# Snippets get a wrapped one, which notes where they leave.
_leave = os._exit


@dataclass
class _Report:
    """What `report.json` holds; the parent turns it into an Outcome."""

    outputs: list[Output] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    claims: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None
    elapsed_s: float = 0.0
    cpu_s: float = 0.0
    peak_bytes: int = 0
    modules: list[str] = field(default_factory=list)
    #: The line of the chain that runs, for errors that name none.
    line: int = 1

    def add(self, error: dict[str, Any]) -> None:
        """Keep an error, unless one came before: what follows may be its consequence."""
        self.error = self.error or error


def main(task: ChainTask, folder: str) -> None:
    """Run one chain in this process and end the process.

    Args:
        task: what to run.
        folder: an empty folder; its sub-folder `cwd` becomes the working directory.
    """
    out = Path(folder)
    forks = Forks(out / "copy")
    # What the library shares with the engine may be edited while the server lives.
    for name in ("dlfaq", "dlfaq.errors", "dlfaq.protocol"):
        sys.modules.pop(name, None)
    isolate(task, out)
    reads = Reads(task.inputs, out / "reads", visible)
    watch_environment(task.variables, lambda name: reads.note_input(f"${name}"))
    keep_from_writing(task.root, task.kept, caches(task.variables))
    make_deterministic(task.seed)
    if task.style is not None:
        when_imported("matplotlib", lambda _: import_module("matplotlib.style").use(task.style))
    report = _Report()
    start_peak()
    started, started_cpu = time.perf_counter(), time.process_time()
    unheard = Unheard(lambda error: report.add(describe(error, task, report.line)))
    module = types.ModuleType("__main__")
    try:
        _run(task, report, out, module)
        unheard.wait_for_all(module.__dict__)
    except BaseException as error:  # noqa: BLE001 - whatever ends a chain is reported
        report.add(describe(error, task, 1))
    lift_memory_limit()
    report.elapsed_s = time.perf_counter() - started
    report.cpu_s = time.process_time() - started_cpu
    report.peak_bytes = peak_bytes()
    _claims(report)
    report.modules = _modules(reads)
    if forks.is_copy:
        _leave(1)
    forks.wait_for_copies()
    # Not by dlfaq.writing: the server holds no module that the library uses too.
    temporary = out / "report.new"
    outputs = [output.to_json() for output in report.outputs]
    text = json.dumps({**vars(report), "outputs": outputs}, ensure_ascii=False)
    temporary.write_text(text, encoding="utf-8", errors="replace")
    temporary.replace(out / "report.json")
    kill_all(descendants(os.getpid()))
    _leave(0)


def _run(task: ChainTask, report: _Report, out: Path, module: types.ModuleType) -> None:
    """All snippets are compiled before the first one runs."""
    source = "".join(snippet.code for snippet in task.snippets)
    # Not splitlines: Python counts no line at a form feed or at U+2028.
    lines = io.StringIO(source).readlines()
    linecache.cache[CHAIN_FILE] = (len(source), None, lines, CHAIN_FILE)
    _let_it_spawn(source, out / "snippets.py")
    compiled = compile_chain([(snippet.code, snippet.warning) for snippet in task.snippets])
    module.__file__ = CHAIN_FILE
    warnings.simplefilter("error")
    sys.modules["__main__"] = module
    for snippet, ready in zip(task.snippets, compiled, strict=True):
        with (out / "progress").open("a", encoding="utf-8") as marks:
            sizes = [(out / name).stat().st_size for name in ("stdout", "stderr")]
            marks.write(f"{sizes[0]} {sizes[1]}\n")
        report.outputs.append(Output())
        report.line = ready.last_line
        try:
            with _all_warnings_shown() if snippet.warning else nullcontext():
                _run_snippet(snippet, ready, module.__dict__, report)
        except BaseException as error:
            report.add(describe(error, task, ready.last_line))
            raise
    for expression in task.expressions:
        try:
            value = eval(expression, module.__dict__)  # noqa: S307 - the page's own code
            report.values[expression] = limited(value_text(value))
        except BaseException as error:
            report.add({**describe(error, task, 1), "expression": expression})
            raise


def _let_it_spawn(source: str, file: Path) -> None:
    """A process started by "spawn" runs the script of its parent first, which has to be a file."""
    usual = spawn.get_preparation_data

    def with_a_file(name: str) -> dict[str, Any]:
        file.write_text(source, encoding="utf-8")
        return {**usual(name), "init_main_from_path": str(file)}

    spawn.get_preparation_data = with_a_file


@contextmanager
def _all_warnings_shown() -> Iterator[None]:
    """Show warnings for a while; what the page itself says of warnings stays, as in a script."""
    warnings.simplefilter("always")
    shown = warnings.filters[0]
    try:
        yield
    finally:
        if shown in warnings.filters:
            warnings.filters.remove(shown)  # type: ignore[attr-defined]
            warnings.simplefilter("error", append=True)  # says that the filters have changed


def _run_snippet(
    snippet: SnippetTask, ready: Compiled, namespace: dict[str, Any], report: _Report
) -> None:
    """Run a snippet; what it shows goes to the last output of the report."""
    output = report.outputs[-1]
    if snippet.warning:
        # Once more, so that its warnings at compiling are in its own output.
        ready = compile_snippet(snippet.code, ready.first_line - 1, ready.flags)
    value = _value(snippet, ready, namespace, report)
    shown = display(value)
    output.display = [(k, clean_text(data) if k == "text" else data) for k, data in shown]
    if "matplotlib.figure" in sys.modules:
        output.figures = _figures(value, snippet.sizes)


def _value(
    snippet: SnippetTask, ready: Compiled, namespace: dict[str, Any], report: _Report
) -> object:
    """Run a snippet; the value of its last expression, None where its point is an exception."""
    expected = snippet.raises
    keep_room()
    try:
        value = ready.run(namespace)
    except BaseException as error:
        make_room()
        kind = type(error)
        if expected not in {kind.__name__, f"{kind.__module__}.{kind.__qualname__}"}:
            raise
        report.outputs[-1].exception = clean_text(headline(error))
        return None
    if expected is not None:
        report.add(
            {
                "kind": "NotRaised",
                "message": f"expected {expected} here, and nothing was raised",
                "line": ready.first_line,
                "called": ready.first_line,
                "deeper": None,
            }
        )
        raise RuntimeError(expected)
    return value


def _figures(value: object, sizes: tuple[str, ...]) -> list[dict[str, str]]:
    """The open figures, drawn and closed, and a figure that is the last expression."""
    figures: list[Any] = []
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        figures = [pyplot.figure(number) for number in pyplot.get_fignums()]
    figure_class: Any = sys.modules["matplotlib.figure"]
    if isinstance(value, figure_class.FigureBase) and value not in figures:
        figures.append(value.figure)
    if not figures:
        return []
    # They load matplotlib.
    from dlfaq.execution.worker.drawing import draw, png  # noqa: PLC0415
    from dlfaq.execution.worker.figure_data import figure_data  # noqa: PLC0415

    drawn = [
        {**draw(figure, sizes), "png": png(figure), "csv": figure_data(figure)}
        for figure in figures
    ]
    if pyplot is not None:
        pyplot.close("all")
    return drawn


def _claims(report: _Report) -> None:
    """Take the claims from the library, if the chain used it, with the line that made each."""
    module: Any = sys.modules.get("dlfaq.claims.claim")
    for claim, frames in module.recorded() if module is not None else []:
        line = next((line for file, line in frames if file == CHAIN_FILE), 1)
        report.claims.append(replace(claim, line=line).to_json())


def _modules(reads: Reads) -> list[str]:
    """Note the modules of the site; the top-level names of all others."""
    names = set()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not (isinstance(file, str) and reads.note(file)):
            names.add(name.partition(".")[0])
    return sorted(names)
