"""Which page a reader's query finds first: frozen queries, typed into the site's own search.

The pages are those of this site, its search is configured as mkdocs.yml says, and nothing is run:
what a page measured is not in the index, so no result is needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from dlfaq.execution.site import read_pages
from dlfaq.pages.config import read_settings
from dlfaq.site.lists.catalogue import catalogue_of

ROOT = Path(__file__).parents[2]
QUERIES = tomllib.loads(Path(__file__).with_name("queries.toml").read_text(encoding="utf-8"))

# Our plugin without the part that runs pages.
HOOK = """\
from pathlib import Path

from dlfaq.execution.site import read_pages
from dlfaq.pages.config import read_settings
from dlfaq.site.mkdocs.search import weigh

pages = {page.src: page for page in read_pages(read_settings(Path(__file__).parent))}


def on_page_markdown(markdown, page, **_):
    weigh(page.meta, pages.get(page.file.src_uri))
"""


class _Loader(yaml.SafeLoader):
    """Of mkdocs.yml, in which what comes from the environment is left out."""


_Loader.add_multi_constructor("!", lambda *_: None)


@pytest.fixture(scope="module")
def unrun(tmp_path_factory):
    """The folder of this site's pages, built without results."""
    folder = tmp_path_factory.mktemp("unrun")
    for name in ("docs", "snippets", "theme", "dlfaq"):
        shutil.copytree(ROOT / name, folder / name)
    config = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), _Loader)
    config["plugins"] = [one for one in config["plugins"] if "search" in one]
    config |= {"strict": False, "hooks": ["hook.py"], "watch": []}
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (folder / "hook.py").write_text(HOOK, encoding="utf-8")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build"],
        cwd=folder,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout
    return folder


ASK = """
const [query, done] = arguments;
const input = document.querySelector(".md-search__input");
const list = document.querySelector(".md-search-result__list");
list.replaceChildren();
let timer = setTimeout(tell, 3000);
const shown = new MutationObserver(() => {
  clearTimeout(timer);
  timer = setTimeout(tell, 100);
});
shown.observe(list, { childList: true });
function tell() {
  shown.disconnect();
  done([...list.querySelectorAll(":scope > li")].map((item) =>
    new URL(item.querySelector("a").href).pathname.slice(1, -1)));
}
input.value = query;
input.dispatchEvent(new Event("keyup"));
"""
READY = "return document.querySelector('.md-search-result__meta').textContent.includes('Type to')"


@pytest.fixture
def ask(unrun, browser, serve):
    """A function that types a query into the search and gives the pages it lists, in order."""
    driver = browser.driver
    driver.get(f"{serve(unrun / 'site')}/")
    driver.execute_script("document.querySelector('.md-search__input').focus()")
    for _ in range(100):
        if driver.execute_script(READY):
            break
        driver.execute_async_script("setTimeout(arguments[0], 100)")
    else:
        pytest.fail("the index of the search did not load in ten seconds")
    return lambda query: driver.execute_async_script(ASK, query)


def test_two_in_three_queries_find_their_page_first_and_nine_in_ten_in_the_first_three(ask, unrun):
    questions = catalogue_of(read_pages(read_settings(unrun))).questions
    pages = {name: one.src.removesuffix(".md") for one in questions for name in one.answers}
    places = {}
    for name in QUERIES.keys() & pages.keys():
        for query in QUERIES[name]:
            found = ask(query)
            places[query] = found.index(pages[name]) if pages[name] in found else 99
    assert len(places) > 80
    first = sum(place == 0 for place in places.values()) / len(places)
    third = sum(place < 3 for place in places.values()) / len(places)
    late = sorted(query for query, place in places.items() if place >= 3)
    # Measured at 31 questions, when the weights were chosen: 75 % and 96 %; before, 47 % and 65 %.
    # At 39 questions, some of them neighbours that a query fits as well: 73 % and 96 %.
    assert first >= 0.65, late
    assert third >= 0.90, late


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("initialization of all weights with zeros", "activations/equal-weights"),
        ("learing rate", "optimisation/learning-rate"),
        ("what is a lr", "optimisation/learning-rate"),
        ("zero_grad(", "gradients/zero-grad"),
        ("+adam (SGD)?", "optimisation/adam"),
        ("cross ent", "activations/cross-entropy"),
    ],
    ids=["spelling of two countries", "misspelt", "short for", "code", "operators", "half a word"],
)
def test_a_query_may_be_written_in_many_ways(ask, query, page):
    assert page in ask(query)[:3]
