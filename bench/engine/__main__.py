"""How long a site takes to build and to serve: this engine beside markdown-exec and mkdocs-jupyter.

The same pages, each with a small training and a figure, are built cold, warm, after an edit of one
page and after an edit of the module that all import; plain MkDocs shows their code without running
it. The engines take turns, so that what else the machine does falls on all alike. Seconds are of
the wall, and of the processor for a command with all that it starts. Every process has one thread.
After each edit every page is looked at: an engine that serves an old result is named.

    python bench/engine [--pages 24 72] [--rounds 3] [--serve 24 200] [--engines dlfaq …]

mkdocs-jupyter takes minutes for a cold build: it is measured in the first round only, and with the
smallest number of pages. markdown-exec is measured if it is installed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

from processes import Seconds, serving, timed, until
from sites import ENGINES, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILD = (sys.executable, "-m", "mkdocs", "build")
STEPS = ("cold", "warm", "page edited", "module edited")


def build(site: Site) -> Iterator[tuple[str, Seconds, int]]:
    """Each step: its name, what it took, how many pages show an old result."""
    site.write()
    yield from _step("cold", site)
    yield from _step("warm", site)
    site.edit_page(0, edition=2)
    yield from _step("page edited", site, editions={0: 2})
    site.edit_module(2)
    yield from _step("module edited", site, version=2, editions={0: 2})


def _step(
    name: str, site: Site, *, version: int = 1, editions: dict[int, int] | None = None
) -> Iterator[tuple[str, Seconds, int]]:
    took = timed(BUILD, site.folder)
    old = 0
    if site.engine != "plain":
        numbers = range(site.pages)
        shown = [
            site.shows(number, version=version, edition=(editions or {}).get(number, 1))
            for number in numbers
        ]
        old = shown.count(False)
    yield name, took, old


def serve(site: Site) -> Iterator[tuple[str, float]]:
    """Seconds until the server answers, and until an edit is seen: of prose, and of a snippet."""
    site.write()
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    url = f"http://{address}/page0/"
    ran = "edition 1" if site.engine == "dlfaq" else "revision 1"
    command = (sys.executable, "-m", "mkdocs", "serve", "--dev-addr", address)
    with serving(command, site.folder):
        yield "answers", until(url, "revision 1")
        yield "first page filled in", until(url, ran)
        if site.engine == "dlfaq":
            until(f"http://{address}/page{site.pages - 1}/", "edition 1")
        for round_ in range(3):
            site.edit_page(0, edition=round_ + 1, revision=round_ + 2)
            yield "prose", until(url, f"revision {round_ + 2}")
            site.edit_page(0, edition=round_ + 2, revision=round_ + 2)
            words = f"edition {round_ + 2}" if site.engine == "dlfaq" else f"variant {round_ + 2}"
            yield "snippet", until(url, words)


def measure_builds(counts: list[int], rounds: int, engines: list[str], scratch: Path) -> None:
    """Print a table for each number of pages."""
    for pages in counts:
        seconds: dict[tuple[str, str], list[Seconds]] = defaultdict(list)
        old: dict[tuple[str, str], int] = {}
        for round_ in range(rounds):
            for engine in engines:
                if engine == "mkdocs-jupyter" and (round_ or pages != min(counts)):
                    continue
                site = Site(scratch / f"{engine}-{pages}-{round_}", engine, pages)
                for step, took, stale in build(site):
                    seconds[engine, step].append(took)
                    old[engine, step] = max(stale, old.get((engine, step), 0))
        print(f"\n{pages} pages, wall s (CPU s), median of {rounds}\n")
        print(f"| engine | {' | '.join(STEPS)} | old results shown |")
        print("|---" * (len(STEPS) + 2) + "|")
        for engine in engines:
            if (engine, "cold") not in seconds:
                continue
            cells = [
                f"{statistics.median(s.wall for s in seconds[engine, step]):.2f} "
                f"({statistics.median(s.cpu for s in seconds[engine, step]):.2f})"
                for step in STEPS
            ]
            stale = [f"{old[engine, s]} pages, {s}" for s in STEPS if old[engine, s]]
            print(f"| {engine} | {' | '.join(cells)} | {'; '.join(stale) or 'none'} |", flush=True)


def measure_serving(counts: list[int], scratch: Path) -> None:
    """Print a table for serving: light pages, so that the engine is what is measured."""
    names = ("answers", "first page filled in", "prose", "snippet")
    print("\n`mkdocs serve`, wall s, pages that print one line; edits: median of 3\n")
    print(f"| pages | engine | {' | '.join(names)} |")
    print("|---" * (len(names) + 2) + "|")
    for pages in counts:
        for engine in ("plain", "dlfaq"):
            site = Site(scratch / f"serve-{engine}-{pages}", engine, pages, light=True)
            took: dict[str, list[float]] = defaultdict(list)
            for name, seconds in serve(site):
                took[name].append(seconds)
            cells = [f"{statistics.median(took[name]):.2f}" for name in names]
            print(f"| {pages} | {engine} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, nargs="*", default=[24, 72])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", type=int, nargs="*", default=[24, 200])
    parser.add_argument("--engines", nargs="*", choices=ENGINES, default=list(ENGINES))
    options = parser.parse_args()
    engines = [e for e in options.engines if e != "markdown-exec" or find_spec("markdown_exec")]
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as scratch:
        measure_builds(options.pages, options.rounds, engines, Path(scratch))
        measure_serving(options.serve, Path(scratch))


if __name__ == "__main__":
    main()
