"""A chain changes nothing of the site that it is part of, and says so at its line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dlfaq.execution.build import build
from dlfaq.pages.config import read_settings

MINISITE = Path(__file__).parent.parent / "minisite"

START = (
    "import os\nimport shutil\nimport sys\nfrom pathlib import Path\n\nroot = Path(sys.path[0])\n"
)


@pytest.fixture
def site(tmp_path):
    shutil.copytree(MINISITE, tmp_path / "site")
    return tmp_path / "site"


def files(root: Path) -> dict[str, bytes]:
    """Every file of the site but for results and what Python keeps."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not {".dlfaq", "__pycache__"} & set(path.parts)
    }


def run(root: Path, code: str) -> list[str]:
    """The failures of a build with one more page, whose last line is the code."""
    page = root / "docs" / "writes.md"
    page.write_text(f"```python\n{START}{code}\n```\n", encoding="utf-8")
    report = build(read_settings(root), only="writes.md", jobs=1)
    return [failure.split("\n")[0] for failure in report.failures]


SAID = (
    "expected a chain to change nothing of the site; got {}; write to the working directory, "
    "which is a temporary folder"
)

IN_A_FORK = (
    "import multiprocessing as mp; p = mp.Process(target=os.remove, "
    "args=(root / 'data.txt',)); p.start(); p.join()"
)

FORBIDDEN = {
    "writes a page": ("(root / 'docs/new.md').write_text('new')", "docs/new.md"),
    "rewrites itself": ("open(root / 'docs/writes.md', 'w')", "docs/writes.md"),
    "appends to a module": ("open(root / 'lab.py', 'a')", "lab.py"),
    "opens to read and write": ("open(root / 'data.txt', 'r+')", "data.txt"),
    "deletes a file": ("(root / 'data.txt').unlink()", "data.txt"),
    "deletes all pages": ("shutil.rmtree(root / 'docs')", "docs"),
    "deletes from within": (
        "os.remove('data.txt', dir_fd=os.open(root, os.O_RDONLY))",
        "data.txt",
    ),
    "deletes by a path from where it is": ("os.chdir(root); os.remove('data.txt')", "data.txt"),
    "moves a file away": ("(root / 'lab.py').rename('lab.py')", "lab.py"),
    "puts a file in place": (
        "Path('new').touch(); os.replace('new', root / 'data.txt')",
        "data.txt",
    ),
    "makes a folder": ("(root / 'docs/more').mkdir()", "docs/more"),
    "links": ("(root / 'docs/link.md').symlink_to('index.md')", "docs/link.md"),
    "cuts a file": ("os.truncate(root / 'lab.py', 3)", "lab.py"),
    "changes who may read": ("(root / 'lab.py').chmod(0)", "lab.py"),
    "sets a time": ("os.utime(root / 'lab.py', (1, 1))", "lab.py"),
    "writes a result": ("(root / '.dlfaq/results/forged').touch()", ".dlfaq/results/forged"),
    "publishes": ("(root / 'site/new.html').touch()", "site/new.html"),
    "writes in a process that it forks": (IN_A_FORK, None),
}


@pytest.mark.parametrize("case", FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_chain_cannot_change_the_site(site, case):
    code, name = case
    (site / "site").mkdir()
    (site / ".dlfaq" / "results").mkdir(parents=True)
    before = files(site)
    told = run(site, code)
    after = files(site)
    assert after.pop("docs/writes.md").decode().endswith(f"{code}\n```\n")
    assert after == before
    assert list((site / ".dlfaq" / "results").iterdir()) == []
    place = "docs/writes.md:8: "
    if name is None:
        assert told[0].startswith(f"{place}ChildProcessError: ")
    else:
        assert told == [f"{place}PermissionError: {SAID.format(name)}"]


@pytest.mark.parametrize(
    "code",
    [
        "Path('mine.txt').write_text('here')",
        "import tempfile; tempfile.NamedTemporaryFile('w').close()",
        "(root / '.cache').mkdir(); (root / '.cache/kept').touch()",
        "(root / 'named').mkdir(); (root / 'named/kept').touch()",
        "import lab",  # Python keeps it compiled beside it
        "(root.parent / 'outside').touch()",
        "(root / 'data.txt').open('rb').close()",
    ],
)
def test_a_chain_may_write_to_its_folder_to_caches_and_elsewhere(site, monkeypatch, code):
    monkeypatch.setenv("XDG_CACHE_HOME", str(site / "named"))
    assert run(site, code) == []
