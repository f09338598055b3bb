"""Executors: this machine, a Dask cluster, and what is said where there is none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dlfaq.errors import ExtraMissing, InputError
from dlfaq.execution.build import build
from dlfaq.execution.executors import executor_at
from dlfaq.pages.config import read_settings

MINISITE = Path(__file__).parent.parent / "minisite"

# Workers of Dask import the main module, so it is a file.
CLUSTER = """
import sys

from distributed import LocalCluster

from dlfaq.execution.build import build
from dlfaq.pages.config import read_settings

if __name__ == "__main__":
    settings = read_settings(sys.argv[1])
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address.replace("tcp://", "dask://")
        report = build(settings, executor=address)
        print(report.ran, report.failures)
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


def test_a_cluster_runs_chains_and_this_process_stores_them(tmp_path):
    pytest.importorskip("distributed", reason="no Dask: pip install 'dlfaq[dask]'")
    shutil.copytree(MINISITE, tmp_path / "site")
    (tmp_path / "cluster.py").write_text(CLUSTER, encoding="utf-8")
    command = [sys.executable, str(tmp_path / "cluster.py"), str(tmp_path / "site")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout == "4 []\n", done.stderr
    assert build(read_settings(tmp_path / "site")).ran == 0
