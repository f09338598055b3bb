"""The set-up of the Makefile, with a Python that only writes down what it is asked to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INSTALL = [
    "pip install --require-hashes --requirement requirements.lock",
    "pip install --no-deps --no-build-isolation --editable .",
]
BENCHES = ["bench/replicas.py", "bench/engine"]

# `-c` is the check of the version, left to a real Python, which `@version` may disguise.
FAKE_PYTHON = """#!/bin/sh
case "$1 $2" in
"-c "*) exec "@python" -c "import sys; @version; $2" ;;
"-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && touch "$3/bin/pip" \\
    && chmod +x "$3/bin/pip" ;;
"-m pip") shift; echo "$*" >> log; test ! -e broken ;;
*) echo "$*" >> log ;;
esac
"""


class Checkout:
    """A folder with a space in its path that holds what the set-up reads."""

    def __init__(self, folder: Path, version: str) -> None:
        self.folder = folder
        folder.mkdir()
        for name in ("Makefile", "pyproject.toml", "requirements.lock"):
            shutil.copy(ROOT / name, folder)
        self.python = folder / "python"
        text = FAKE_PYTHON.replace("@python", sys.executable).replace("@version", version)
        self.python.write_text(text, encoding="utf-8")
        self.python.chmod(0o755)

    def make(self, *words):
        (self.folder / "log").write_text("", encoding="utf-8")
        # Under `make test` this make would take its options from the one that runs the tests.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
        return subprocess.run(
            ["make", *words, f"PYTHON={self.python}"],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def log(self):
        return (self.folder / "log").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path / "a checkout", "sys.version_info = (3, 11, 5)")


def test_a_first_call_says_what_it_does_and_sets_up_and_a_second_does_not(checkout):
    done = checkout.make("bench")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("Setting up .venv from requirements.lock: about")
    assert checkout.log() == [*INSTALL, *BENCHES]
    assert checkout.make("bench").returncode == 0
    assert checkout.log() == BENCHES


@pytest.mark.parametrize("changed", ["requirements.lock", "pyproject.toml"])
def test_a_change_of_what_is_installed_sets_up_again(checkout, changed):
    checkout.make("bench")
    complete = checkout.folder / ".venv" / "complete"
    later = complete.stat().st_mtime + 10
    os.utime(checkout.folder / changed, (later, later))
    checkout.make("bench")
    assert checkout.log() == [*INSTALL, *BENCHES]


def test_a_set_up_that_failed_is_begun_again(checkout):
    (checkout.folder / "broken").touch()
    assert checkout.make("bench").returncode != 0
    assert checkout.log() == INSTALL[:1]
    (checkout.folder / "broken").unlink()
    assert checkout.make("bench").returncode == 0
    assert checkout.log() == [*INSTALL, *BENCHES]


def test_an_old_python_is_refused_with_what_to_do(tmp_path):
    checkout = Checkout(tmp_path / "old", "sys.version_info = (3, 11, 4)")
    done = checkout.make("bench")
    assert done.returncode != 0
    assert "expected Python 3.11.5 or later" in done.stderr
    assert f"got 3.11.4 as {checkout.python}" in done.stderr
    assert "make PYTHON=/path/to/python3.11 bench" in done.stderr
    assert checkout.log() == []


def test_no_python_at_all_is_the_same_error(checkout):
    checkout.python.unlink()
    done = checkout.make("bench")
    assert done.returncode != 0
    assert f"expected Python 3.11.5 or later; got no command '{checkout.python}'" in done.stderr


def test_clean_removes_the_site_and_the_store_and_keeps_the_environment(checkout):
    for name in ("site", ".dlfaq", ".venv"):
        (checkout.folder / name / "inside").mkdir(parents=True)
    assert checkout.make("clean").returncode == 0
    assert not (checkout.folder / "site").exists()
    assert not (checkout.folder / ".dlfaq").exists()
    assert (checkout.folder / ".venv" / "inside").exists()


def test_plain_make_lists_every_target(checkout):
    lines = checkout.make().stdout.splitlines()
    listed = [line.split()[1] for line in lines if line.startswith("make ")]
    assert listed == ["serve", "site", "test", "soak", "bench", "lock", "clean"]


@pytest.mark.parametrize(
    ("target", "last"),
    [
        ("serve", '.venv/bin/mkdocs serve --dev-addr "0.0.0.0:9000"'),
        ("site", ".venv/bin/mkdocs build --strict"),
        ("test", ".venv/bin/pytest"),
        ("soak", ".venv/bin/pytest --soak"),
    ],
)
def test_what_a_target_ends_with(checkout, target, last):
    done = checkout.make("--dry-run", target, "ADDR=0.0.0.0:9000")
    assert done.stdout.splitlines()[-1] == last


def test_what_is_published_is_dated_by_the_last_commit(checkout):
    day = {"GIT_AUTHOR_DATE": "@1700000000 +0100", "GIT_COMMITTER_DATE": "@1700000000 +0100"}
    for words in ("init", "add Makefile", "-c user.name=a -c user.email=a@b commit -m a"):
        subprocess.run(
            ["git", *words.split()], cwd=checkout.folder, env={**os.environ, **day}, check=True
        )
    done = checkout.make("--dry-run", "site")
    last = done.stdout.splitlines()[-1]
    assert last == "SOURCE_DATE_EPOCH=1700000000 .venv/bin/mkdocs build --strict"
