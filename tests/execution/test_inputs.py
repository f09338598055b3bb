"""Whatever a chain asks of its surroundings, it runs again when the answer changes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from dlfaq.execution.build import build
from dlfaq.pages.config import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIG = """\
site_name: Mini
markdown_extensions:
  - dlfaq.site.markdown_extension:
      preload: []
"""

ROOT = "import os, sys\nfrom pathlib import Path\nroot = Path(sys.path[0])\n"


class Case(NamedTuple):
    """What a chain asks, what is changed then, and the two answers."""

    code: str
    change: Callable[[Path], object]
    answers: tuple[str, str]


def write(name: str, text: str = "b\n"):
    """A change: this file has this text."""

    def change(root: Path) -> None:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")

    return change


def insert(root: Path) -> None:
    with sqlite3.connect(root / "rows.db") as database:
        database.execute("insert into rows values (1)")
    database.close()


def link(target: str):
    """A change: this is where the link leads."""

    def change(root: Path) -> None:
        (root / "link").unlink(missing_ok=True)
        (root / "link").symlink_to(target)

    return change


def in_disguise(root: Path) -> None:
    """Another text of the same size, and the time of the file set back."""
    file = root / "data/a.csv"
    before = file.stat()
    file.write_text("b\n", encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


CASES = {
    "lists a folder": Case(
        "print(sorted(os.listdir(root / 'data')))",
        write("data/b.csv"),
        ("['a.csv']", "['a.csv', 'b.csv']"),
    ),
    "lists by a pattern": Case(
        "print(sorted(p.name for p in (root / 'data').glob('*.csv')))",
        write("data/b.csv"),
        ("['a.csv']", "['a.csv', 'b.csv']"),
    ),
    "walks": Case(
        "print(sum(len(files) for _, _, files in os.walk(root / 'data')))",
        write("data/b.csv"),
        ("1", "2"),
    ),
    "asks whether a file is there": Case(
        "print((root / 'new.txt').exists(), os.path.isfile(root / 'new.txt'))",
        write("new.txt"),
        ("False False", "True True"),
    ),
    "asks whether a file can be read": Case(
        "print(os.access(root / 'new.txt', os.R_OK))", write("new.txt"), ("False", "True")
    ),
    "asks whether a folder is there": Case(
        "print((root / 'more').is_dir())", write("more/a.txt"), ("False", "True")
    ),
    "asks for a size": Case(
        "print((root / 'data/a.csv').stat().st_size)", write("data/a.csv", "aaaa\n"), ("2", "5")
    ),
    "asks an entry of a folder for its size": Case(
        "print([entry.stat().st_size for entry in os.scandir(root / 'data')])",
        write("data/a.csv", "aaaa\n"),
        ("[2]", "[5]"),
    ),
    "reads a file whose time was set back": Case(
        "print((root / 'data/a.csv').read_text().strip())", in_disguise, ("a", "b")
    ),
    "asks where a link leads": Case(
        "print(os.readlink(root / 'link'))", link("kit/same.csv"), ("data/a.csv", "kit/same.csv")
    ),
    "asks where a path leads": Case(
        "print((root / 'link').resolve().name)", link("kit/same.csv"), ("a.csv", "same.csv")
    ),
    "asks whether a file is a program": Case(
        "print(os.stat(root / 'data/a.csv').st_mode & 0o100 > 0)",
        lambda root: (root / "data/a.csv").chmod(0o755),
        ("False", "True"),
    ),
    "starts a program that reads": Case(
        "import subprocess\nprint(subprocess.run(['cat', root / 'data/a.csv'],"
        " capture_output=True, text=True, check=True).stdout.strip())",
        write("data/a.csv"),
        ("a", "b"),
    ),
    "starts a shell that reads": Case(
        "os.system(f'cat {root}/data/a.csv')", write("data/a.csv"), ("a", "b")
    ),
    "reads a database": Case(
        "import sqlite3\nfrom contextlib import closing\n"
        "with closing(sqlite3.connect(root / 'rows.db')) as rows:\n"
        "    print(rows.execute('select count(*) from rows').fetchone()[0])",
        insert,
        ("0", "1"),
    ),
    "maps a file into memory": Case(
        "import mmap\nwith open(root / 'data/a.csv') as f:\n"
        "    with mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:\n"
        "        print(m[:1].decode())",
        write("data/a.csv"),
        ("a", "b"),
    ),
    "tries a module that is not there": Case(
        "try:\n    import helper\n    print(helper.x)\nexcept ImportError:\n    print('none')",
        write("helper.py", "x = 1\n"),
        ("none", "1"),
    ),
    "tries a module of a package": Case(
        "try:\n    from kit.more import x\n    print(x)\nexcept ImportError:\n    print('none')",
        write("kit/more.py", "x = 1\n"),
        ("none", "1"),
    ),
    "reads in a process of its own": Case(
        "from multiprocessing import Pool\nwith Pool(1) as pool:\n"
        "    print(pool.map(Path.read_text, [root / 'data/a.csv'])[0].strip())",
        write("data/a.csv"),
        ("a", "b"),
    ),
    "reads next to the site": Case(
        "sys.path.append(str(root.parent / 'src'))\nimport library\nprint(library.x)",
        write("../src/library.py", "x = 'bb'\n"),
        ("a", "bb"),
    ),
}


@pytest.fixture
def site(tmp_path):
    root = tmp_path / "site"
    for name, text in {
        "mkdocs.yml": CONFIG,
        "data/a.csv": "a\n",
        "kit/__init__.py": "",
        "kit/same.csv": "a\n",
        "../src/library.py": "x = 'a'\n",
        "docs/other.md": "Prose\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    with sqlite3.connect(root / "rows.db") as database:
        database.execute("create table rows (x)")
    database.close()
    link("data/a.csv")(root)
    return root


def asks(root: Path, code: str) -> None:
    """Give the site one page with this code."""
    page = f"```python\n{ROOT}{code}\n```\n"
    (root / "docs" / "index.md").write_text(page, encoding="utf-8")


def printed(root: Path, *, runs: int) -> str:
    """What the page prints after a build that runs so many chains."""
    report = build(read_settings(root), jobs=1)
    assert report.failures == []
    assert report.ran == runs
    return report.site.results["index.md--0"].result.outputs[0].stdout.strip()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_a_chain_asks_of_the_site_is_asked_again_when_it_changed(site, case):
    asks(site, case.code)
    assert printed(site, runs=1) == case.answers[0]
    assert printed(site, runs=0) == case.answers[0]
    case.change(site)
    assert printed(site, runs=1) == case.answers[1]


@pytest.mark.parametrize(
    "code",
    [
        "print(os.environ.get('SHADE', 'none'))",
        "print(os.getenv('SHADE') or 'none')",
        "print(os.environ['SHADE'] if 'SHADE' in os.environ else 'none')",
    ],
)
def test_a_variable_that_is_read_counts_there_or_not(site, monkeypatch, code):
    monkeypatch.delenv("SHADE", raising=False)
    asks(site, code)
    assert printed(site, runs=1) == "none"
    monkeypatch.setenv("OTHER", "1")
    assert printed(site, runs=0) == "none"
    for shade in ("red", "blue"):
        monkeypatch.setenv("SHADE", shade)
        assert printed(site, runs=1) == shade


def test_a_program_sees_a_fixed_environment_and_what_is_passed_on(site, monkeypatch):
    asks(site, "import subprocess\nprint(subprocess.check_output(['env'], text=True))")
    monkeypatch.setenv("HF_HOME", "one")
    monkeypatch.setenv("SHADE", "red")
    seen = dict(line.split("=", 1) for line in printed(site, runs=1).split("\n"))
    assert "SHADE" not in seen
    assert seen["HF_HOME"] == "one"
    assert seen["TZ"] == "UTC"
    monkeypatch.setenv("HF_HOME", "two")
    assert "HF_HOME=two" in printed(site, runs=1)


def test_a_terminal_has_no_say(site, monkeypatch):
    asks(
        site, "import shutil\nprint(os.environ.get('COLUMNS'), shutil.get_terminal_size().columns)"
    )
    monkeypatch.setenv("COLUMNS", "33")
    assert printed(site, runs=1) == "None 80"
    monkeypatch.setenv("COLUMNS", "44")
    assert printed(site, runs=0) == "None 80"


def test_what_a_chain_sets_and_deletes_is_what_it_then_reads(site, monkeypatch):
    monkeypatch.setenv("SHADE", "red")
    asks(
        site,
        "import subprocess\nos.environ['SHADE'] = 'blue'\n"
        "print(subprocess.check_output(['printenv', 'SHADE'], text=True).strip())\n"
        "del os.environ['SHADE']\nprint(os.environ.get('SHADE'))\n"
        "print(os.environ.pop('SHADE', 'gone'))",
    )
    assert printed(site, runs=1).split() == ["blue", "None", "gone"]


def test_a_program_that_only_tells_of_the_machine_ties_a_chain_to_no_file(site):
    asks(site, "import platform\nplatform.processor()\nprint(1)")
    assert printed(site, runs=1) == "1"
    write("docs/other.md")(site)
    assert printed(site, runs=0) == "1"


def test_values_are_evaluated_in_the_order_of_the_page(site):
    page = site / "docs" / "index.md"
    text = "```python\nx = iter([1, 2])\n```\n\n`{python} next(x)` a `{python} next(x) + 0` b\n"
    page.write_text(text, encoding="utf-8")
    assert build(read_settings(site)).site.results["index.md--0"].result.values == {
        "next(x)": "1",
        "next(x) + 0": "2",
    }
    page.write_text(
        text.replace("next(x)` a `{python} next(x) + 0", "next(x) + 0` a `{python} next(x)"),
        encoding="utf-8",
    )
    assert build(read_settings(site)).site.results["index.md--0"].result.values == {
        "next(x) + 0": "1",
        "next(x)": "2",
    }


def test_a_setting_of_the_users_own_draws_nothing_otherwise(site, tmp_path, monkeypatch):
    home = tmp_path / "config"
    (home / "matplotlib").mkdir(parents=True)
    for folder in (home / "matplotlib", site):
        (folder / "matplotlibrc").write_text("lines.linewidth: 9\n", encoding="utf-8")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    asks(site, "import matplotlib as mpl\nprint(mpl.rcParams['lines.linewidth'])")
    code = "from dlfaq.execution.build import build\nfrom dlfaq.pages.config import read_settings\n"
    code += "print(build(read_settings('.')).site.results['index.md--0'].result.outputs[0].stdout)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=site,
        env={**os.environ},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "1.5"


def test_what_a_build_brings_forth_is_no_change_of_the_folder(site):
    asks(site, "print(len([name for name in os.listdir(root) if name == 'kit']))")
    assert printed(site, runs=1) == "1"
    (site / "site").mkdir()
    assert (site / ".dlfaq").is_dir()
    assert printed(site, runs=0) == "1"


def test_threads_that_read_at_once_hide_nothing_from_one_another(site):
    for n in range(400):
        write(f"data/{n}.txt")(site)
    asks(
        site,
        "import threading\ndef read(k):\n    for n in range(k, 400, 8):\n"
        "        (root / f'data/{n}.txt').read_text()\n\n\n"
        "threads = [threading.Thread(target=read, args=(k,)) for k in range(8)]\n"
        "sys.setswitchinterval(1e-6)\n"
        "for thread in threads:\n    thread.start()\n"
        "for thread in threads:\n    thread.join()",
    )
    report = build(read_settings(site), jobs=1)
    assert report.failures == []
    inputs = report.site.results["index.md--0"].result.inputs
    assert {f"data/{n}.txt" for n in range(400)} <= inputs.keys()
