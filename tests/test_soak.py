"""`make test` runs a small share of the long tests, the same each time; `make soak` all of it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TESTS = """\
import pytest
from hypothesis import given, settings, strategies

tried = []


@pytest.mark.soak
def test_of_the_night():
    pass


def test_of_both(count):
    @settings(max_examples=count(5, soak=40))
    @given(strategies.integers())
    def holds(number):
        tried.append(number)

    holds()
    print("tried", len(tried), "sum", sum(tried))
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """What three runs of two tests printed: two shares and a soak."""
    folder = tmp_path_factory.mktemp("soak")
    (folder / "tests").mkdir()
    for name in ("conftest.py", "pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "tests" / "test_two.py").write_text(TESTS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", "tests"]

    def run(*options: str) -> str:
        done = subprocess.run(
            [*command, *options], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return [run(), run(), run("--soak")]


def test_a_long_test_is_left_out_and_counted(runs):
    assert "1 passed, 1 deselected" in runs[0]
    assert "2 passed" in runs[2]


def test_a_share_is_the_same_each_time_and_a_soak_takes_the_full_count(runs):
    share, again, soak = (re.findall(r"tried (\d+) sum (-?\d+)", text) for text in runs)
    assert share == again
    assert (share[0][0], soak[0][0]) == ("5", "40")
