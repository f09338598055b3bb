"""Builds of a whole site: what runs, what is found in the store, what a run depends on."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from dlfaq.errors import InputError
from dlfaq.execution.build import build, run_jobs
from dlfaq.execution.executors import workers
from dlfaq.execution.inputs import file_hash
from dlfaq.execution.job import jobs_of
from dlfaq.execution.site import read_pages, read_site
from dlfaq.pages.config import read_settings

MINISITE = Path(__file__).parent.parent / "minisite"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The tiny site with all its results; tests work on copies."""
    root = tmp_path_factory.mktemp("built") / "site"
    shutil.copytree(MINISITE, root)
    assert build(read_settings(root)).ran == 4
    return root


@pytest.fixture
def site(built, tmp_path):
    shutil.copytree(built, tmp_path / "site")
    return tmp_path / "site"


def ran(root, **options) -> list[str]:
    """The pages whose chains a build ran."""
    settings = read_settings(root)
    before = build_keys(settings)
    report = build(settings, **options)
    assert report.failures == []
    pages = [name.partition(".md")[0] for name in report.site.results if name not in before]
    assert report.ran == len(pages)
    return sorted(pages)


def build_keys(settings) -> set[str]:
    """The chains that a build would find in the store, by name."""
    return set(read_site(settings).results)


def append(file: Path, text: str) -> None:
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")


def swap(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_what_stands_still_is_not_run_again(site):
    assert ran(site) == []


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("lab.py", ["data", "late"]),
        ("late.py", ["late"]),  # imported inside a function, so only a run can tell
        ("data.txt", ["data"]),
        ("snippets/double.py", []),
        ("mkdocs.yml", []),
    ],
)
def test_an_edit_runs_what_depends_on_the_file(site, file, expected):
    append(site / file, "\n" if file != "data.txt" else "3\n")
    assert ran(site) == expected


def test_an_edit_of_a_snippet_included_runs_the_chain(site):
    swap(site / "snippets" / "double.py", "2 * x", "x + x")
    assert ran(site) == ["late"]


def test_a_new_file_where_one_was_missing_runs_what_looked_for_it(site):
    (site / "docs" / "looks.md").write_text(
        "```python\nimport lab\nfrom pathlib import Path\n\ntry:\n"
        "    Path(lab.__file__).with_name('new.txt').read_text()\n"
        "except FileNotFoundError:\n    pass\n```\n",
        encoding="utf-8",
    )
    assert ran(site) == ["looks"]
    assert ran(site) == []
    (site / "new.txt").write_text("1", encoding="utf-8")
    assert ran(site) == ["looks"]


def test_prose_runs_nothing_and_code_its_own_chain(site):
    page = site / "docs" / "index.md"
    swap(page, "Text before", "Much more\n\ntext before")
    assert ran(site) == []
    swap(page, "n = 4", "n = 5")
    assert ran(site) == ["index"]


def test_results_are_right(built):
    outcomes = build(read_settings(built)).site.results
    index, data, late, random = (
        outcomes[name].result
        for name in ("index.md--seven", "data.md--0", "late.md--0", "random.md--0")
    )
    assert [output.stdout for output in index.outputs] == ["n is 4\n", ""]
    assert [output.display for output in index.outputs] == [[], [("text", "7")]]
    assert index.values == {"3 + n": "7", "n + 3": "7"}
    assert data.outputs[0].display == [("text", "3.0")]
    seen = {name: file_hash(built / name) for name in ("data.txt", "lab.py")}
    assert seen.items() <= data.inputs.items()
    assert late.outputs[0].display == [("text", "84")]
    assert "numpy" in data.distributions
    claim = random.claims[0]
    assert (claim.statement, claim.label, claim.line) == ("One equals one", "one", 8)
    assert claim.holds()
    assert set(random.environment) >= {"python", "numpy", "torch", "cpu", "device", "seed_offset"}


def results(root) -> dict[str, bytes]:
    """Every file of a store, but for times, memory and dates."""
    found = {}
    for file in sorted((root / ".dlfaq").rglob("*")):
        if file.is_file():
            data = json.loads(file.read_bytes().partition(b"\n")[2])["data"]
            for name in ("elapsed_s", "cpu_s", "peak_bytes", "finished"):
                data.pop(name, None)
            found[file.relative_to(root).as_posix()] = json.dumps(data)
    return found


def test_two_cold_builds_give_the_same_results(built, tmp_path):
    root = tmp_path / "site"
    shutil.copytree(MINISITE, root)
    build(read_settings(root), jobs=1)
    assert results(root) == results(built)


def test_fresh_runs_everything(site):
    report = build(read_settings(site), fresh=True)
    assert (report.ran, report.ok) == (4, True)


def test_check_runs_everything_compares_and_writes_nothing(site):
    store = {path: path.read_bytes() for path in (site / ".dlfaq").rglob("*") if path.is_file()}
    report = build(read_settings(site), check=True)
    assert (report.ran, report.ok) == (4, True)
    with_random = site / "docs" / "random.md"
    swap(with_random, "np.random.rand()", "np.random.default_rng().random()")
    assert ran(site) == ["random"]
    report = build(read_settings(site), check=True)
    assert (report.ran, report.ok) == (4, False)
    printed = r"docs/random.md:5: Changed: it printed '…?[\d. ]+…?', and now '…?[\d. ]+…?'"
    assert [bool(re.fullmatch(printed, words)) for words in report.changed] == [True]
    assert {path: path.read_bytes() for path in store} == store


def test_check_finds_what_was_never_stored(tmp_path):
    root = tmp_path / "site"
    shutil.copytree(MINISITE, root)
    report = build(read_settings(root), check=True, only="late.md")
    assert report.changed == ["docs/late.md:5: Changed: no result is stored"]
    assert not (root / ".dlfaq").exists()


def test_only_some_pages(site):
    assert build(read_settings(site), fresh=True, only="l*.md").ran == 1


CHANGED = (
    "ChangedMeanwhile: lab.py changed each time it ran, or is another where it ran; "
    "run again when all stand still"
)

# By the C library, of which the engine hears nothing: as if an editor had saved the file.
EDITS = """\
```python
import ctypes
from pathlib import Path

import lab

count = Path("{counter}")
runs = len(count.read_text()) if count.exists() else 0
with count.open("a") as file:
    file.write(".")
if runs < {edits}:
    ctypes.CDLL(None).system(f"echo '# edited' >> '{{lab.__file__}}'".encode())
```
"""


def test_a_chain_whose_files_change_while_it_runs_is_run_again(site, tmp_path):
    page = EDITS.format(counter=tmp_path / "runs", edits=1)
    (site / "docs" / "edits.md").write_text(page, encoding="utf-8")
    report = build(read_settings(site), only="edits.md")
    assert report.ok
    assert (tmp_path / "runs").read_text(encoding="utf-8") == ".."
    inputs = report.site.results["edits.md--0"].result.inputs
    assert inputs["lab.py"] == file_hash(site / "lab.py")


def test_a_chain_whose_files_never_stand_still_fails_and_is_not_stored(site, tmp_path):
    page = EDITS.format(counter=tmp_path / "runs", edits=99)
    (site / "docs" / "edits.md").write_text(page, encoding="utf-8")
    report = build(read_settings(site), only="edits.md")
    assert [failure.split("\n")[0] for failure in report.failures] == [
        f"docs/edits.md:1: {CHANGED}"
    ]
    assert (tmp_path / "runs").read_text(encoding="utf-8") == "..."
    assert build(read_settings(site), only="edits.md").ran == 1


CACHES = """\
```python
import sys
import time
from pathlib import Path

cache = Path(sys.path[0], ".cache")
{code}
```
"""


@pytest.fixture
def caches(site):
    """A function that writes a page whose chain uses a cache of the site's, which chains may."""
    (site / ".cache").mkdir()

    def caches(name: str, code: str) -> None:
        text = CACHES.format(code=code)
        (site / "docs" / f"{name}.md").write_text(text, encoding="utf-8")

    return caches


def test_what_a_chain_has_read_and_another_then_changed_is_read_again(site, caches):
    (site / ".cache" / "left").write_text("zero", encoding="utf-8")
    caches("a", "print((cache / 'left').read_text())")
    for word in ("one", "two"):  # a.md has ended first; it is found in the store first
        caches("z", f"(cache / 'left').write_text('{word}')")
        report = build(read_settings(site), jobs=1)
        assert (report.ran, report.failures) == (2, [])
        assert report.site.results["a.md--0"].result.outputs[0].stdout == f"{word}\n"
    assert ran(site) == []


def test_chains_that_never_stop_changing_what_the_other_reads_fail(site, caches):
    for mine, other in (("a", "b"), ("b", "a")):
        code = f"(cache / '{other}').exists()\n(cache / '{mine}').write_text(str(time.time()));"
        caches(mine, code)
    report = build(read_settings(site), jobs=1)
    assert [words.partition(" changed")[0] for words in report.failures] == [
        "docs/a.md:1: ChangedMeanwhile: .cache/b"
    ]


class Elsewhere(ThreadPoolExecutor):
    """Another machine, whose lab is not ours."""

    def submit(self, function, task):
        return super().submit(self._run, function, task)

    def _run(self, function, task):
        ended = function(pickle.loads(pickle.dumps(task)))
        ended.inputs["lab.py"] = "another"
        return pickle.loads(pickle.dumps(ended))


def test_a_result_of_another_lab_than_ours_is_refused(site):
    settings = read_settings(site)
    jobs = jobs_of(read_pages(settings, "data.md"))
    told = []
    with Elsewhere(1) as executor:
        run_jobs(jobs, settings, executor, lambda _, outcome: told.extend(outcome.failures))
    assert [failure.summary for failure in told] == [f"docs/data.md:5: {CHANGED}"]


def test_names_of_chains_never_clash(site):
    (site / "docs" / "a").mkdir()
    for value, name in enumerate(("a--b.md", "a/b.md")):
        (site / "docs" / name).write_text(f"```python\n{value}\n```\n", encoding="utf-8")
        assert build(read_settings(site)).ran == 1


def test_a_page_that_cannot_be_read_fails_and_the_others_run(site, capsys):
    (site / "docs" / "bad.md").write_text("```Python\n```\n\n```python\n1\n```\n", encoding="utf-8")
    report = build(read_settings(site), fresh=True)
    said = "docs/bad.md:1: write `python` to run this fence, `py` or `pycon` to show it only"
    assert (report.ran, report.failures) == (4, [said])
    assert capsys.readouterr().err == f"{said}\n"


def test_a_warm_build_loads_nothing_heavy_and_starts_no_server(built):
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom dlfaq.cli.main import main\n"
        f"status = main(['-C', {str(built)!r}, 'run'])\n"
        "heavy = {'torch', 'matplotlib', 'numpy', 'scipy', 'mkdocs'} & set(sys.modules)\n"
        "started = Path(f'/proc/{os.getpid()}/task/{os.getpid()}/children').read_text()\n"
        "print(status, heavy, repr(started))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0 of 4 chains run, 0 failures\n0 set() ''\n"


def test_a_build_that_is_interrupted_ends_its_chains_at_once(tmp_path):
    shutil.copytree(MINISITE, tmp_path / "site")
    (tmp_path / "site" / "docs" / "slow.md").write_text(
        "```python\nimport os, time\n\nos.kill(SENDER, 2)\ntime.sleep(50)\n```\n".replace(
            "SENDER", "int(os.environ['SENDER'])"
        ),
        encoding="utf-8",
    )
    code = (
        "import os, sys\nos.environ['SENDER'] = str(os.getpid())\nfrom dlfaq.cli.main import main\n"
        f"sys.exit(main(['-C', {str(tmp_path / 'site')!r}, 'run', '--page', 'slow.md']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, timeout=40
    )
    assert done.returncode == 130


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", ""])
def test_a_wrong_number_of_jobs_is_told(site, monkeypatch, text):
    monkeypatch.setenv("DLFAQ_JOBS", text)
    with pytest.raises(
        InputError, match=f"expected a whole number .*; got DLFAQ_JOBS={text}; write 1"
    ):
        build(read_settings(site))


def test_the_number_of_jobs_is_as_told_else_of_the_environment_else_the_cores(monkeypatch):
    monkeypatch.delenv("DLFAQ_JOBS", raising=False)
    assert workers() == len(os.sched_getaffinity(0))
    monkeypatch.setenv("DLFAQ_JOBS", "5")
    assert (workers(), workers(3)) == (5, 3)
    with pytest.raises(InputError, match="got 0; write 1"):
        workers(0)


@pytest.mark.parametrize("text", ["x", "1.5", "-11", "40000001", "1e3", ""])
def test_a_wrong_offset_of_seeds_is_told(site, monkeypatch, text):
    monkeypatch.setenv("DLFAQ_SEED_OFFSET", text)
    expected = r"DLFAQ_SEED_OFFSET.* from -10 to 40,000,000; got .*; leave it out"
    with pytest.raises(InputError, match=expected):
        read_settings(site)


def test_an_offset_of_seeds_is_another_result(site, monkeypatch):
    monkeypatch.setenv("DLFAQ_SEED_OFFSET", "-10")
    assert build(read_settings(site), only="random.md").ran == 1
    monkeypatch.delenv("DLFAQ_SEED_OFFSET")
    assert build(read_settings(site), only="random.md").ran == 0


def test_the_store_may_be_elsewhere_but_is_a_folder(site, tmp_path, monkeypatch):
    monkeypatch.setenv("DLFAQ_STORE", str(tmp_path / "elsewhere"))
    assert read_settings(site).store_dir == tmp_path / "elsewhere"
    (tmp_path / "elsewhere").touch()
    with pytest.raises(InputError, match="expected a folder in DLFAQ_STORE; got the file"):
        read_settings(site)


def test_a_store_that_cannot_be_written_ends_the_build(site):
    (site / "store").mkdir()
    (site / "store" / "results").touch()
    with pytest.raises(InputError, match=r"expected a folder for results .*DLFAQ_STORE"):
        build(replace(read_settings(site), store_dir=site / "store"), only="late.md")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("preload:", "preloads:", "expected the options snippets, style, preload, memory_gib"),
        ("[numpy, scipy.stats]", "numpy", "expected a list as the option preload"),
        ("memory_gib: 0.5", "memory_gib: much", "expected a number as the option memory_gib"),
        (
            "dlfaq.site.markdown_extension",
            "footnotes",
            "under markdown_extensions in mkdocs.yml; got",
        ),
        ("site_name: Mini", "site_name: [", "expected YAML in mkdocs.yml"),
    ],
)
def test_a_wrong_mkdocs_yml_is_told(site, old, new, said):
    swap(site / "mkdocs.yml", old, new)
    with pytest.raises(InputError) as caught:
        read_settings(site)
    assert said in str(caught.value)
