"""The key of a result: what changes it, one test per ingredient, and what does not."""

from __future__ import annotations

import platform
from dataclasses import replace

import pytest

from dlfaq.execution import key
from dlfaq.execution.inputs import file_hash
from dlfaq.execution.key import chain_key, result_key
from dlfaq.extras import NUMERICAL
from dlfaq.pages.config import read_settings

PAGE = (
    """\
---
title: Why?
---

Prose, `{python} x`.

```python
#| fig-title: A title
#| timeout: 9
--8<-- "a.py"
y = x
```
""".replace("Prose, `{python} x`.\n\n", "")
    + "\nIs `{python} x`.\n"
)


@pytest.fixture
def first(read, site):
    """A function: the key of a page's only chain, with settings."""

    def first(text: str = PAGE, a_py: str = "x = 1\n", **changes):
        page = read(text, a_py=a_py)
        assert page.errors == []
        return chain_key(page.chains[0], replace(read_settings(site), **changes))

    return first


@pytest.mark.parametrize("name", ["ATEN_CPU_CAPABILITY", "DNNL_MAX_CPU_ISA", "MKL_CBWR"])
def test_a_limit_on_instructions_is_another_cpu(first, monkeypatch, site, name):
    before = first()
    monkeypatch.setenv(name, "SSE41")
    assert first() != before
    assert key.environment(read_settings(site))["cpu"].endswith(f", {name}=SSE41")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("y = x", "y = 2 * x", id="code"),
        pytest.param("#| timeout", "#| raises: KeyError\n#| timeout", id="raises"),
        pytest.param("#| timeout", "#| warning: true\n#| timeout", id="warning"),
        pytest.param("#| timeout", "#| thumb: true\n#| timeout", id="a figure drawn small"),
        pytest.param("{python} x", "{python} x + 1", id="inline expression"),
        pytest.param("A title", "Title `{python} y`", id="expression in a title"),
        pytest.param(
            "y = x\n", "```\n\n<!--pytest-codeblocks:cont-->\n```python\ny = x\n", id="fences"
        ),
    ],
)
def test_what_runs_changes_the_key(first, old, new):
    assert old in PAGE
    assert first() != first(PAGE.replace(old, new))


def test_an_included_file_changes_the_key(first):
    assert first() != first(a_py="x = 2\n")


@pytest.mark.parametrize(
    "change",
    [{"seed_offset": 1}, {"placebo": True}, {"device": "cuda"}, {"memory_bytes": 2**30}],
    ids=lambda change: next(iter(change)),
)
def test_a_setting_changes_the_key(first, change):
    assert first() != first(**change)


def test_the_style_changes_the_key_wherever_it_stands(first, site, tmp_path_factory):
    assert first() != first(style=site / "house.mplstyle")
    style = tmp_path_factory.mktemp("elsewhere") / "own.mplstyle"
    style.write_text("lines.linewidth: 1\n", encoding="utf-8")
    before = first(style=style)
    style.write_text("lines.linewidth: 2.5\n", encoding="utf-8")
    assert first(style=style) != before


def test_the_version_of_python_changes_the_key(first, monkeypatch):
    before = first()
    monkeypatch.setattr(platform, "python_version", lambda: "3.99")
    assert first() != before


@pytest.mark.parametrize("package", NUMERICAL)
def test_the_version_of_a_numerical_package_changes_the_key(first, monkeypatch, package):
    before, version = first(), key.version
    monkeypatch.setattr(key, "version", lambda name: "99" if name == package else version(name))
    assert first() != before


def test_the_form_of_results_changes_the_key(first, monkeypatch):
    before = first()
    monkeypatch.setattr(key, "SCHEMA", key.SCHEMA + 1)
    assert first() != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("Why?", "How?", id="front matter"),
        pytest.param("Is ", "It is\n\nlonger: ", id="prose"),
        pytest.param("A title", "Another", id="title"),
        pytest.param("#| timeout: 9", "#| timeout: 99", id="timeout"),
        pytest.param("#| timeout", "#| echo: false\n#| timeout", id="echo"),
        pytest.param("#| timeout", "#| output: false\n#| timeout", id="output"),
        pytest.param("#| timeout", "#| code-fold: true\n#| timeout", id="code-fold"),
        pytest.param(
            "#| timeout", "#| label: a\n#| fig-alt: b\n#| fig-sub: c\n#| timeout", id="labels"
        ),
        pytest.param("Is `{python} x`", "Is `{python} x` and `{python} x`", id="a value twice"),
        pytest.param("\n", "\r\n", id="line ends"),
    ],
)
def test_what_only_shows_does_not_change_the_key(first, old, new):
    assert old in PAGE
    assert first() == first(PAGE.replace(old, new))


def test_the_key_of_a_result_is_of_that_of_its_chain_files_and_distributions():
    keys = {
        result_key("first", {"lab.py": "a"}, {"numpy": "2"}),
        result_key("other", {"lab.py": "a"}, {"numpy": "2"}),
        result_key("first", {"lab.py": "b"}, {"numpy": "2"}),
        result_key("first", {"lib.py": "a"}, {"numpy": "2"}),
        result_key("first", {"lab.py": "a"}, {"numpy": "3"}),
        result_key("first", {"lab.py": "a"}, {"numpi": "2"}),
    }
    assert len(keys) == 6


def test_a_file_is_hashed_by_its_contents(tmp_path):
    # sha256sum of the three bytes "abc", from FIPS 180-2, appendix B.1.
    file = tmp_path / "a"
    file.write_text("abc")
    assert file_hash(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    file.write_text("abd!")
    assert file_hash(file) != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    file.unlink()
    assert file_hash(file) == "absent"
