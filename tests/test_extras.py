"""The package in parts: what each extra brings, what is said without it, the engine alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dlfaq.extras import EXTRAS, NUMERICAL, extra_missing

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OWN_SITE = (ROOT / "docs" / "engine" / "own-site.md").read_text(encoding="utf-8")
# The command, which an environment that is linked together has no script for.
DLFAQ = ("-c", "import sys; from dlfaq.cli.main import main; sys.exit(main())")
HEAVY = {"torch", "torchvision", "numpy", "scipy", "matplotlib", "sklearn", "pandas"}


def extra(name: str) -> list[Requirement]:
    return [Requirement(line) for line in PROJECT["optional-dependencies"][name]]


def everything(requirements: list[Requirement]) -> set[str]:
    """The distributions that pip would install for these, as those installed here declare it."""
    found: set[str] = set()
    left = [(one, wanted) for one in requirements for wanted in ("", *one.extras)]
    while left:
        one, wanted = left.pop()
        name = canonicalize_name(one.name)
        if one.marker is not None and not one.marker.evaluate({"extra": wanted}):
            continue
        if name not in found:
            found.add(name)
            needs = map(Requirement, metadata.requires(name) or [])
            left += [(need, w) for need in needs for w in ("", *one.extras)]
    return found


def test_the_base_needs_the_standard_library_alone():
    assert PROJECT["dependencies"] == []


@pytest.mark.parametrize("name", EXTRAS)
def test_the_modules_of_an_extra_are_those_of_its_packages(name):
    homes = metadata.packages_distributions()
    known = {canonicalize_name(homes[module][0]) for module in EXTRAS[name]}
    assert known == {canonicalize_name(one.name) for one in extra(name)}


def test_the_engine_brings_nothing_heavy():
    brought = everything(extra("engine"))
    assert {"mkdocs", "markdown", "pyyaml", "pytest"} <= brought
    assert brought & {*HEAVY, *NUMERICAL} == set()


def test_all_is_all_that_is_not_for_developers():
    [all_of_it] = extra("all")
    assert all_of_it.name == PROJECT["name"]
    for_developers = {"all", "bench", "dev", "test"}
    assert all_of_it.extras == PROJECT["optional-dependencies"].keys() - for_developers


def test_a_module_that_no_extra_brings_is_none_of_our_business():
    assert extra_missing(ModuleNotFoundError(name="no_such_module")) is None
    # Torch is there, and something in it is not: to install it again would not help.
    assert extra_missing(ModuleNotFoundError(name="torch.no_such_module")) is None


class Environment(NamedTuple):
    """An environment of its own, with our wheel in it."""

    folder: Path

    def python(self, *words: str, where: Path) -> subprocess.CompletedProcess[str]:
        variables = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
        return subprocess.run(
            [str(self.folder / "bin" / "python"), *words],
            cwd=where,
            env={**variables, "NO_MKDOCS_2_WARNING": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return file


def linked(folder: Path, wheel: Path, names: set[str]) -> Environment:
    """An environment of those distributions alone, as they are installed here: no network."""
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(packages)
    for name in names:
        distribution = metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            if not (packages / top).exists():
                (packages / top).symlink_to(Path(str(distribution.locate_file(top))))
    return Environment(folder)


def installed(folder: Path, wheel: Path) -> Environment:
    """An environment as a reader makes it, by pip, from the registry."""
    venv.create(folder, with_pip=True)
    made = Environment(folder)
    done = made.python("-m", "pip", "install", "-q", f"{wheel}[engine]", where=folder)
    assert done.returncode == 0, done.stdout
    return made


@pytest.fixture(
    scope="module", params=["linked", pytest.param("installed", marks=pytest.mark.soak)]
)
def engine(request, tmp_path_factory, wheel):
    """The engine alone."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "installed":
        return installed(folder, wheel)
    return linked(folder, wheel, everything(extra("engine")))


@pytest.fixture(scope="module")
def base(tmp_path_factory, wheel):
    """The package without any extra."""
    return linked(tmp_path_factory.mktemp("base"), wheel, set())


def block(text: str, fence: str) -> str:
    """What the first fence of a page that begins with `fence` holds."""
    ticks = re.match("`+", fence)[0]
    return re.search(rf"^{fence}\n(.*?)^{ticks}$", text, re.DOTALL | re.MULTILINE)[1]


@pytest.fixture
def pasted(tmp_path):
    """A folder with the two files that the page on one's own site tells to save."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text(block(OWN_SITE, "```yaml"), encoding="utf-8")
    page = block(OWN_SITE, "````markdown")
    (tmp_path / "docs" / "index.md").write_text(page, encoding="utf-8")
    return tmp_path


LOADED = f"""\
```python
import sys

print("loaded", sorted({HEAVY!r} & {{*sys.modules}}))
```
"""


def test_the_five_lines_work_as_pasted_where_the_engine_alone_is_installed(engine, pasted):
    (pasted / "docs" / "loaded.md").write_text(LOADED, encoding="utf-8")
    look = f"import importlib.util as u; print(*filter(u.find_spec, {sorted(HEAVY)}))"
    assert engine.python("-c", look, where=pasted).stdout.split() == []
    built = engine.python("-m", "mkdocs", "build", "--strict", where=pasted)
    assert built.returncode == 0, built.stdout
    html = (pasted / "site" / "index.html").read_text(encoding="utf-8")
    assert f"100 grows to {100 * 1.03**10:.2f} in ten years" in html
    assert "a year later: 103.0" in html
    assert "loaded []" in (pasted / "site" / "loaded" / "index.html").read_text(encoding="utf-8")
    again = engine.python(*DLFAQ, "run", where=pasted)
    assert (again.returncode, again.stdout) == (0, "0 of 2 chains run, 0 failures\n")


def test_a_page_that_asks_for_the_library_is_told_how_to_have_it(engine, pasted):
    page = "```python\nx = 1\nfrom dlfaq import claim\n```\n"
    (pasted / "docs" / "index.md").write_text(page, encoding="utf-8")
    built = engine.python("-m", "mkdocs", "build", where=pasted)
    assert built.returncode == 1
    assert re.search(
        r"^docs/index\.md:3: \S*ExtraMissing: expected the package \w+; got none; "
        r'pip install "dlfaq\[library\]"$',
        built.stdout,
        re.MULTILINE,
    ), built.stdout


@pytest.mark.parametrize("of_ours", ["- dlfaq.site.markdown_extension", "- toc"])
def test_mkdocs_without_the_extra_is_told_how_to_have_it(tmp_path, wheel, pasted, of_ours):
    """Be it the extension that is loaded first, or the plugin."""
    others = [Requirement(name) for name in ("mkdocs", "pymdown-extensions")]
    alone = linked(tmp_path / "alone", wheel, everything(others))
    yml = (pasted / "mkdocs.yml").read_text(encoding="utf-8")
    yml = yml.replace("- dlfaq.site.markdown_extension", of_ours)
    (pasted / "mkdocs.yml").write_text(yml, encoding="utf-8")
    built = alone.python("-m", "mkdocs", "build", where=pasted)
    assert built.returncode == 1
    told = r'expected the package \w+; got none; pip install "dlfaq\[engine\]"$'
    assert re.search(told, built.stdout, re.MULTILINE), built.stdout


def test_the_readme_shows_the_same_five_lines():
    configuration = block(OWN_SITE, "```yaml")
    assert len(configuration.splitlines()) == 5
    indented = re.sub("^", "    ", configuration.rstrip("\n"), flags=re.MULTILINE)
    assert indented in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("code", "name"),
    [("from dlfaq import digits", "library"), ("import dlfaq; dlfaq.fit", "library")],
)
def test_what_the_library_holds_is_asked_for_in_vain_without_it(base, tmp_path, code, name):
    done = base.python("-c", code, where=tmp_path)
    last = done.stdout.splitlines()[-1]
    assert re.search(rf'expected the package \w+; got none; pip install "dlfaq\[{name}\]"$', last)
    caught = f"try:\n    {code.replace('; ', chr(10) + '    ')}\nexcept ImportError:\n    print(7)"
    assert base.python("-c", caught, where=tmp_path).stdout == "7\n"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["run", "--jobs", "1"], "engine"),
        (["new", "Why?"], "engine"),
        (["memory", "torchvision:resnet18"], "library"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_says_which_extra_it_needs(base, tmp_path, words, name):
    done = base.python(*DLFAQ, *words, where=tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(
        rf'dlfaq: expected the package \w+; got none; pip install "dlfaq\[{name}\]"\n', done.stdout
    )


def test_help_names_every_command_and_what_is_needed_for_it(base, tmp_path):
    done = base.python(*DLFAQ, "--help", where=tmp_path)
    assert done.returncode == 0
    assert 'run       needs more: pip install "dlfaq[engine]"' in done.stdout
    assert "memory    predict" in done.stdout
