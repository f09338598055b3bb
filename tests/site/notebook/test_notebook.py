"""Labs as a reader gets them: a page in our own style, and a notebook with its outputs."""

from __future__ import annotations

import ast
import base64
import json
import re
from html import unescape

import nbformat
import pytest
from nbconvert import HTMLExporter

LAB = "docs/labs/tiny.py"

#: What mkdocs-jupyter would put around the same cells is 600 KB.
MOST_BYTES = 60 * 1024


def words(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


@pytest.fixture(scope="module")
def page(tiny):
    """The page of the lab."""
    return tiny.article("labs/tiny")


@pytest.fixture(scope="module")
def notebook(tiny):
    """The notebook to be downloaded."""
    return nbformat.read(tiny.folder / "site" / "labs" / "tiny" / "tiny.ipynb", as_version=4)


def outputs(notebook, kind: str) -> list:
    return [one for cell in notebook.cells for one in cell.get("outputs", []) if kind in one.data]


def output_types(notebook) -> list[list[str]]:
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [[output.output_type for output in cell.outputs] for cell in code]


# The page ---------------------------------------------------------------------------------------


def test_a_lab_reads_as_a_question_does(page):
    marks = [
        '<p class="dl-kicker" data-search-exclude=""><a href="../">Labs</a> · 1 of 1 claim holds',
        ">A tiny lab<",
        '<p class="dl-answer">It begins with',
        ">Download the notebook</a>",
        '<figure class="dl-plate">',
        '<h2 id="do-it">Do it<a class="headerlink" href="#do-it"',
        '<a href="../../topic/question/#see-it">the question</a>',
        '<div class="highlight"><pre tabindex="0" data-search-exclude><code>',
        '<div class="dl-out" data-search-exclude><span>prints</span>',
        '<article class="dl-claim" id="claim-answer">',
        '<div class="dl-out" data-search-exclude><span>gives</span>',
        "<summary>Why?</summary>",
        "<samp>ZeroDivisionError: division by zero</samp>",
        ">This page ran<",
        '<dl class="dl-ran"',
    ]
    assert [mark for mark in marks if mark not in page] == []
    assert sorted(marks, key=page.index) == marks
    assert "ends at 42*." in words(page)


def test_nothing_of_jupyters_style_or_scripts_is_on_the_page(tiny, page):
    text = (tiny.folder / "site" / "labs" / "tiny" / "index.html").read_text(encoding="utf-8")
    assert len(text.encode()) < MOST_BYTES
    assert '<span class="n">' not in page  # a name has the colour of the text around
    assert not re.search("jp-|jupyter|clipboard-copy|mermaid|<style|<script", page, re.IGNORECASE)
    assert set(re.findall(r"https?://[^\"'\s<>)]+", text)) == {"http://www.w3.org/2000/svg"}


def test_mathematics_and_figures_are_part_of_the_page_and_follow_its_colours(page):
    assert page.count("<math") == 2
    assert "$" not in words(page)
    (plate,) = re.findall(r'<figure class="dl-plate">.*?</figure>', page, re.DOTALL)
    assert [re.search(r"dl-fig__\w+", one)[0] for one in plate.split("<svg")[:2]] == [
        "dl-fig__wide",
        "dl-fig__narrow",
    ]
    assert plate.count("var(--dl-c1)") == 2
    assert "<img" not in page


def test_search_finds_the_prose_of_a_lab_and_no_code(tiny):
    file = tiny.folder / "site" / "search" / "search_index.json"
    parts = json.loads(file.read_text(encoding="utf-8"))["docs"]
    found = {part["location"]: words(part["title"] + " " + part["text"]) for part in parts}
    assert [place for place in found if place.startswith("labs/tiny/")] == [
        "labs/tiny/",
        "labs/tiny/#a-tiny-lab",
        "labs/tiny/#do-it",
        "labs/tiny/#exercises",
    ]
    text = " ".join(text for place, text in found.items() if place.startswith("labs/"))
    assert "A tiny lab" in text
    assert "ends at 42*." in text
    assert not re.search(r"import claim|a line that|mathtt|division by zero|step|Download", text)


def test_labs_stand_apart_from_questions_and_in_their_order(tiny):
    text = (tiny.folder / "site" / "labs" / "index.html").read_text(encoding="utf-8")
    names = [
        words(name).strip()
        for name in re.findall(r'<span class="md-ellipsis">(.*?)</span>', text, re.DOTALL)
    ]
    kept = [name for name in dict.fromkeys(names) if "lab" in name.lower() or name == "Evidence"]
    assert kept == ["Labs", "A tiny lab", "A short lab", "Evidence"]
    # A topic lies one level deeper, below "Questions".
    sections = re.findall(
        r'<nav class="md-nav" data-md-level="(\d)".*?<label.*?</span>(.*?)</label>', text, re.DOTALL
    )
    assert [(name.strip(), level) for level, name in sections] == [
        ("Questions", "1"),
        ("A topic", "2"),
        ("Labs", "1"),
    ]
    listed = re.search(r'<ul class="dl-list dl-list--labs".*?</ul>', text, re.DOTALL)[0]
    assert re.findall(r'<a href="(.*?)">(.*?)</a>', listed) == [
        ("tiny/", "A tiny lab"),
        ("short/", "A short lab"),
    ]


def test_a_claim_of_a_lab_is_evidence_with_its_line(tiny):
    script = (tiny.folder / LAB).read_text(encoding="utf-8").split("\n")
    line = next(n for n, text in enumerate(script, 1) if text.startswith("claim("))
    data = json.loads((tiny.folder / "site" / "evidence.json").read_text(encoding="utf-8"))
    (claim,) = [one for one in data["claims"] if one["page"] == LAB]
    assert (claim["line"], claim["label"], claim["holds"]) == (line, "answer", True)
    row = f'<a href="../labs/tiny/#claim-answer" title="labs/tiny.py, line {line}">A tiny lab</a>'
    assert row in tiny.article("evidence")


# The notebook -----------------------------------------------------------------------------------


def test_the_page_links_to_the_notebook_and_to_the_script(tiny, page):
    links = dict(re.findall(r'<a download="" href="(.*?)">(.*?)</a>', page))
    assert links == {"tiny.ipynb": "Download the notebook", "tiny.py": "Download the script"}
    folder = tiny.folder / "site" / "labs" / "tiny"
    assert (folder / "tiny.py").read_bytes() == (tiny.folder / LAB).read_bytes()
    assert (folder / "tiny.ipynb").is_file()
    assert not list((tiny.folder / "site" / "labs").glob("*.*py*"))


def test_the_notebook_is_valid_and_names_its_cells_in_order(notebook):
    nbformat.validate(notebook, relax_add_props=False)
    assert [cell.id for cell in notebook.cells] == [
        f"cell-{n}" for n in range(1, len(notebook.cells) + 1)
    ]
    assert notebook.metadata.kernelspec.name == "python3"


def test_the_notebook_holds_the_text_as_jupyter_can_show_it(notebook):
    *text, ran = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert ran.startswith("*The outputs above were measured with Python")
    assert text == [
        "# A tiny lab\n\nA lab of four cells.",
        (
            "It begins with $\\mathtt{w}^2$ and ends at 42\\*.\n\n## Do it\n\n"
            "As the question says, <mark>slowly</mark>."
        ),
        "## Exercises\n\n<details><summary>Why?</summary>\n\nBecause $a < b$.\n\n</details>",
    ]


def test_the_notebook_holds_the_outputs(notebook):
    assert output_types(notebook) == [
        ["stream", "display_data"],
        ["execute_result", "display_data", "display_data"],
        ["error"],
    ]
    first, second, third = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert first.outputs[0].text.startswith("a line that is much too long")
    assert first.outputs[1].data["text/markdown"] == (
        "**42** Forty and two are `42`. ✓ Holds: identity, equal to 42, to 10⁻¹⁰."
    )
    assert second.outputs[0].data["text/plain"] == "8.4"
    assert second.outputs[1].data["text/markdown"] == "**It rises to 42**"
    assert second.outputs[2].data["text/plain"] == "A line that rises to 42"
    assert base64.b64decode(second.outputs[2].data["image/png"]).startswith(b"\x89PNG\r\n\x1a\n")
    assert (third.outputs[0].ename, third.outputs[0].evalue) == (
        "ZeroDivisionError",
        "division by zero",
    )


def test_the_code_of_the_notebook_is_that_of_the_lab_without_options(notebook):
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert [ast.unparse(ast.parse(source)).split("\n")[0] for source in code] == [
        "from dlfaq import claim",
        "import matplotlib.pyplot as plt",
        "total / 0",
    ]
    assert "#|" not in "".join(code)


def test_another_program_shows_the_figure_of_the_notebook(notebook):
    html, _ = HTMLExporter().from_notebook_node(notebook)
    assert html.count('<img alt="No description has been provided for this image"') == 1
    assert 'src="data:image/png;base64,' in html


# Building ---------------------------------------------------------------------------------------


@pytest.fixture
def site(new_site):
    """A site of one lab."""
    lab = "# ---\n# title: A lab\n# description: Words.\n# order: 1\n# ---\n\n# %%\n6 * 7\n"
    return new_site(
        {
            "docs/index.md": "# Home\n\n[A lab](labs/it.py#do-it)\n",
            "docs/labs/index.md": "---\ntitle: Labs\n---\n\n`{labs}`\n",
            "docs/labs/it.py": f"{lab}\n# %% [markdown]\n# ## Do it\n",
        }
    )


def edit(site, old: str, new: str) -> None:
    text = (site.folder / "docs/labs/it.py").read_text(encoding="utf-8")
    assert old in text
    site.write("docs/labs/it.py", text.replace(old, new))


def results(site) -> int:
    return len(list((site.folder / ".dlfaq" / "results").iterdir()))


def test_a_lab_runs_once_and_again_when_its_code_changes(site):
    assert site.dlfaq("run", "--page", "labs/*").stdout == "1 of 1 chains run, 0 failures\n"
    for old, new, count, shown in (
        ("6 * 7", "6 * 7", 1, "42"),
        ("Words.", "Other words.", 1, "42"),
        ("6 * 7", "6 * 8", 2, "48"),
    ):
        edit(site, old, new)
        built = site.run("mkdocs", "build", "--strict")
        assert built.returncode == 0, built.stdout
        assert results(site) == count
        assert f"<samp>{shown}</samp>" in site.article("labs/it")
    assert "Other words." in site.article("labs")


def test_a_cell_that_shows_nothing_has_run_too(site):
    edit(site, "6 * 7", "6 * 7\n\n# %%\nquiet = 1")
    assert site.run("mkdocs", "build", "--strict").returncode == 0
    notebook = nbformat.read(site.folder / "site/labs/it/it.ipynb", as_version=4)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert len(counts) > 1


def test_a_failure_is_told_at_the_line_of_the_script(site):
    edit(site, "6 * 7", "6 / 0")
    for done in (site.dlfaq("run"), site.run("mkdocs", "build")):
        assert done.returncode == 1
        assert "docs/labs/it.py:8: ZeroDivisionError: division by zero\n" in done.stdout
        assert "      7 # %%\n>     8 6 / 0\n" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("# order: 1\n", "", "docs/labs/it.py:1: `order`: expected a number; got nothing"),
        ("6 * 7", "from dlfaq import claim\nclaim('a', rng(seed=1))", "docs/labs/it.py:9: an exp"),
        ("# ## Do it", "# ## Do $x$", "docs/labs/it.py:11: a heading with mathematics needs"),
        ("# %%\n", "# %% a\n", "docs/labs/it.py:7: a cell begins with exactly"),
    ],
    ids=["header", "literal seed", "heading", "grammar"],
)
def test_lint_sees_labs(site, old, new, told):
    assert site.dlfaq("lint").stdout == ""
    edit(site, old, new)
    linted = site.dlfaq("lint")
    assert linted.returncode == 1
    assert linted.stdout.startswith(told)


def test_a_link_to_a_heading_that_a_lab_lacks_is_told(site):
    site.write("docs/index.md", "# Home\n\n[A lab](labs/it.py#undone)\n")
    site.write(
        "mkdocs.yml",
        (site.folder / "mkdocs.yml").read_text() + "validation: {anchors: warn}\n",
    )
    built = site.run("mkdocs", "build", "--strict")
    assert built.returncode == 1
    assert "'labs/it.py' does not contain an anchor '#undone'" in built.stdout


def test_without_mkdocs_jupyter_a_lab_is_an_error_that_says_so(site):
    config = (site.folder / "mkdocs.yml").read_text(encoding="utf-8")
    site.write("mkdocs.yml", re.sub(r"  - mkdocs-jupyter: .*\n", "", config))
    built = site.run("mkdocs", "build")
    assert built.returncode == 1
    assert "labs/it.py is a lab, and no plugin shows notebooks; add to plugins: " in built.stdout
