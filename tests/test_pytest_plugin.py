"""The pytest glue: snippets of a tiny site, run by pytest as a project of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

MKDOCS_YML = """\
site_name: Tiny
plugins: [dlfaq]
markdown_extensions:
  - pymdownx.snippets: {base_path: [snippets]}
  - pymdownx.superfences
  - dlfaq.site.markdown_extension:
      preload: []
"""

GOOD = """\
Two chains, the first in two snippets.

```python
value = 1
```

<!--pytest-codeblocks:cont-->
```python
print(value)
```

```python
print("alone")
```
"""

BAD = """\
---
title: Bad
---

Words.
```python
print("before")

# Some lines
# further
# down
# it
# fails.
1 / 0
```

```python
print("fine")
```
"""


GOOD_LAB = """\
# ---
# title: A lab
# ---

# %%
import os

value = os.getpid()

# %% [markdown]
# Words.

# %%
assert value == os.getpid()
print("in the lab")
"""

BAD_LAB = GOOD_LAB.replace('print("in the lab")', "1 / 0")

# Each of two waits for the other to begin.
MEETING = """\
```python
import time
from pathlib import Path

Path("{root}/{mine}").touch()
end = time.monotonic() + 20
while not Path("{root}/{other}").exists():
    assert time.monotonic() < end
    time.sleep(0.01)
```
"""


class Project:
    """A site whose pages pytest collects."""

    def __init__(self, folder: Path, pages: dict[str, str]) -> None:
        self.folder = folder
        (folder / "docs").mkdir()
        (folder / "docs" / "labs").mkdir()
        for name, text in {
            "mkdocs.yml": MKDOCS_YML,
            "conftest.py": 'pytest_plugins = ["dlfaq.pytest_plugin"]\n',
            "pytest.ini": "[pytest]\naddopts = --codeblocks -p no:cacheprovider\n",
            **{f"docs/{page}": text for page, text in pages.items()},
        }.items():
            (folder / name).write_text(text, encoding="utf-8")

    def run(self, *command: str) -> subprocess.CompletedProcess:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DLFAQ_")}
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self.folder,
            env={**kept, "NO_MKDOCS_2_WARNING": "1", "DLFAQ_JOBS": "2", "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def pytest(self, *arguments: str) -> tuple[int, dict[str, int], str]:
        """Exit status, how many of each outcome, and all that was printed."""
        done = self.run("pytest", *arguments)
        counts = re.findall(
            r"(\d+) (passed|failed|deselected|errors?)", done.stdout.splitlines()[-1]
        )
        return done.returncode, {word: int(number) for number, word in counts}, done.stdout

    def stored(self) -> dict[str, int]:
        """The stored results, and when each was written."""
        folder = self.folder / ".dlfaq" / "results"
        return {file.name: file.stat().st_mtime_ns for file in folder.glob("*")}


@pytest.fixture
def project(tmp_path):
    """A function that makes a project of pages."""
    return lambda pages: Project(tmp_path, pages)


UNREADABLE = {
    "option": (
        "```python\n#| colour: red\n1\n```\n",
        "docs/option.md:2: unknown option 'colour'; ",
    ),
    "quoted": (
        "> ```python\n> 1\n> ```\n",
        "docs/quoted.md:1: a fence in a quotation is read differently",
    ),
    "bash": ("```bash\nls\n```\n", "docs/bash.md:1: pytest-codeblocks would run this `bash` fence"),
}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A run over pages that pass, fail, and cannot be read, and over a file that is no page."""
    pages = {f"{name}.md": text for name, (text, _) in UNREADABLE.items()}
    site = Project(tmp_path_factory.mktemp("mixed"), {"good.md": GOOD, "bad.md": BAD, **pages})
    readme = "```python\nassert 1 + 1 == 2\n```\n"
    (site.folder / "README.md").write_text(readme, encoding="utf-8")
    status, counts, output = site.pytest()
    assert status == 1, output
    return site, counts, output


def test_each_chain_is_a_test_and_each_page_is_checked(mixed):
    # Passed: 2 chains and 1 check of good.md, 1 and 1 of bad.md, 1 of README.md. Failed: 1 of
    # bad.md, 3 checks, and the snippets that pytest-codeblocks sees on two of those pages.
    assert mixed[1] == {"passed": 6, "failed": 6}


def test_a_failure_is_told_as_a_build_tells_it(mixed):
    lines = mixed[2].splitlines()
    assert (
        "FAILED docs/bad.md::line 6 - docs/bad.md:14: ZeroDivisionError: division by zero" in lines
    )
    assert ">    14 1 / 0" in lines
    assert "Traceback" not in mixed[2]


@pytest.mark.parametrize("page", UNREADABLE)
def test_a_page_that_cannot_be_read_fails(mixed, page):
    told = UNREADABLE[page][1]
    assert f"FAILED docs/{page}.md::readers agree - {told}" in mixed[2]


def test_only_what_passed_and_is_on_a_page_is_stored(mixed):
    assert len(mixed[0].stored()) == 3


def test_a_build_finds_what_the_tests_ran_and_fresh_runs_it_again(project):
    site = project({"good.md": GOOD, "index.md": "# Home\n"})
    site.pytest()
    stored = site.stored()
    assert len(stored) == 2
    built = site.run("mkdocs", "build", "--strict")
    assert built.returncode == 0, built.stdout
    assert "<samp>alone</samp>" in (site.folder / "site/good/index.html").read_text()
    assert site.stored() == stored
    status, counts, _ = site.pytest("--fresh")
    assert (status, counts) == (0, {"passed": 4})
    assert site.stored().keys() == stored.keys()
    assert all(when > stored[name] for name, when in site.stored().items())


def test_chains_run_side_by_side(project):
    site = project({})
    meeting = site.folder / ".meeting"
    meeting.mkdir()
    for mine, other in (("a", "b"), ("b", "a")):
        text = MEETING.format(root=meeting, mine=mine, other=other)
        (site.folder / "docs" / f"{mine}.md").write_text(text, encoding="utf-8")
    status, counts, output = site.pytest()
    assert (status, counts) == (0, {"passed": 4}), output


@pytest.mark.parametrize(
    ("arguments", "ran", "counts"),
    [
        (["docs/good.md::line 12"], 1, {"passed": 1}),
        (["-k", "readers"], 0, {"passed": 2, "deselected": 4}),
    ],
    ids=["item", "keyword"],
)
def test_only_what_is_selected_runs(project, arguments, ran, counts):
    site = project({"good.md": GOOD, "other.md": GOOD.replace("alone", "other")})
    status, counted, output = site.pytest(*arguments)
    assert (status, counted) == (0, counts), output
    assert len(site.stored()) == ran


@pytest.fixture
def dear(project):
    """A function that runs pages under a budget of 0.5 s a chain, 0.8 a page, 1.2 a lab."""

    def run(pages: dict[str, str]) -> tuple[int, dict[str, int], str]:
        site = project(pages)
        conftest = (site.folder / "conftest.py").read_text(encoding="utf-8")
        limits = "budget.CHAIN_S, budget.PAGE_S, budget.LAB_S = 0.5, 0.8, 1.2; budget.ALLOWANCE = 1"
        text = f"from dlfaq.execution import budget\n\n{conftest}{limits}\n"
        (site.folder / "conftest.py").write_text(text, encoding="utf-8")
        return site.pytest()

    return run


def burn(start: str, seconds: float) -> str:
    """Code that takes seconds of processor time, which the process had none of before."""
    code = (
        "import time\n\nend = time.process_time() + {seconds}\n"
        "while time.process_time() < end:\n    pass\n"
    )
    return start + code.format(seconds=seconds)


def snippet(seconds: float) -> str:
    return burn("```python\n", seconds) + "```\n\n"


def test_a_chain_that_is_dearer_than_its_budget_fails(dear):
    status, counts, output = dear({"dear.md": "Words.\n\n" + snippet(0.6)})
    assert (status, counts) == (1, {"passed": 1, "failed": 1}), output
    told = (
        r"dear.md::line 3 - docs/dear.md:3: this chain took 0.\d s of processor time, at most 0.5"
    )
    assert re.search(told, output)


def test_the_chains_of_a_page_have_a_budget_together(dear):
    pages = {"dear.md": snippet(0.3) + snippet(0.4) + snippet(0.2), "well.md": snippet(0.4)}
    status, counts, output = dear(pages)
    assert (status, counts) == (1, {"passed": 5, "failed": 1}), output
    # Told by the last chain, at the dearest.
    told = r"dear.md::line \d+ - docs/dear.md:9: the chains of this page took [01].\d s .* together"
    assert re.search(told, output)


def test_a_lab_has_a_budget_of_its_own(dear):
    start = "# ---\n# title: A lab\n# ---\n\n# %%\n"
    labs = {"labs/well.py": burn(start, 0.9), "labs/dear.py": burn(start, 1.3)}
    status, counts, output = dear(labs)
    assert (status, counts) == (1, {"passed": 3, "failed": 1}), output
    assert re.search(r"docs/labs/dear.py:5: this chain took 1.\d s", output)


def test_a_lab_is_a_test_like_a_chain_of_a_page(project):
    unreadable = GOOD_LAB.replace("# Words", "Words")
    magic = GOOD_LAB.replace("import os", "# %time\nimport os")
    labs = {"good": GOOD_LAB, "bad": BAD_LAB, "unreadable": unreadable, "magic": magic}
    site = project({f"labs/{name}.py": text for name, text in labs.items()})
    status, counts, output = site.pytest()
    # Passed: check and run of good.py, check of bad.py, run of magic.py.
    assert (status, counts) == (1, {"passed": 4, "failed": 3}), output
    for told in (
        "bad.py::line 5 - docs/labs/bad.py:15: ZeroDivisionError: division by zero",
        "unreadable.py::readers agree - docs/labs/unreadable.py:11: a line of a cell of text",
        "magic.py::readers agree - docs/labs/magic.py:5: jupytext reads another cell here",
    ):
        assert f"FAILED docs/labs/{told}" in output
    assert len(site.stored()) == 2


def test_a_build_finds_what_the_test_of_a_lab_ran(project):
    site = project({"labs/good.py": GOOD_LAB, "index.md": "# Home\n"})
    assert site.pytest()[:2] == (0, {"passed": 3})
    stored = site.stored()
    assert len(stored) == 1
    (site.folder / "again.py").write_text("import dlfaq.cli.main\n\ndlfaq.cli.main.main(['run'])\n")
    ran = site.run("again")
    assert ran.stdout == "0 of 1 chains run, 0 failures\n", ran.stdout
    assert site.stored() == stored


@pytest.mark.parametrize(
    ("argument", "counts"),
    [("docs/labs/test_it.py", {"passed": 2}), ("docs/labs/test_it.py::line 5", {"passed": 1})],
    ids=["file", "item"],
)
def test_a_lab_that_is_named_is_not_imported_as_a_module_of_tests(project, argument, counts):
    site = project({"labs/test_it.py": GOOD_LAB + "\ndef test_never():\n    1 / 0\n"})
    status, counted, output = site.pytest(argument)
    assert (status, counted) == (0, counts), output
