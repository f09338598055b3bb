"""What a chain finds in its process: nothing of other chains, one thread, fixed seeds, limits."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dlfaq.errors import DlfaqError
from dlfaq.execution import fork_server
from dlfaq.execution.process import ProcessEnd, run_task
from dlfaq.execution.task import ChainTask, SnippetTask
from dlfaq.execution.variables import FIXED
from dlfaq.extras import PRELOAD


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def run(root):
    """A function that runs one snippet with what every site preloads, torch included."""

    def run(code: str, preload=PRELOAD, *, warning=False, **fields) -> ProcessEnd:
        task = ChainTask(
            (SnippetTask(f"{code.strip()}\n", warning=warning, sizes=("wide",)),),
            expressions=(),
            root=str(root),
            preload=preload,
            **fields,
        )
        ended = run_task(task)
        assert ended.reason == "", ended
        return ended

    return run


@pytest.fixture(scope="module")
def value(run):
    """A function that runs one snippet that prints JSON, and gives that."""

    def value(code: str, **fields):
        ended = run(f"import json\n{code}", **fields)
        assert ended.report["error"] is None, ended.report["error"]
        return json.loads(ended.stdout)

    return value


def test_a_chain_starts_with_one_thread_and_no_module_of_the_lab(value):
    code = """
import sys

ours = sorted(name for name in sys.modules if name.startswith("dlfaq") and "execution" not in name)
with open("/proc/self/status") as status:
    threads = [line.split()[1] for line in status if line.startswith("Threads")]
print(json.dumps([threads, ours, "torch" in sys.modules, sys.argv]))
"""
    assert value(code) == [["1"], [], True, ["<snippets>"]]


def test_two_sites_in_one_process_have_each_its_server(value):
    code = "import sys\nprint(json.dumps('torch' in sys.modules))"
    assert [value(code), value(code, preload=()), value(code)] == [True, False, True]


def test_torch_stays_at_one_thread_after_parallel_work(value):
    code = """
import torch

x = torch.ones(600, 600)
(x @ x).sum()
print(json.dumps([torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()]))
"""
    assert value(code) == [1, True]


def test_an_empty_chain_costs_a_fifth_of_a_second_of_the_processor(value):
    # From the fork on: what a process inherits counts for the server.
    assert value("import time\nprint(time.process_time())") < 0.2


def test_the_collector_leaves_what_the_server_holds_alone(value):
    assert value("import gc\nprint(gc.get_freeze_count())") > 100_000


def test_nothing_of_one_chain_is_seen_by_the_next(value):
    first = """
import builtins, random, sys, os

import numpy as np
import torch
import matplotlib.pyplot as plt

from dlfaq.claims.claim import claim

claim("A", 1.0, at_least=0)
plt.rcParams["lines.linewidth"] = 33
plt.figure()
builtins.leak = np.leak = torch.leak = 1
torch.set_default_dtype(torch.float64)
os.environ["LEAK"] = "1"
random.random(), np.random.rand(), torch.rand(1)
plt.close("all")
print(1)
"""
    second = """
import builtins, os, sys

import numpy as np
import torch
import matplotlib.pyplot as plt

seen = "dlfaq.claims.claim" in sys.modules
from dlfaq.claims.claim import recorded

print(json.dumps([seen, recorded(), plt.rcParams["lines.linewidth"] == 33, plt.get_fignums(),
    hasattr(builtins, "leak"), hasattr(np, "leak"), hasattr(torch, "leak"),
    str(torch.get_default_dtype()), os.environ.get("LEAK"), "first" in globals()]))
"""
    assert value(first) == 1
    expected = [False, [], False, [], False, False, False, "torch.float32", None, False]
    assert value(second) == expected


RANDOM = """
import random

import numpy as np
import torch

print(json.dumps([random.random(), np.random.rand(), torch.rand(1).item(), hash("a")]))
"""


def test_the_seeds_are_fixed_and_the_hash_too(value):
    first = value(RANDOM)
    assert value(RANDOM) == first
    other = value(RANDOM, seed_offset=1)
    assert [a == b for a, b in zip(first, other, strict=True)] == [False, False, False, True]


def test_the_seed_is_that_of_the_first_replica_of_the_master(value):
    # design.md: replica i of master M has the seed 100·M+i, the build is M=10.
    assert value(RANDOM)[0] == random.Random(1000).random()


def test_what_is_imported_later_is_seeded_too(tmp_path):
    """In a server that holds nothing; this process has its own, so ask a fresh one."""
    code = f"""
from dlfaq.execution.process import run_task
from dlfaq.execution.task import ChainTask, SnippetTask

code = "import numpy, json\\nprint(numpy.random.rand())\\n"
task = ChainTask((SnippetTask(code),), (), {str(tmp_path)!r})
for _ in range(2):
    print(run_task(task).stdout)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = done.stdout.split()
    assert first == second


def test_what_another_thread_starts_at_that_moment_gets_nothing_of_the_servers_environment():
    """Or it would load torch, and take its own claims for those of a build.

    Python raises an event for each variable that is set; a hook stays, hence a process of its own.
    """
    code = """
import sys

def hook(event, arguments):
    if event in ("os.putenv", "os.unsetenv"):
        print("environment:", *arguments)

sys.addaudithook(hook)
from dlfaq.execution.process import run_task
from dlfaq.execution.task import ChainTask, SnippetTask

snippet = "import os\\nprint(os.environ['PYTHONHASHSEED'], os.environ['OMP_NUM_THREADS'])\\n"
print(run_task(ChainTask((SnippetTask(snippet),), (), "/")).stdout)
"""
    environment = {k: v for k, v in os.environ.items() if k not in FIXED}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == "b'0 1\\n'\n"


def test_settings_reach_the_library_by_the_environment(value):
    code = (
        "import os\nprint(json.dumps([os.environ[name] for name in ('DLFAQ_RUNNER',"
        " 'DLFAQ_SEED_OFFSET', 'DLFAQ_DEVICE', 'PYTHONHASHSEED',"
        " 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS')]))"
    )
    assert value(code, seed_offset=-3, device="cuda:1") == ["1", "-3", "cuda:1", "0", "1", "1", "1"]


def test_the_working_directory_is_an_empty_temporary_folder(value):
    code = "import os\nopen('new', 'w').close()\nprint(json.dumps([os.getcwd(), os.listdir()]))"
    (folder, names), (other, _) = value(code), value(code)
    assert (names, folder != other, Path(folder).exists()) == (["new"], True, False)


def test_the_style_is_applied_also_to_what_is_imported_later(value, root):
    (root / "house.mplstyle").write_text("lines.linewidth: 7.5\n", encoding="utf-8")
    code = "import matplotlib\nprint(matplotlib.rcParams['lines.linewidth'])"
    assert value(code, style=str(root / "house.mplstyle")) == 7.5


@pytest.mark.parametrize("kept", ["x = torch.ones(75_000_000)", "torch.ones(75_000_000).sum()"])
def test_the_peak_of_memory_is_that_of_the_chain(run, kept):
    ended = run(f"import torch\n\n{kept}\nNone")
    assert ended.report["error"] is None
    assert ended.report["peak_bytes"] == pytest.approx(300e6, rel=0.1)


def test_an_empty_chain_takes_no_memory(run):
    assert run("None").report["peak_bytes"] < 5e6


def test_memory_beyond_the_limit_is_an_exception_with_its_line(run):
    error = run("import torch\n\ntorch.ones(10**9)", memory_bytes=2**30).report["error"]
    assert (error["kind"], error["line"]) == ("RuntimeError", 3)
    assert "can't allocate memory" in error["message"]


LOADER = """
import multiprocessing

import torch
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.arange(8.0))
total = sum(batch[0].sum().item() for batch in DataLoader(data, batch_size=2, num_workers=2))
print(json.dumps([total, multiprocessing.get_start_method()]))
"""


def test_a_data_loader_has_workers_by_fork(value):
    # 0 + ... + 7. The server's own way would load torch anew in each worker.
    assert value(LOADER) == [28, "fork"]


def test_torch_warns_every_time(run):
    code = """
import torch

x = torch.ones(1, requires_grad=True)
for _ in range(2):
    float(x)
"""
    ended = run(code, warning=True)
    assert ended.stderr.count(b"Converting a tensor with requires_grad=True") == 2
    assert run(code).report["error"]["line"] == 5


def test_the_source_of_a_snippet_is_known(value):
    code = """
import inspect


def f():
    return 1


class C:
    x = 2


print(json.dumps([inspect.getsource(f), inspect.getsource(C), __name__]))
"""
    expected = ["def f():\n    return 1\n", "class C:\n    x = 2\n", "__main__"]
    assert value(code) == expected


def test_a_traceback_names_the_source_line(value):
    code = """
import traceback

try:
    1 / 0
except ZeroDivisionError:
    print(json.dumps(traceback.format_exc()))
"""
    assert '  File "<snippets>", line 6, in <module>\n    1 / 0\n' in value(code)


def test_reads_in_this_process_and_in_its_copies_are_noted(run, root):
    for name in ("read", ".written", "forked", "absent", "bytes", "lab.py", "excluded/x"):
        (root / name).parent.mkdir(exist_ok=True)
        if name != "absent":
            (root / name).write_text("x = 1\n", encoding="utf-8")
    code = f"""
import os
from pathlib import Path

root = Path({str(root)!r})
(root / "read").read_text()
(root / ".written").write_text("new")
(root / "absent").exists()
try:
    (root / "absent").read_bytes()
except FileNotFoundError:
    pass
(root / "excluded/x").read_text()
open(os.fsencode(root / "bytes")).close()
if os.fork() == 0:
    (root / "forked").read_text()
    os._exit(0)
os.wait()
import lab
"""
    ended = run(code, excluded=(str(root / "excluded"),))
    assert ended.report["error"] is None
    site = {name: value for name, value in ended.inputs.items() if not name.startswith("..")}
    assert set(site) == {"absent", "bytes", "forked", "lab", "lab.py", "read"}
    assert (site["absent"], site["lab"]) == ("absent", "absent")
    assert ended.changed == []


def test_a_file_that_changes_after_it_was_read_is_told(run, root):
    (root / ".data").write_text("1", encoding="utf-8")
    code = f"path = {str(root / '.data')!r}\nopen(path).close()\nopen(path, 'w').write('22')"
    assert run(code, warning=True).changed == [".data"]


def test_a_server_that_was_killed_is_started_again():
    # In a process of its own: chains of other tests may run in the server of this one.
    code = """
import os
from dlfaq.execution.process import run_task
from dlfaq.execution.task import ChainTask, SnippetTask

task = ChainTask((SnippetTask("import os\\nprint(os.getppid())\\n"),), (), "/")
first = int(run_task(task).stdout)
os.kill(first, 9)
os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
print(int(run_task(task).stdout) != first)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


@pytest.mark.parametrize("end", ["before", "after"])
def test_a_chain_dies_whenever_its_parent_does(end, tmp_path):
    """Also of a parent that died while the chain was being cut off from it."""
    # In a process of its own: it becomes the leader of a session, and is killed.
    code = f"""
import multiprocessing, os, pathlib, time, types
from dlfaq.execution.task import ChainTask
from dlfaq.execution.worker.isolation import isolate

theirs, ours = os.pipe()
parent = types.SimpleNamespace(sentinel=theirs)
multiprocessing.parent_process = lambda: parent
if {end == "before"}:
    os.close(ours)
isolate(ChainTask((), (), "/"), pathlib.Path({str(tmp_path)!r}))
if {end == "after"}:
    os.close(ours)
time.sleep(5)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL


def test_a_server_that_cannot_load_is_told(root):
    (root / "explodes.py").write_text("raise RuntimeError('no')\n", encoding="utf-8")
    code = (
        "from dlfaq.execution.process import run_task\n"
        "from dlfaq.execution.task import ChainTask, SnippetTask\n"
        "run_task(ChainTask((SnippetTask('1\\n'),), (), '/', preload=('explodes',)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    last = done.stderr.strip().split("\n")[-1]
    assert last.startswith(
        "dlfaq.errors.DlfaqError: expected a fork server that holds explodes; got"
    )
    assert "RuntimeError: no" in done.stderr


def test_elsewhere_the_engine_says_what_it_lacks(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(DlfaqError, match="expected Linux to run pages; got darwin, which lacks"):
        fork_server.start_server(())


def test_the_engine_loads_where_linux_modules_are_missing():
    code = (
        "import sys\nfor name in ('fcntl', 'resource'):\n    sys.modules[name] = None\n"
        "import dlfaq.execution.build, dlfaq.cli.main"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
