"""Whatever happens to the store, or to a build, the next build shows what a first one shows.

Each fault is done to a real build of a small site, whose chains load nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlfaq.errors import InputError
from dlfaq.execution.build import build
from dlfaq.execution.output import Output
from dlfaq.execution.result import Result
from dlfaq.execution.store import Store
from dlfaq.pages.config import read_settings
from dlfaq.protocol import Claim
from dlfaq.site.claim.card import card

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONFIG = """\
site_name: Small
theme: mkdocs
plugins: [dlfaq]
markdown_extensions:
  - pymdownx.superfences
  - dlfaq.site.markdown_extension: {preload: [], memory_gib: 0.5}
"""

READS = """\
import sys
from pathlib import Path

print(Path(sys.path[0], "data.txt").read_text())
"""

FILES = {
    "mkdocs.yml": CONFIG,
    "data.txt": "data",
    "docs/index.md": "```python\nx = 3\nprint('é')\n```\n\nIt is `{python} x`.\n",
    "docs/reads.md": f"```python\n{READS}```\n",
    "docs/two.md": "```python\n1 + 1\n```\n\n```python\n#| raises: KeyError\n{}[1]\n```\n",
}
CHAINS = 4
COMMAND = [sys.executable, "-c", "import sys; from dlfaq.cli.main import main; sys.exit(main())"]


def new_site(root: Path) -> Path:
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def shown(root: Path) -> dict[str, dict]:
    """What each chain gives in a build in which nothing fails, but for time and memory."""
    report = build(read_settings(root), jobs=1)
    assert report.failures == []
    found = {name: outcome.result.to_json() for name, outcome in report.site.results.items()}
    for data in found.values():
        for name in ("elapsed_s", "cpu_s", "peak_bytes", "finished"):
            del data[name]
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The small site with all its results, and what they are; tests work on copies."""
    root = new_site(tmp_path_factory.mktemp("built") / "site")
    expected = shown(root)
    assert len(expected) == CHAINS
    return root, expected


@pytest.fixture
def site(built, tmp_path):
    shutil.copytree(built[0], tmp_path / "site")
    return tmp_path / "site"


def flipped(data: bytes, n: int) -> bytes:
    at, bit = n // 8 % len(data), n % 8
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


# What is made of an entry: of its bytes, those of another entry, and a number to choose by.
DAMAGE = {
    "cut": lambda data, _, n: data[: n % len(data)],
    "a bit flipped": lambda data, _, n: flipped(data, n),
    "lengthened": lambda data, _, n: data + bytes([n % 256]),
    "another's": lambda _, other, __: other,
    "half another's": lambda data, other, n: data[: n % len(data)] + other[n % len(data) :],
    "of nothing": lambda *_: b"",
    "of zeros": lambda data, *_: bytes(len(data)),
    "gone": lambda *_: None,
}
WOUNDS = st.tuples(
    st.integers(0, 2 * CHAINS - 1), st.sampled_from(sorted(DAMAGE)), st.integers(0, 10**5)
)


def test_no_damage_of_the_store_is_ever_shown(built, tmp_path, count):
    pristine, expected = built
    root = tmp_path / "site"

    @settings(max_examples=count(15, soak=1000), suppress_health_check=list(HealthCheck))
    @given(st.lists(WOUNDS, min_size=1, max_size=6))
    def heals(wounds: list[tuple[int, str, int]]) -> None:
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(pristine, root)
        entries = sorted((root / ".dlfaq").glob("*/*"))
        for which, how, n in wounds:
            file, other = entries[which], entries[(which + n) % len(entries)]
            if file.exists() and other.exists() and file.stat().st_size:
                data = DAMAGE[how](file.read_bytes(), other.read_bytes(), n)
                file.unlink() if data is None else file.write_bytes(data)
        assert shown(root) == expected
        assert build(read_settings(root)).ran == 0

    heals()


CLAIM = Claim(
    "It rises by {}", "effect", "mean", "at_least", 0.1, math.inf, 0.2, (0.1, 0.3), 0.05, 0.01, 0.1,
    (1, 2), "points", "rises", True, "never", ("a", "b"), (2, 0, 0), 3,
)  # fmt: skip
RESULT = Result(
    [Output("out", "err", [("text", "1")], [{"wide": "<svg/>"}], "E: no")],
    values={"x": "1"},
    claims=[CLAIM],
    finished="2026-01-02",
    environment={"python": "3"},
    inputs={"lab.py": "absent"},
    distributions={"of-no-such-name": "absent"},
)
OTHERS = (None, True, -1, 10**400, 1.5, "", "x", "\ud800", [], ["x"], {}, {"x": "y"}, [[]])


def places(data, path=()) -> Iterator[tuple]:
    """Where in JSON something stands, as the keys that lead there."""
    yield path
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from places(value, (*path, key))


def replaced(data, path: tuple, value):
    if not path:
        return value
    copied = data.copy()
    copied[path[0]] = replaced(data[path[0]], path[1:], value)
    return copied


def test_a_whole_entry_that_no_chain_gave_is_a_miss_or_can_be_shown(site):
    # As another version might have stored it, or a hand: its checksum is right.
    store = Store(read_settings(site))
    before = set((store.folder / "results").iterdir())
    store.put("key", RESULT)
    assert store.get("key", 1) == RESULT
    (entry,) = set((store.folder / "results").iterdir()) - before
    record = json.loads(entry.read_bytes().partition(b"\n")[2])
    misses, taken = 0, []
    for path in places(record):
        for other in OTHERS:
            body = json.dumps(replaced(record, path, other)).encode()
            entry.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
            found = store.get("key", 1)
            misses += found is None
            taken += [] if found is None else [found]
    for result in taken:
        date.fromisoformat(result.finished)
        output = result.outputs[0]
        svg = [figure["wide"] for figure in output.figures]
        "".join([output.stdout, output.stderr, *svg, *result.values.values()]).encode()
        for claim in result.claims:
            card(claim, anchor="a").encode()
            assert claim.verdict in {"holds", "refuted", "inconclusive"}
    assert 50 < len(taken) < misses / 3


KILLED = """\
import os, signal, sys, threading
from dlfaq.cli.main import main
threading.Timer(float(sys.argv[1]), os.kill, (os.getpid(), signal.SIGKILL)).start()
main(["-C", sys.argv[2], "run", "--fresh"])
"""


def test_builds_that_are_killed_leave_no_rubbish_and_no_half_result(built, tmp_path, count):
    _, expected = built
    root, folder = new_site(tmp_path / "site"), tmp_path / "tmp"
    folder.mkdir()
    environment = {**os.environ, "TMPDIR": str(folder)}
    left = []
    random_ = random.Random(1)
    kills, most = count(4, soak=50), 200
    while kills > 0 or (not left and most > 0):  # a slow machine has begun nothing after a second
        kills, most = kills - 1, most - 1
        # From the start of Python to the end of the last chain.
        command = [sys.executable, "-c", KILLED, str(random_.uniform(0.1, 1.5)), str(root)]
        subprocess.run(command, env=environment, check=False, capture_output=True, timeout=60)
        left += list(folder.iterdir())
    subprocess.run([*COMMAND, "-C", str(root), "run"], env=environment, check=True)
    assert left
    assert list(folder.iterdir()) == []
    assert shown(root) == expected
    assert build(read_settings(root)).ran == 0


LEAVES = """\
import subprocess
from pathlib import Path

process = subprocess.Popen(["sleep", "66.125"], start_new_session=True)
Path("{note}.new").write_text(str(process.pid))
Path("{note}.new").rename("{note}")
process.wait()
"""


def test_a_build_that_is_killed_takes_with_it_what_has_left_its_group(tmp_path):
    root, note = new_site(tmp_path / "site"), tmp_path / "note"
    page = f"```python\n{LEAVES.format(note=note)}```\n"
    (root / "docs" / "leaves.md").write_text(page, encoding="utf-8")
    program = subprocess.Popen([*COMMAND, "-C", str(root), "run"])
    wait_until(note.exists)
    program.kill()
    program.wait()
    wait_until(lambda: not running(int(note.read_text())))


def running(pid: int) -> bool:
    try:
        return "sleep" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False


def wait_until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


@contextmanager
def a_full_disk() -> Iterator[None]:
    """From here on this process can write no file of more than 100 bytes."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def test_a_disk_that_is_full_ends_a_build_and_leaves_what_was_there(site, built):
    stored = {file: file.read_bytes() for file in (site / ".dlfaq").glob("*/*")}
    # The server of the chains is up by now, so that the limit is that of the store alone.
    with a_full_disk(), pytest.raises(InputError, match=r"too large; make room .* DLFAQ_STORE"):
        build(read_settings(site), fresh=True, jobs=1)
    assert {file: file.read_bytes() for file in (site / ".dlfaq").glob("*/*")} == stored
    assert shown(site) == built[1]


def test_a_disk_that_is_full_where_chains_run_is_told_of_each(site, built):
    limit = f"import resource; resource.setrlimit({resource.RLIMIT_FSIZE}, (100, 100)); "
    command = [COMMAND[0], "-c", limit + COMMAND[2], "-C", str(site), "run", "--fresh"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == f"{CHAINS} of {CHAINS} chains run, {CHAINS} failures\n"
    told = re.findall(r"^docs/\w+\.md:\d+: NoRoom: (.*)$", done.stderr, re.MULTILINE)
    words = "; make some, or name another folder with TMPDIR"
    assert told == [f"no room for what it writes in {tempfile.gettempdir()}{words}"] * CHAINS
    assert shown(site) == built[1]
    assert build(read_settings(site)).ran == 0


def read_only(folder: Path, command: list[str]) -> list[str]:
    """A command for which a folder cannot be written to: to root no permissions say so."""
    if os.geteuid():
        folder.chmod(0o555)
        return command
    mount = f"mount --bind -o ro '{folder}' '{folder}' && exec \"$@\""
    return ["unshare", "--mount", "sh", "-c", mount, "sh", *command]


def test_a_store_that_cannot_be_written_serves_what_it_has_and_is_told_of_what_it_lacks(site):
    command = read_only(site / ".dlfaq", [*COMMAND, "-C", str(site), "run"])

    def run() -> subprocess.CompletedProcess:
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    (site / "data.txt").write_text("other", encoding="utf-8")
    done = run()
    assert done.returncode == 2
    assert "make room there, or name another with DLFAQ_STORE" in done.stderr
    assert "Traceback" not in done.stderr
