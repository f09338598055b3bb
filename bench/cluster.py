"""What a chain costs on a Dask cluster beside this machine: 200 chains each way, wall and CPU.

The cluster is a scheduler and two workers on loopback, so it gains nothing here, and what it costs
shows. Both ways run in turn, so that what else the machine does falls on both alike; CPU seconds
are of all processes that take part, and a busy machine stretches only the wall time.

    python bench/cluster.py [ROUNDS] > bench/cluster.json
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from distributed import Client

from dlfaq.execution.build import build
from dlfaq.execution.processes import descendants
from dlfaq.pages.config import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

CHAINS = 200
CHAIN_S = 0.1  # of processor time, in each chain
WORKERS = 2

CONFIG = """\
site_name: Many
markdown_extensions:
  - pymdownx.superfences
  - dlfaq.site.markdown_extension: {preload: [numpy]}
"""
PAGE = """\
```python
import time

end = time.process_time() + SECONDS
while time.process_time() < end:
    pass
print("page", NUMBER)
```
"""


def make_site(folder: Path) -> Settings:
    """A site of many pages, each with one chain."""
    (folder / "docs").mkdir(parents=True)
    (folder / "mkdocs.yml").write_text(CONFIG, encoding="utf-8")
    for number in range(CHAINS):
        text = PAGE.replace("SECONDS", str(CHAIN_S)).replace("NUMBER", str(number))
        (folder / "docs" / f"p{number}.md").write_text(text, encoding="utf-8")
    return read_settings(folder)


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, int, list[int]]]:
    """A scheduler and its workers, ready: the address, and the processes of both."""
    file = folder / "scheduler.json"
    processes: list[subprocess.Popen[bytes]] = []

    def start(what: str, *words: str) -> None:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *words, "--no-dashboard"]
        quiet = subprocess.DEVNULL
        processes.append(subprocess.Popen(command, stdout=quiet, stderr=quiet))

    start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
    while not file.exists() or not file.read_text(encoding="utf-8").strip():
        time.sleep(0.05)
    address = json.loads(file.read_text(encoding="utf-8"))["address"]
    for _ in range(WORKERS):
        start("worker", address, "--no-nanny", "--nthreads", "1")
    with Client(address, timeout=60) as client:
        client.wait_for_workers(WORKERS, timeout=60)
    scheduler, *workers = (process.pid for process in processes)
    try:
        yield address.replace("tcp://", "dask://"), scheduler, workers
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()


def spent(*pids: int) -> float:
    """CPU seconds of processes, of those below them, and of those that they have waited for."""
    ticks = 0
    for pid in (one for top in pids for one in (top, *descendants(top))):
        after_name = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        ticks += sum(int(field) for field in after_name[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def measured(settings: Settings, address: str, scheduler: int, workers: list[int]) -> dict:
    """One run of all chains here, and one on the cluster."""
    found = {}
    for where, options in (("here", {"jobs": WORKERS}), ("cluster", {"executor": address})):
        started, own = time.perf_counter(), time.process_time()
        before = spent(os.getpid()), spent(scheduler), spent(*workers)
        report = build(settings, fresh=True, **options)
        if report.ran != CHAINS or not report.ok:
            sys.exit(f"expected {CHAINS} chains run; got {report.ran}, {report.failures[:1]}")
        after = spent(os.getpid()), spent(scheduler), spent(*workers)
        total, at_scheduler, at_workers = (b - a for a, b in zip(before, after, strict=True))
        found[where] = {
            "wall_s": time.perf_counter() - started,
            "own_cpu_s": time.process_time() - own,
            # The cluster stands by meanwhile, and its processes are below this one.
            "here_cpu_s": total - at_scheduler - at_workers,
            "scheduler_cpu_s": at_scheduler,
            "workers_cpu_s": at_workers,
        }
    return found


def main(rounds: int) -> None:
    """Print the median of some rounds, after one that warms everything up."""
    with tempfile.TemporaryDirectory() as folder:
        settings = make_site(Path(folder) / "site")
        with cluster(Path(folder)) as (address, scheduler, workers):
            for options in ({"jobs": WORKERS}, {"executor": address}):
                build(settings, only="p1*.md", fresh=True, **options)
            runs = [measured(settings, address, scheduler, workers) for _ in range(rounds)]
    medians = {
        where: {
            what: round(statistics.median(run[where][what] for run in runs), 3)
            for what in runs[0][where]
        }
        for where in runs[0]
    }
    facts = {"chains": CHAINS, "chain_s": CHAIN_S, "workers": WORKERS, "rounds": rounds}
    print(json.dumps({**facts, "cores": os.cpu_count(), **medians}, indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
