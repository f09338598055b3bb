"""A page as a reader takes it along: a notebook, a script, and the package that it imports."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from dlfaq.errors import InputError
from dlfaq.execution.site import Site
from dlfaq.pages.config import read_settings
from dlfaq.pages.reader import read_page
from dlfaq.site.mkdocs.elsewhere import colab_address
from dlfaq.site.notebook.notebook import notebook_text
from dlfaq.site.notebook.package import Package, build_wheel
from dlfaq.site.page.context import Context
from dlfaq.site.page.offers import Offers

ROOT = Path(__file__).parents[3]
ADDRESS = "https://example.org/faq/"

PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "mine"
version = "1.5"
requires-python = ">=3.11"

[project.optional-dependencies]
extra = []

[tool.hatch.build.targets.wheel]
packages = ["mine"]
"""

PAGE = """\
---
title: Why does it raise?
description: Because of zero.
question: true
status: wrong
order: 1
---

It is `{python one} doubled` *here*, see [there](other.md#part) and [me](mailto:a@b.org).

People say: *it does not.*

Verdict: wrong. It does.

`{claim} twice`

## Do this

```python
#| label: one
#| fig-alt: A line that rises
#| code-fold: true
import matplotlib.pyplot as plt
from dlfaq import claim, line_labels
from mine import double

doubled = double(21)
figure, ax = plt.subplots()
line_labels(ax, {ax.plot([0, 1, 2], [1.5, 42, None])[0]: "up"})
claim("Twice 21 is {}", doubled, equals=42, label="twice")
```

<!--pytest-codeblocks:cont-->
```python
print("doubled:", doubled)
doubled / 4
```

/// details | Answer
    open: true

A fold that a snippet divides:

```python
#| raises: ZeroDivisionError
text = '''one
two'''
if text:
    1 / 0
```

It is ==over==.
///

/// details | Why `x`?
Words.
///

```python
#| echo: false
print(text if "text" in globals() else "a new process")
```
"""

OTHER = "# Other\n\n## Part\n\nWords, and no code.\n"

OPTIONS = """\
  - dlfaq:
      notebooks: true
      wheel: .
      extras: [extra]
      notebooks_branch: !ENV [BRANCH, ""]
"""


@pytest.fixture(scope="module")
def site(new_site):
    """A site that publishes its package, built with an address and a repository."""
    site = new_site({"docs/index.md": "# Home\n\nWords.\n", "docs/topic/why.md": PAGE})
    site.write("docs/topic/index.md", "---\ntitle: Topic\norder: 1\n---\n\n`{questions}`\n")
    site.write("docs/topic/other.md", OTHER)
    site.write("mine/__init__.py", "def double(x):\n    return 2 * x\n")
    site.write("pyproject.toml", PYPROJECT)
    shutil.copy(site.folder / "house.mplstyle", site.folder / "mine" / "look.mplstyle")
    yml = (site.folder / "mkdocs.yml").read_text(encoding="utf-8")
    yml = yml.replace("plugins: [search, dlfaq]\n", f"plugins:\n  - search\n{OPTIONS}")
    yml = yml.replace("style: house.mplstyle", "style: mine/look.mplstyle")
    site.write("mkdocs.yml", f"{yml}site_url: !ENV [ADDRESS, '']\nrepo_url: {REPOSITORY}\n")
    shutil.copytree(ROOT / "docs" / "assets", site.folder / "docs" / "assets")
    built = site.run("mkdocs", "build", "--strict", ADDRESS=ADDRESS, BRANCH="notebooks")
    assert built.returncode == 0, built.stdout
    return site


REPOSITORY = "https://github.com/me/faq"


@pytest.fixture(scope="module")
def notebook(site):
    """The notebook of the page."""
    return nbformat.read(site.folder / "site" / "topic" / "why.ipynb", as_version=4)


def links(site, folder="site"):
    html = (site.folder / folder / "topic/why/index.html").read_text(encoding="utf-8")
    found = BeautifulSoup(html, "html.parser").select("article a")
    return {link.get_text(): link["href"] for link in found}


# The notebook -----------------------------------------------------------------------------------


def test_the_notebook_is_valid_and_begins_by_installing_what_the_site_publishes(site, notebook):
    nbformat.validate(notebook, relax_add_props=False)
    (wheel,) = (site.folder / "site" / "wheels").iterdir()
    first = notebook.cells[0]
    assert first.cell_type == "code"
    command = f'%pip install --quiet "mine[extra] @ {ADDRESS}wheels/{wheel.name}"'
    assert command in first.source.split("\n")
    assert '"mine.look"' in first.source  # the style in which its figures are drawn


def test_the_notebook_holds_the_text_with_its_values_and_whole_addresses(notebook):
    text = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert text[0] == f"# Why does it raise?\n\nThe page: <{ADDRESS}topic/why/>"
    assert text[1] == (
        f"It is 42 *here*, see [there]({ADDRESS}topic/other/#part) and [me](mailto:a@b.org).\n\n"
        "People say: *it does not.*\n\nVerdict: wrong. It does.\n\n## Do this"
    )
    assert text[2] == "**Answer**\n\nA fold that a snippet divides:"
    assert text[3] == (
        "It is <mark>over</mark>.\n\n"
        "<details><summary>Why <code>x</code>?</summary>\n\nWords.\n\n</details>"
    )
    assert re.fullmatch(r"\*The outputs above .* torch .* NumPy .*\*", text[4])
    assert len(text) == 5


def test_the_notebook_holds_what_each_snippet_showed(notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"][1:]
    shown = [[output.output_type for output in cell.outputs] for cell in code]
    assert shown == [["display_data"] * 2, ["stream", "execute_result"], ["error"], ["stream"]]
    assert code[0].outputs[0].data["text/plain"] == "A line that rises"
    assert code[0].outputs[0].data["image/png"]
    assert code[0].outputs[1].data["text/plain"].startswith("42 Twice 21 is 42. ✓ Holds")
    assert code[1].outputs[0].text == "doubled: 42\n"
    assert code[1].outputs[1].data["text/plain"] == "10.5"
    assert [cell.metadata.get("tags") for cell in code] == [None, None, ["raises-exception"], None]
    hidden = [cell.metadata.get("jupyter", {}).get("source_hidden") for cell in code]
    assert hidden == [True, None, None, True]


RUN = """\
import sys

import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=300).execute()
nbformat.write(notebook, sys.argv[1])
"""


@pytest.fixture
def elsewhere(tmp_path):
    """The Python of a new environment, which has all packages of ours but what is installed here
    for the sake of editing it."""
    folder = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    paths = [path for path in sys.path if Path(path).name == "site-packages"]
    (packages / "ours.pth").write_text("\n".join(paths), encoding="utf-8")
    return folder / "bin" / "python"


def execute(python, notebook: Path, *, asks: str, **environment: str) -> list:
    """The cells of code of a notebook as another Python has run it, and one that asks more."""
    one = nbformat.read(notebook, as_version=4)
    one.cells.append(nbformat.v4.new_code_cell(asks))
    nbformat.write(one, notebook)
    ran = subprocess.run(
        [python, "-c", RUN, notebook],
        cwd=notebook.parent,
        env={"PATH": "/usr/bin:/bin", "HOME": str(notebook.parent), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    cells = nbformat.read(notebook, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def test_the_notebook_runs_in_another_environment_with_the_package_from_the_site(
    site, serve, elsewhere, tmp_path
):
    address = serve(site.folder / "site")
    text = (site.folder / "site" / "topic" / "why.ipynb").read_text(encoding="utf-8")
    own = tmp_path / "why.ipynb"
    own.write_text(text.replace(ADDRESS, f"{address}/"), encoding="utf-8")
    code = execute(elsewhere, own, asks="import mine; print(mine.__file__)", PYTHONPATH=str(ROOT))
    assert code[2].outputs[0].text == "doubled: 42\n"
    assert code[3].outputs[0].ename == "ZeroDivisionError"
    assert code[4].outputs[0].text == "one\ntwo\n"  # one process, from the first cell to the last
    assert Path(code[5].outputs[0].text).is_relative_to(elsewhere.parents[1])


@pytest.mark.soak
def test_a_page_of_this_site_runs_in_another_environment_with_the_wheel_of_this_package(
    serve, elsewhere, tmp_path
):
    wheel = build_wheel(ROOT)
    (tmp_path / "site" / "wheels").mkdir(parents=True)
    (tmp_path / "site" / "wheels" / wheel.name).write_bytes(wheel.data)
    address = serve(tmp_path / "site")
    package = Package(wheel, f"wheels/{wheel.name}", ["library"], address=f"{address}/")
    settings = read_settings(ROOT)
    page = read_page(settings.docs_dir / "gradients" / "minus-sign.md", settings)
    own = tmp_path / "minus-sign.ipynb"
    context = Context.of(page, Site(settings, [page]))
    own.write_text(notebook_text(context, Offers(package=package)), encoding="utf-8")
    code = execute(elsewhere, own, asks="import dlfaq; print(dlfaq.__file__)")
    assert Path(code[-1].outputs[0].text).is_relative_to(elsewhere.parents[1])
    shown = [output.output_type for cell in code for output in cell.outputs]
    assert "display_data" in shown
    assert "error" not in shown


# The script -------------------------------------------------------------------------------------


def test_the_script_holds_all_code_in_order_and_runs_to_its_end(site):
    script = site.folder / "site" / "topic" / "why.py"
    text = script.read_text(encoding="utf-8")
    assert text.startswith(f"# Why does it raise?\n# {ADDRESS}topic/why/\n# It needs: pip install")
    assert text.count("# %%\n") == 4
    assert "#|" not in text
    ran = subprocess.run(
        [sys.executable, script],
        env={"PYTHONPATH": str(site.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "doubled: 42\nZeroDivisionError: division by zero\none\ntwo\n"


COPIED = """
const [done] = arguments;
const button = [...document.querySelectorAll("button")].find((one) =>
  one.textContent === "Copy all code");
button.click();
const wait = () => button.textContent === "Copied"
  ? navigator.clipboard.readText().then(done) : setTimeout(wait, 50);
wait();
"""


def test_a_button_copies_the_script(site, browser, serve):
    driver = browser.driver
    address = serve(site.folder / "site")
    granted = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    driver.execute_cdp_cmd("Browser.grantPermissions", granted)
    driver.get(f"{address}/topic/why/")
    script = (site.folder / "site" / "topic" / "why.py").read_text(encoding="utf-8")
    assert driver.execute_async_script(COPIED) == script


# The package ------------------------------------------------------------------------------------


def test_the_published_wheel_holds_the_package_as_it_ran(site):
    (wheel,) = (site.folder / "site" / "wheels").iterdir()
    with zipfile.ZipFile(wheel) as packed:
        module = packed.read("mine/__init__.py")
    assert module == (site.folder / "mine" / "__init__.py").read_bytes()


def contents(wheel: bytes) -> list:
    with zipfile.ZipFile(io.BytesIO(wheel)) as packed:
        return [(one.filename, one.CRC, one.external_attr) for one in packed.infolist()]


def test_the_same_project_gives_the_same_wheel_wherever_and_whenever_it_is_built(
    site, tmp_path, monkeypatch
):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")  # another than that of the site
    (published,) = (site.folder / "site" / "wheels").iterdir()
    for name in ("mine", "pyproject.toml"):
        (shutil.copytree if (site.folder / name).is_dir() else shutil.copy)(
            site.folder / name, tmp_path / name
        )
    (tmp_path / "mine" / "__init__.py").chmod(0o600)
    again = build_wheel(tmp_path)
    assert contents(again.data) == contents(published.read_bytes())  # names what differs
    assert (again.name, again.data) == (published.name, published.read_bytes())


def test_what_is_no_project_says_where_to_correct_it(tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(InputError, match="correct `wheel:`"):
            build_wheel(folder)


def test_a_figure_offers_its_data(site):
    assert links(site)["Data (CSV)"] == "../why-figure-1.csv"
    data = (site.folder / "site" / "topic" / "why-figure-1.csv").read_text(encoding="utf-8")
    assert data == "kind,series,x,y\nline,up,0,1.5\nline,up,1,42\n"


# What the page offers ---------------------------------------------------------------------------


def test_the_page_offers_notebook_colab_script_and_package(site):
    offered = links(site)
    assert offered["Download the notebook"] == "../why.ipynb"
    assert offered["Download the script"] == "../why.py"
    assert offered["1.5"] == "../../wheels/mine-1.5-py3-none-any.whl"
    assert offered["Open in Colab"] == colab_address(REPOSITORY, "notebooks", "topic/why.ipynb")
    assert not (site.folder / "site" / "topic" / "other.ipynb").exists()  # it runs nothing


def test_without_an_address_the_notebook_says_how_to_install_by_hand(site):
    built = site.run("mkdocs", "build", "--strict", "--site-dir", "bare")
    assert built.returncode == 0, built.stdout
    assert "Open in Colab" not in links(site, "bare")
    notebook = nbformat.read(site.folder / "bare" / "topic" / "why.ipynb", as_version=4)
    assert notebook.cells[0].source.split("\n")[-1] == (
        '# %pip install --quiet "./mine-1.5-py3-none-any.whl[extra]"'
    )
    assert "see there and [me](mailto" in "".join(cell.source for cell in notebook.cells)


@pytest.mark.parametrize(
    ("repo_url", "path"),
    [
        ("https://github.com/me/faq", "me/faq/blob/built/a%20b/why.ipynb"),
        ("https://github.com/me/faq.git", "me/faq/blob/built/a%20b/why.ipynb"),
        ("https://github.com/me/faq/", "me/faq/blob/built/a%20b/why.ipynb"),
        ("https://gitlab.com/me/faq", None),
        ("https://github.com/me", None),
        ("", None),
    ],
)
def test_colab_opens_what_lies_on_github_and_nothing_else(repo_url, path):
    wanted = f"https://colab.research.google.com/github/{path}" if path else ""
    assert colab_address(repo_url, "built", "a b/why.ipynb") == wanted


def test_the_notebooks_are_pushed_to_where_colab_looks_for_them(site, tmp_path):
    def git(*arguments, folder=tmp_path / "own"):
        command = ["git", "-C", folder, "-c", "user.name=A", "-c", "user.email=a@b", *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return done.stdout

    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path / "remote"], check=True)
    subprocess.run(["git", "init", "--quiet", tmp_path / "own"], check=True)
    git("commit", "--allow-empty", "--message", "Sources")
    git("remote", "add", "origin", str(tmp_path / "remote"))
    for _ in range(2):  # the second time there is a branch already
        subprocess.run(
            [ROOT / ".ci" / "publish-notebooks", site.folder / "site", "notebooks"],
            cwd=tmp_path / "own",
            check=True,
        )
    pushed = git("ls-tree", "-r", "--name-only", "notebooks", folder=tmp_path / "remote")
    assert pushed.split() == ["topic/why.ipynb"]
    assert git("status", "--short") == ""
