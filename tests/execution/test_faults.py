"""Everything that can go wrong in a chain, in one build: each is one line, and the rest goes on.

The site is a copy of tests/minisite with one more page for each fault, built by the command.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from dlfaq.execution.build import build
from dlfaq.pages.config import read_settings

MINISITE = Path(__file__).parent.parent / "minisite"
COMMAND = [sys.executable, "-c", "import sys; from dlfaq.cli.main import main; sys.exit(main())"]

CONT = "<!--pytest-codeblocks:cont-->"


class Fault(NamedTuple):
    """A page that fails: its code, the line of the page that is named, and the words."""

    code: str
    line: int
    told: str
    printed: str = ""


# Each code stands in a fence that opens on line 1.
FAULTS = {
    "raises": Fault(
        "print('so far')\n\n1 / 0", 4, "ZeroDivisionError: division by zero", "so far\n"
    ),
    "says_nothing": Fault("x = 1\nassert x == 2", 3, "AssertionError"),
    "says_many_lines": Fault("raise ValueError('one\\ntwo')", 2, "ValueError: one"),
    "cannot_say": Fault(
        "class E(Exception):\n    def __str__(self):\n        raise TypeError\n\nraise E",
        6,
        "E: (its message cannot be read: TypeError)",
    ),
    "in_include": Fault(
        'x = 0\n--8<-- "divide.py"',
        3,
        "ZeroDivisionError: division by zero (in snippets/divide.py:2)",
    ),
    "in_lab": Fault(
        "import lab\n\nlab.mean([])", 4, "ZeroDivisionError: division by zero (in lab.py:5)"
    ),
    "broken_lab": Fault("import broken", 2, "SyntaxError: '(' was never closed (in broken.py:2)"),
    "called_back": Fault(
        "def f(x):\n    return 1 / x\n\n\nsorted([0, 1], key=f)",
        3,
        "ZeroDivisionError: division by zero",
    ),
    "in_repr": Fault(
        "class R:\n    __repr__ = None\n\n\nR()", 6, "TypeError: 'NoneType' object is not callable"
    ),
    "syntax": Fault("print('not yet')\nx = (1,\ny = 2", 3, "SyntaxError: '(' was never closed"),
    "syntax_at_the_end": Fault(
        "x = 1\nif x:",
        3,
        "IndentationError: expected an indented block after 'if' statement on line 3",
    ),
    "syntax_of_a_text": Fault(
        "x = 1\ny = '''",
        3,
        "SyntaxError: unterminated triple-quoted string literal (detected at line 3)",
    ),
    "syntax_warning": Fault(
        "x = 1\nx is 1", 3, """SyntaxError: "is" with a literal. Did you mean "=="?"""
    ),
    "hangs": Fault(
        "#| timeout: 1\nprint('before')\nwhile True: pass",
        4,
        "Timeout: no end after 1 s; raise it with `#| timeout: SECONDS`, or do less",
        "before\n",
    ),
    "hangs_in_c": Fault(
        "#| timeout: 1\nimport time\n\ntime.sleep(60)",
        5,
        "Timeout: no end after 1 s; raise it with `#| timeout: SECONDS`, or do less",
    ),
    "hangs_in_subprocess": Fault(
        "#| timeout: 1\nimport subprocess\n\nsubprocess.run(['sleep', '60.125'])",
        5,
        "Timeout: no end after 1 s; raise it with `#| timeout: SECONDS`, or do less",
    ),
    "leaves": Fault(
        "import os\n\nos._exit(0)",
        4,
        "Exit: the process ended with status 0 before the end of the chain; "
        "do not call os._exit or the like",
    ),
    "leaves_with_3": Fault(
        "import os\n\nos._exit(3)",
        4,
        "Exit: the process ended with status 3 before the end of the chain; "
        "do not call os._exit or the like",
    ),
    "exits": Fault("import sys\n\nsys.exit(0)", 4, "SystemExit: 0"),
    "segfaults": Fault(
        "import ctypes\n\nprint('before', flush=True)\nctypes.string_at(0)",
        5,
        "SIGSEGV: the process was killed",
        "before\n",
    ),
    "aborts": Fault("import os\n\nos.abort()", 4, "SIGABRT: the process was killed"),
    "kills_itself": Fault(
        "import os\nimport signal\n\nos.kill(os.getpid(), signal.SIGKILL)",
        5,
        "SIGKILL: the process was killed, out of memory?",
    ),
    "survives_a_signal": Fault(
        "import ctypes, os, signal\n\nsignal.signal(signal.SIGUSR1, lambda *_: None)\n"
        "os.kill(os.getpid(), signal.SIGUSR1)\nctypes.string_at(0)",
        6,
        "SIGSEGV: the process was killed",
    ),
    "eats_memory": Fault("kept = []\nwhile True:\n    kept.append(bytes(10**6))", 4, "MemoryError"),
    "eats_memory_in_crumbs": Fault("kept = []\nwhile True: kept.append([0] * 9)", 3, "MemoryError"),
    "eats_memory_at_once": Fault(
        "import numpy as np\n\nnp.ones(10**9)",
        4,
        "MemoryError: Unable to allocate 7.45 GiB for an array with shape (1000000000,) "
        "and data type float64",
    ),
    "floods_from_a_process": Fault(
        "import subprocess\n\nsubprocess.run(['yes'])",
        4,
        "Flood: it writes output without end; print less",
    ),
    "shows_too_much": Fault(
        "class H:\n    def _repr_html_(self):\n        return 'x' * 2_000_000\n\n\nH()",
        7,
        "InputError: expected at most 1,000,000 bytes of html to show; got 2,000,000; "
        "show less of it",
    ),
    "forks": Fault(
        "import os\n\nos.fork()\nprint('twice')",
        2,
        "Copy: it forked, and both processes ran to the end; end the copy with os._exit",
        "twice\ntwice\n",
    ),
    "forks_and_raises": Fault(
        "import os\n\nif os.fork() == 0:\n    raise ValueError",
        2,
        "Copy: it forked, and both processes ran to the end; end the copy with os._exit",
    ),
    "warns": Fault("import warnings\n\nwarnings.warn('careful')", 4, "UserWarning: careful"),
    "not_raised": Fault(
        "#| raises: ValueError\nx = 1",
        3,
        "NotRaised: expected ValueError here, and nothing was raised",
    ),
    "raises_another": Fault(
        "#| raises: ValueError\n[][0]", 3, "IndexError: list index out of range"
    ),
    "raises_a_subclass": Fault(
        "#| raises: LookupError\n[][0]", 3, "IndexError: list index out of range"
    ),
    "closed_stdout": Fault(
        "import sys\n\nsys.stdout.close()\nprint('x')",
        5,
        "ValueError: I/O operation on closed file.",
    ),
    "closed_descriptors": Fault(
        "import os\n\nos.closerange(0, 100)\nprint('x')",
        5,
        "OSError: [Errno 9] Bad file descriptor",
    ),
    "reads_stdin": Fault("input()", 2, "EOFError: EOF when reading a line"),
    "removes_its_folder": Fault(
        "import os, shutil\n\nshutil.rmtree(os.path.dirname(os.getcwd()))\n1 / 0",
        2,
        "Exit: the process ended with status 1 before the end of the chain; "
        "do not call os._exit or the like",
    ),
    "leaves_a_child": Fault(
        "import subprocess\n\np = subprocess.Popen(['sleep', '61.125'])\nprint('left')",
        5,
        "ResourceWarning: a program that it started still runs; wait for it, or end it",
        "left\n",
    ),
    "leaves_a_file_open": Fault(
        "import lab\n\nfile = open(lab.__file__)\nx = 1",
        5,
        "ResourceWarning: unclosed file <_io.TextIOWrapper name='ROOT/lab.py' mode='r' "
        "encoding='UTF-8'>",
    ),
    "raises_in_a_thread": Fault(
        "import threading\n\ndef f():\n    1 / 0\n\nt = threading.Thread(target=f)\n"
        "t.start()\nt.join()",
        5,
        "ZeroDivisionError: division by zero",
    ),
    "raises_in_a_thread_later": Fault(
        "import threading, time\n\ndef f():\n    time.sleep(0.3)\n    1 / 0\n\n"
        "threading.Thread(target=f).start()",
        6,
        "ZeroDivisionError: division by zero",
    ),
    "raises_in_a_task": Fault(
        "import asyncio\n\nasync def f():\n    1 / 0\n\nasync def main():\n"
        "    asyncio.create_task(f())\n    await asyncio.sleep(0.01)\n\nasyncio.run(main())",
        5,
        "ZeroDivisionError: division by zero",
    ),
    "forgets_a_coroutine": Fault(
        "async def f(): pass\n\nf();",
        4,
        "RuntimeWarning: coroutine 'f' was never awaited",
    ),
    "raises_in_a_destructor": Fault(
        "class D:\n    def __del__(self):\n        1 / 0\n\nd = D()\ndel d\nprint(1)",
        4,
        "ZeroDivisionError: division by zero",
        "1\n",
    ),
    "raises_in_a_destructor_at_the_end": Fault(
        "class D:\n    def __del__(self):\n        1 / 0\n\nd = D()\nd.d = d",
        4,
        "ZeroDivisionError: division by zero",
    ),
    "warns_in_a_destructor": Fault(
        "import warnings\n\nclass D:\n    def __del__(self):\n        warnings.warn('late')\n\n"
        "d = D()",
        6,
        "UserWarning: late",
    ),
    "raises_in_a_process": Fault(
        "import multiprocessing as mp\n\np = mp.Process(target=divmod, args=(1, 0))\n"
        "p.start()\np.join()",
        6,
        "ChildProcessError: a process that it started ended with status 1; what it wrote to "
        "standard error says why",
    ),
    "spawns_without_a_guard": Fault(
        "import multiprocessing as mp\n\np = mp.get_context('spawn').Process(target=print)\n"
        "p.start()\np.join()",
        6,
        "ChildProcessError: a process that it started ended with status 1; what it wrote to "
        "standard error says why",
    ),
    "claims": Fault(
        "from dlfaq import claim\n\nclaim('Three is {}', 2.0, equals=3)",
        4,
        "ClaimFailed: 'Three is 2' does not hold: measured 2; claimed from 2.9999999997 to "
        "3.0000000003",
    ),
    "claims_and_swallows": Fault(
        "from dlfaq import claim\n\ntry:\n    claim('A', 1.0, at_least=2)\nexcept: pass",
        5,
        "ClaimFailed: 'A' does not hold: measured 1; claimed at least 2",
    ),
}

# Whole pages that fail: text, line, words, and what each snippet printed.
PAGES = {
    "second_snippet": (
        (
            f"```python\nprint(1)\n```\n\n{CONT}\n```python\nprint(2)\n1 / 0\n```\n\n"
            f"{CONT}\n```python\nprint(3)\n```\n"
        ),
        8,
        "ZeroDivisionError: division by zero",
        ["1\n", "2\n", ""],
    ),
    "syntax_of_the_second": (
        (
            f"```python\nprint(1)\n```\n\n{CONT}\n```python\nx = [1\n```\n\n"
            f"{CONT}\n```python\ny = 1\n```\n"
        ),
        7,
        "SyntaxError: '[' was never closed",
        ["", "", ""],
    ),
    "syntax_at_the_end_of_the_first": (
        f"```python\nif 1:\n```\n\n{CONT}\n```python\ny = 1\n```\n",
        2,
        "IndentationError: expected an indented block after 'if' statement on line 2",
        ["", ""],
    ),
    "killed_in_the_second": (
        f"```python\nprint(1)\n```\n\n{CONT}\n```python\nprint(2)\nimport os\nos._exit(1)\n```\n",
        9,
        (
            "Exit: the process ended with status 1 before the end of the chain; "
            "do not call os._exit or the like"
        ),
        ["1\n", "2\n"],
    ),
    "future_in_the_second": (
        f"```python\nx = 1\n```\n\n{CONT}\n```python\nfrom __future__ import annotations\n```\n",
        7,
        "SyntaxError: from __future__ imports must occur at the beginning of the file",
        ["", ""],
    ),
    "helper_of_the_first": (
        f"```python\ndef f(x):\n    return 1 / x\n```\n\n{CONT}\n```python\nf(0)\n```\n",
        3,
        "ZeroDivisionError: division by zero (in docs/helper_of_the_first.md:8)",
        ["", ""],
    ),
    "bad_value": (
        "```python\nx = 1\n```\n\nIs `{python} y`.\n",
        5,
        "NameError: name 'y' is not defined in `y`",
        [""],
    ),
    "value_that_warns": (
        "```python\nimport warnings\n```\n\n`{python} warnings.warn('no')`\n",
        5,
        "UserWarning: no in `warnings.warn('no')`",
        [""],
    ),
    "value_that_exits": (
        "```python\nx = 1\n```\n\nIs `{python} exit(0)`.\n",
        5,
        "SystemExit: 0 in `exit(0)`",
        [""],
    ),
}

CUT = "\n[cut: a chain shows at most 200,000 characters]\n"

# Pages that do not fail, though they try hard: their code, and what the page then shows of what.
FINE = {
    "floods": ("print('x' * 10**6)\nprint('more')", "stdout", "x" * 200_000 + CUT),
    "prints_much_from_a_process": (
        "import subprocess\n\nsubprocess.run(['head', '-c', '1000000', '/dev/zero'])\nNone",
        "stdout",
        "␀" * 200_000 + CUT,
    ),
    "shows_much": ("'x' * 10**6", "display", [("text", f"'{'x' * 199_999}{CUT}")]),
    "leaves_a_thread": (
        (
            "import threading, time\n\n"
            "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nprint('left')"
        ),
        "stdout",
        "left\n",
    ),
    "ends_in_a_session_of_its_own": (
        (
            "import subprocess\n\nsubprocess.run(['setsid', '--fork', 'sleep', '60.125'])\n"
            "print('left')"
        ),
        "stdout",
        "left\n",
    ),
    "waits_for_a_thread": (
        (
            "import threading, time\n\n"
            "def f():\n    time.sleep(0.2)\n    print('done')\n\nthreading.Thread(target=f).start()"
        ),
        "stdout",
        "done\n",
    ),
    "ends_a_process_itself": (
        (
            "import multiprocessing as mp, time\n\np = mp.Process(target=time.sleep, args=(60,))\n"
            "p.start()\np.terminate()\np.join()\nprint(p.exitcode)"
        ),
        "stdout",
        "-15\n",
    ),
    "spawns": (
        (
            "import multiprocessing as mp\n\ndef f(x):\n    return x + 1\n\n"
            "if __name__ == '__main__':\n    with mp.get_context('spawn').Pool(1) as pool:\n"
            "        print(pool.map(f, [1]))"
        ),
        "stdout",
        "[2]\n",
    ),
    "changes_directory": ("import os\n\nos.chdir('/')\nprint(os.getcwd())", "stdout", "/\n"),
    "reads_nothing": ("import os\n\nprint(os.read(0, 9))", "stdout", "b''\n"),
    "prints_html": ("print('<b>&amp;</b>')", "stdout", "<b>&amp;</b>\n"),
    "prints_colours": ("print('\\x1b[31mred\\x1b[0m \\x1b]0;title\\x07')", "stdout", "red \n"),
    "prints_progress": ("print('10 %\\r50 %\\rdone')", "stdout", "done\n"),
    "prints_controls": ("print('a\\x00\\x07\\x08\\x7f\\tb')", "stdout", "a␀␇␈␡\tb\n"),
    "prints_addresses": ("print(object())", "stdout", "<object object>\n"),
    "prints_surrogates": ("print('\\ud800x')", "stdout", "?x\n"),
    "shows_surrogates": (
        "class R:\n    __repr__ = lambda self: '\\ud800'\n\n\nR()",
        "display",
        [("text", "?")],
    ),
    "forks_politely": (
        "import os\n\nif os.fork() == 0:\n    os._exit(0)\nstatus = os.wait()\nprint('once')",
        "stdout",
        "once\n",
    ),
    "closes_stdout_at_the_end": ("import sys\n\nprint(1)\nsys.stdout.close()", "stdout", "1\n"),
    "hides_its_last_line": ("(\n    1\n);  # hidden", "display", []),
    "shows_nothing_of_none": ("None", "display", []),
    "shows_its_last_line": ("x = [1]; x", "display", [("text", "[1]")]),
    "raises_as_said": (
        "#| raises: ZeroDivisionError\nprint('a')\n1 / 0",
        "exception",
        "ZeroDivisionError: division by zero",
    ),
    "raises_by_full_name": (
        "#| raises: json.decoder.JSONDecodeError\nimport json\n\njson.loads('')",
        "exception",
        "JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
    ),
    "raises_system_exit": (
        "#| raises: SystemExit\nimport sys\n\nsys.exit()",
        "exception",
        "SystemExit",
    ),
    "raises_memory_error": (
        "#| raises: MemoryError\nkept = []\nwhile True:\n    kept.append([0] * 9)",
        "exception",
        "MemoryError",
    ),
    "may_warn": (
        "#| warning: true\nimport warnings\n\nfor _ in range(2):\n    warnings.warn('careful')",
        "stderr",
        "<snippets>:4: UserWarning: careful\n  warnings.warn('careful')\n" * 2,
    ),
    "may_warn_when_compiled": (
        "#| warning: true\nx = 1\ny = x is 1",
        "stderr",
        '<snippets>:2: SyntaxWarning: "is" with a literal. Did you mean "=="?\n  y = x is 1\n',
    ),
}


def fence(code: str) -> str:
    return f"```python\n{code}\n```\n"


class Built(NamedTuple):
    root: Path
    status: int
    stdout: str
    stderr: str

    def told(self, name: str) -> list[str]:
        """The lines that name a page."""
        return [line for line in self.stderr.split("\n") if line.startswith(f"docs/{name}.md:")]


def run(root: Path, *arguments: str) -> Built:
    done = subprocess.run(
        [*COMMAND, "-C", str(root), "run", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        input="typed\n",
        env={**os.environ, "COLUMNS": "80"},
    )
    return Built(root, done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Built:
    root = tmp_path_factory.mktemp("faults") / "site"
    shutil.copytree(MINISITE, root)
    (root / "snippets" / "divide.py").write_text("y = 1\nx = y / x\n", encoding="utf-8")
    (root / "broken.py").write_text("x = 1\ny = (\n", encoding="utf-8")
    pages = {name: fence(fault.code) for name, fault in FAULTS.items()}
    pages |= {name: text for name, (text, *_) in PAGES.items()}
    pages |= {name: fence(code) for name, (code, *_) in FINE.items()}
    for name, text in pages.items():
        (root / "docs" / f"{name}.md").write_text(text, encoding="utf-8")
    return run(root)


@pytest.fixture(scope="module")
def again(built):
    """What a second build ran, which finds all that did not fail in the store."""
    return build(read_settings(built.root))


@pytest.fixture(scope="module")
def outcomes(again):
    """By page: the outcome of its one chain."""
    return {name.partition(".md--")[0]: outcome for name, outcome in again.site.results.items()}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_line_with_the_line_of_the_page(built, name):
    fault = FAULTS[name]
    told = fault.told.replace("ROOT", str(built.root))
    assert built.told(name) == [f"docs/{name}.md:{fault.line}: {told}"]


@pytest.mark.parametrize("name", PAGES)
def test_a_fault_of_a_page_is_one_line(built, name):
    _, line, told, _ = PAGES[name]
    assert built.told(name) == [f"docs/{name}.md:{line}: {told}"]


def test_the_lines_around_stand_below(built):
    expected = textwrap.dedent("""\
        docs/raises.md:4: ZeroDivisionError: division by zero
              2 print('so far')
              3
        >     4 1 / 0
              5 ```
        """)
    assert expected in built.stderr
    assert "ValueError: one\ntwo\n      1 ```python\n>     2 raise" in built.stderr


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("raises_in_a_process", "ZeroDivisionError: integer division or modulo by zero"),
        ("spawns_without_a_guard", "if __name__ == '__main__':"),
    ],
)
def test_a_process_says_why_it_ended(outcomes, name, word):
    (failure,) = outcomes[name].failures
    assert word in failure.message


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.printed])
def test_what_was_printed_until_then_is_kept(outcomes, name):
    assert outcomes[name].result.outputs[0].stdout == FAULTS[name].printed


@pytest.mark.parametrize("name", PAGES)
def test_each_snippet_keeps_what_it_printed(outcomes, name):
    assert [output.stdout for output in outcomes[name].result.outputs] == PAGES[name][3]


@pytest.mark.parametrize("name", FINE)
def test_other_chains_go_on(built, outcomes, name):
    assert built.told(name) == []
    _, what, expected = FINE[name]
    assert outcomes[name].ok
    assert getattr(outcomes[name].result.outputs[0], what) == expected


def test_the_build_ends_with_status_1_and_counts(built):
    failing = len(FAULTS) + len(PAGES)
    chains = failing + len(FINE) + 4
    assert built.status == 1
    assert built.stdout == f"{chains} of {chains} chains run, {failing} failures\n"
    # Of the engine's own; what a child of a chain writes to standard error is shown.
    assert "dlfaq/" not in built.stderr


def test_nothing_of_a_failure_is_stored_so_it_runs_again(again):
    assert again.ran == len(FAULTS) + len(PAGES)
    assert len(again.failures) == again.ran


def test_a_build_remembers_no_failure(built, again):
    assert again.failures
    assert not (built.root / ".dlfaq" / "last").exists()


def test_nothing_is_left_behind(built, again):
    commands = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    left = re.findall(r"^(?:sleep 6[01]\.125|yes)$", commands.stdout, re.MULTILINE)
    assert left == []


def test_two_builds_at_once_share_one_store(tmp_path):
    root = tmp_path / "site"
    shutil.copytree(MINISITE, root)
    command = [*COMMAND, "-C", str(root), "run"]
    at_once = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=60)[0] for process in at_once] == [
        "4 of 4 chains run, 0 failures\n"
    ] * 2
    assert run(root).stdout == "0 of 4 chains run, 0 failures\n"
    assert list(root.glob(".dlfaq/*/.*.part")) == []


BUSY = {
    "holds_the_gil": "import re\n\nNOTE\nre.match('(a+)+$', 'a' * 60 + 'b')",
    "waits_for_a_process": (
        "import subprocess\n\nprocess = subprocess.Popen(['sleep', '63.125'])\nNOTE\nprocess.wait()"
    ),
    "waits_for_a_copy": (
        "import os, time\n\nif os.fork() == 0:\n    time.sleep(60)\nNOTE\nos.wait()"
    ),
}


def test_a_build_that_is_killed_leaves_no_process_and_a_whole_store(tmp_path):
    root = tmp_path / "site"
    shutil.copytree(MINISITE, root)
    for name, code in BUSY.items():
        note = (
            f"import os\nfrom pathlib import Path\n\n"
            f"Path('{tmp_path}/{name}.new').write_text(f'{{os.getpid()}} {{os.getppid()}}')\n"
            f"Path('{tmp_path}/{name}.new').rename('{tmp_path}/{name}')"
        )
        (root / "docs" / f"{name}.md").write_text(fence(code.replace("NOTE", note)), "utf-8")
    process = subprocess.Popen([*COMMAND, "-C", str(root), "run", "--jobs", "3"])
    deadline = time.monotonic() + 60
    while not all((tmp_path / name).exists() for name in BUSY):
        assert time.monotonic() < deadline, "the chains do not start"
        time.sleep(0.05)
    leaders = {int(pid) for name in BUSY for pid in (tmp_path / name).read_text().split()}
    groups = [pid for pid in alive() if os.getpgid(pid) in leaders or pid in leaders]
    assert len(groups) >= 6  # three chains, a subprocess, a copy, the server
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 5
    while (left := [pid for pid in groups if pid in alive()]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []
    for name in BUSY:
        (root / "docs" / f"{name}.md").unlink()
    after = run(root)
    assert (after.status, after.stderr) == (0, "")


def alive() -> set[int]:
    """Every process that is not a zombie."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            found.add(int(folder.name))
    return found
