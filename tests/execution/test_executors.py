"""Executors: this machine, a Dask cluster, and what is said where there is none."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dlfaq.errors import ExtraMissing, InputError
from dlfaq.execution.build import build
from dlfaq.execution.executors import executor_at
from dlfaq.pages.config import read_settings

MINISITE = Path(__file__).parent.parent / "minisite"

CHAIN = """\
```python
import time

time.sleep({seconds})
print("page", {number})
```
"""
SITE = """\
site_name: Many
markdown_extensions:
  - pymdownx.superfences
  - dlfaq.site.markdown_extension: {preload: []}
"""


def test_this_machine_runs_as_many_as_it_is_told():
    with executor_at(None, 3) as (executor, count):
        assert (executor.submit(abs, -1).result(), count) == (1, 3)


@pytest.mark.parametrize(
    "address", ["dask", "dask://", "dask://host", "tcp://host:1", "dask://a/b:1"]
)
def test_an_address_that_is_none_is_told(address):
    with pytest.raises(InputError, match=r"expected an executor dask://HOST:PORT; got "):
        executor_at(address, 1).__enter__()


def test_a_missing_package_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExtraMissing, match=r"expected the package distributed.*dlfaq\[dask\]"):
        executor_at("dask://127.0.0.1:8786", 1).__enter__()


def test_without_stale_chains_nobody_is_asked(tmp_path):
    shutil.copytree(MINISITE, tmp_path / "site")
    assert build(read_settings(tmp_path / "site"), only="none.md", executor="dask://127.0.0.1:1").ok


class Cluster:
    """A scheduler and workers, each a process as an administrator starts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.processes = []
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(self.file)
        )
        wait_for(lambda: self.file.exists() and self.file.read_text(encoding="utf-8").strip())
        self.tcp = json.loads(self.file.read_text(encoding="utf-8"))["address"]
        self.address = self.tcp.replace("tcp://", "dask://")

    def worker(self, *words, **environment):
        """Start a worker that runs one chain at a time."""
        return self._start("worker", self.tcp, "--nthreads", "1", *words, **environment)

    def _start(self, what, *words, **environment):
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *words, "--no-dashboard"]
        with (self.folder / f"{what}-{len(self.processes)}.log").open("w") as log:
            process = subprocess.Popen(
                command, env={**os.environ, **environment}, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def end(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(30)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def cluster(tmp_path):
    """A scheduler without workers."""
    pytest.importorskip("distributed", reason="no Dask: pip install 'dlfaq[dask]'")
    (tmp_path / "cluster").mkdir()
    started = Cluster(tmp_path / "cluster")
    yield started
    started.end()


@pytest.fixture
def many(tmp_path):
    """A function that makes a site of so many pages, each of one chain that sleeps."""

    def make(count: int, seconds: float) -> Path:
        folder = tmp_path / "many"
        (folder / "docs").mkdir(parents=True)
        (folder / "mkdocs.yml").write_text(SITE, encoding="utf-8")
        for number in range(count):
            text = CHAIN.format(number=number, seconds=seconds)
            (folder / "docs" / f"p{number}.md").write_text(text, encoding="utf-8")
        return folder

    return make


@pytest.fixture
def run_on(cluster):
    """A function that starts `dlfaq run` on the cluster."""

    def run(folder: Path) -> subprocess.Popen:
        command = [sys.executable, "-c", DLFAQ, "-C", str(folder)]
        return subprocess.Popen(
            [*command, "run", "--executor", cluster.address],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return run


DLFAQ = "import sys; from dlfaq.cli.main import main; sys.exit(main())"


def stored(folder: Path) -> int:
    return len(list((folder / ".dlfaq" / "results").glob("*")))


def test_a_worker_that_is_killed_half_way_loses_nothing(cluster, many, run_on):
    folder, count = many(10, 0.4), 10
    cluster.worker()
    lost = cluster.worker("--no-nanny")  # which would start another
    run = run_on(folder)
    wait_for(lambda: stored(folder) >= 4)
    lost.kill()
    output, errors = run.communicate(timeout=60)
    assert (run.returncode, output) == (0, "10 of 10 chains run, 0 failures\n"), errors
    report = build(read_settings(folder))
    assert report.ran == 0
    found = {outcome.result.outputs[0].stdout for outcome in report.site.results.values()}
    assert found == {f"page {number}\n" for number in range(count)}


def test_a_scheduler_that_is_lost_is_told_and_what_has_run_is_stored(cluster, many, run_on):
    folder = many(10, 1.5)
    cluster.worker()
    run = run_on(folder)
    wait_for(lambda: stored(folder) >= 1)
    cluster.scheduler.kill()
    output, errors = run.communicate(timeout=60)
    assert (run.returncode, output) == (2, "")
    assert errors.splitlines()[-1].startswith("dlfaq: expected a Dask scheduler at 127.0.0.1:")
    assert "Traceback" not in errors
    assert 1 <= stored(folder) < 10


def test_a_cluster_without_workers_is_waited_for_and_a_worker_with_other_packages_is_refused(
    cluster, many, run_on, tmp_path
):
    other = tmp_path / "other" / "tqdm-0.0.1.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: tqdm\nVersion: 0.0.1\n")
    run = run_on(many(1, 0))
    assert "no worker at 127.0.0.1:" in run.stderr.readline()
    cluster.worker(PYTHONPATH=str(other.parent))
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 2
    assert re.search(
        r"dlfaq: expected a worker with the packages of this machine; got, on \S+, "
        r"tqdm 0\.0\.1 in place of [\d.]+; install the same lock there\n$",
        errors,
    ), errors
