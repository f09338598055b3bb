"""A lab, a script of cells, read as a page: its cells, its lines, and what it refuses."""

from __future__ import annotations

import pytest

from dlfaq.execution.site import read_pages
from dlfaq.pages.agreement import disagreements
from dlfaq.pages.config import read_settings
from dlfaq.pages.notebooks import is_lab
from dlfaq.pages.reader import read_page

LAB = """\
# ---
# title: A lab
# order: 1
# ---

# %% [markdown]
# Words, and the value `{python} x + 1`.
#
# ```py
# shown_only()
# ```

# %%
#| label: first
x = 1


def f():
    return x


# %%
f()

# %% [markdown]
# `{figure} first`
"""


@pytest.fixture
def lab(site):
    """A function that reads a lab, given as text or bytes."""

    def lab(text: str | bytes = LAB):
        file = site / "docs" / "labs" / "it.py"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_page(file, read_settings(site))

    return lab


def structure(page) -> tuple[object, ...]:
    (chain,) = page.chains
    snippets = [(s.start, s.end, s.code, s.options.label) for s in chain.snippets]
    return page.path, page.src, page.meta, snippets, chain.expressions, page.errors


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(LAB.encode(), id="plain"),
        pytest.param(b"\xef\xbb\xbf" + LAB.encode(), id="byte-order mark"),
        pytest.param(LAB.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(LAB.rstrip("\n").encode(), id="no last line end"),
        pytest.param(LAB.replace("#\n", "# \n").encode(), id="a blank behind #"),
        pytest.param((LAB + "\n\n\n").encode(), id="blank lines at the end"),
    ],
)
def test_a_lab_is_one_chain_on_the_lines_of_its_script(lab, data):
    page = lab(data)
    assert structure(page) == (
        "docs/labs/it.py",
        "labs/it.py",
        {"title": "A lab", "order": 1},
        [
            (13, 20, "x = 1\n\n\ndef f():\n    return x\n", "first"),
            (22, 24, "f()\n", None),
        ],
        ("x + 1",),
        [],
    )
    assert [(line.text, line.page_line) for line in page.chains[0].lines][-2:] == [
        ("    return x", 19),
        ("f()", 23),
    ]
    assert [(place.line, place.kind, place.label) for place in page.places] == [
        (26, "figure", "first")
    ]
    assert page.lines[6] == "Words, and the value `{python} x + 1`."
    assert disagreements(page) == []


def test_code_may_end_the_script_without_a_line_end(lab):
    page = lab("# ---\n# title: A\n# ---\n\n# %%\n1 + 1")
    assert [(s.start, s.end, s.code) for s in page.chains[0].snippets] == [(5, 7, "1 + 1\n")]
    assert page.errors == []
    assert disagreements(page) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("# ---\n# title", "# title", "1: a lab begins with its header: # ---, "),
        ("# ---\n\n", "\n", "1: the header is opened here and never closed; add a line # ---"),
        ("# title: A lab", "# title: [", "3: front matter is not YAML"),
        ("# ---\n\n", "# ---\nx = 0\n\n", "5: a cell begins with # %% or # %% [markdown]; nothing"),
        ("# %% [markdown]", "# %% [md]", "6: a cell begins with exactly # %% or # %% [markdown]"),
        ("# %%\nf()", "#%%\nf()", "22: a cell begins with exactly # %% or # %% [markdown]"),
        ("# %%\nf()", "# %% tags=[]\nf()", "22: a cell begins with exactly # %%"),
        ("return x\n\n\n", "return x\n", "20: a blank line stands above the beginning of a cell"),
        ("# Words", "#Words", "7: a line of a cell of text begins with a # and a space"),
        ("# Words", "Words", "7: a line of a cell of text begins with a # and a space"),
        ("# ```py\n", "# ```python\n", "9: write a cell of code (# %%) to run this, or `py` to"),
        ("#| label: first", "#| colour: red", "14: unknown option 'colour'"),
        ("f()\n", "#| timeout: 9\nf()\n", "23: timeout is for the whole chain"),
        ("{python} x + 1", "{python} x +", "7: SyntaxError: "),
    ],
    ids=lambda text: text.partition("\n")[0],
)
def test_what_a_lab_may_not_hold_is_told_at_its_line(lab, old, new, told):
    assert LAB.count(old) >= 1
    errors = [str(error) for error in lab(LAB.replace(old, new, 1)).errors]
    assert errors[0].startswith(f"docs/labs/it.py:{told}"), errors
    assert disagreements(lab(LAB.replace(old, new, 1))) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (LAB.replace("f()\n", "# %matplotlib inline\nf()\n"), 22),
        (LAB.replace("f()\n", '"""\n# ! ls\n"""\n# !ls\nf()\n'), 22),
        (LAB.replace("# order: 1", "# jupyter:\n#   kernelspec:\n#     name: python3"), 1),
    ],
    ids=["magic", "shell", "header"],
)
def test_what_jupytext_reads_otherwise_is_told(lab, text, line):
    page = lab(text)
    assert page.errors == []
    (error,) = disagreements(page)
    assert (error.path, error.line) == ("docs/labs/it.py", line)
    assert "jupytext" in error.message


def test_a_header_that_jupyter_wrote_is_no_difference(lab):
    kernel = (
        "# jupyter:\n#   kernelspec:\n#     display_name: Python\n#     name: python3\n# ---\n\n"
    )
    page = lab(LAB.replace("# ---\n\n", kernel))
    assert page.meta["jupyter"]["kernelspec"]["name"] == "python3"
    assert (page.errors, disagreements(page)) == ([], [])


@pytest.mark.parametrize(
    ("only", "read"),
    [("*", ["a.md", "labs/it.py"]), ("labs/*", ["labs/it.py"]), ("*.md", ["a.md"])],
)
def test_labs_are_pages_of_the_site_and_other_scripts_are_not(lab, site, only, read):
    lab()
    for name in ("a.md", "script.py", "labs/deeper/other.py"):
        (site / "docs" / name).parent.mkdir(exist_ok=True)
        (site / "docs" / name).write_text("", encoding="utf-8")
    assert [page.src for page in read_pages(read_settings(site), only)] == read


@pytest.mark.parametrize(
    ("src", "so"),
    [("labs/a.py", True), ("labs/index.md", False), ("a.py", False), ("x/labs/a.py", False)],
)
def test_a_lab_is_known_by_its_place(src, so):
    assert is_lab(src) is so
