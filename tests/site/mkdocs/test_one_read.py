"""One build reads a site once: each page is parsed, and each result loaded, a single time."""

from __future__ import annotations

import json

import pytest

COUNT = """\
import collections
import json
import sys

import dlfaq.site.markdown_extension
import dlfaq.site.mkdocs.plugin
from dlfaq.pages import reader
from mkdocs.__main__ import cli

parsed, loaded = collections.Counter(), collections.Counter()
original = reader.read_data


def counting(data, path, src, settings):
    parsed[src] += 1
    return original(data, path, src, settings)


for module in list(sys.modules.values()):
    if getattr(module, "read_data", None) is original:
        module.read_data = counting


def note(event, arguments):
    if event == "open" and "/.dlfaq/" in str(arguments[0]) and arguments[1] in {"r", "rb"}:
        loaded["/".join(str(arguments[0]).split("/")[-2:])] += 1


sys.addaudithook(note)
try:
    cli(["build", "--strict", "--quiet", "--site-dir", "counted"])
finally:
    json.dump([parsed, loaded], open("counted.json", "w"))
"""


@pytest.fixture(scope="module")
def counts(tiny):
    """How often a warm build into `counted` parsed each page, and opened each file of the store."""
    tiny.write("count.py", COUNT)
    built = tiny.run("count")
    assert built.returncode == 0, built.stdout
    return json.loads((tiny.folder / "counted.json").read_text(encoding="utf-8"))


def test_each_page_is_parsed_once(tiny, counts):
    docs = tiny.folder / "docs"
    pages = [*docs.rglob("*.md"), *docs.glob("labs/*.py")]
    assert counts[0] == {file.relative_to(docs).as_posix(): 1 for file in pages}


def test_each_result_is_loaded_once(counts):
    results = {name: times for name, times in counts[1].items() if name.startswith("results/")}
    assert (len(results), set(results.values())) == (19, {1})


@pytest.mark.parametrize("name", ["evidence.json", "evidence/index.html", "labs/tiny/tiny.ipynb"])
@pytest.mark.usefixtures("counts")
def test_what_is_made_of_all_pages_is_that_of_a_cold_build(tiny, name):
    texts = [(tiny.folder / site / name).read_bytes() for site in ("counted", "site")]
    assert texts[0] == texts[1]
