"""The same pages under Zensical, which knows the Markdown extension and not the plugin."""

from __future__ import annotations

import re
import shutil

import pytest

PAGES = ["", "topic", "topic/question", "topic/second", "outputs", "figures", "mathematics"]

#: Zensical drops the attribute from what it writes, and adds a target for its skip link.
ITS_OWN = r' data-search-exclude(="")?|<a id="__skip" tabindex="-1"></a>'


@pytest.fixture(scope="module")
def zensical(tiny, new_site):
    """The tiny site, its results copied, built by Zensical."""
    site = new_site({})
    for name in ("docs", ".dlfaq"):
        shutil.copytree(tiny.folder / name, site.folder / name)
    ran = site.dlfaq("run")
    assert (ran.returncode, ran.stdout) == (0, "0 of 19 chains run, 0 failures\n")
    built = site.run("zensical", "build", "--clean")
    assert built.returncode == 0, built.stdout
    return site


def plain(article: str) -> str:
    return re.sub(r"\s*\n\s*", "\n", re.sub(ITS_OWN, "", article)).strip()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_reads_as_under_mkdocs(tiny, zensical, page):
    assert plain(zensical.article(page)) == plain(tiny.article(page))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```python\nprint(1)\n```\n", "docs/page.md:1: no result for this chain; `dlfaq run`"),
        ("Bad $\\nonsense$.\n", "docs/page.md:1: LaTeX: "),
        ("```Python\n1\n```\n", "docs/page.md:1: write `python` to run this fence"),
    ],
    ids=["no result", "formula", "grammar"],
)
def test_what_cannot_be_shown_ends_it(new_site, text, message):
    site = new_site({"docs/index.md": "# Home\n", "docs/page.md": text})
    built = site.run("zensical", "build", "--clean")
    assert built.returncode != 0
    assert message in built.stdout


KEEP = """\
from dlfaq.execution.background import Background
from dlfaq.execution.job import jobs_of
from dlfaq.execution.site import read_pages
from dlfaq.pages.config import read_settings

settings = read_settings(".")
background = Background(print)
background.want(jobs_of(read_pages(settings)), settings)
background.wait(60)
"""


def test_a_failure_that_serve_has_kept_ends_it_too(new_site):
    site = new_site({"docs/index.md": "# Home\n", "docs/page.md": "```python\n1 / 0\n```\n"})
    site.write("keep.py", KEEP)
    assert "ZeroDivisionError" in site.run("keep").stdout
    built = site.run("zensical", "build", "--clean")
    assert built.returncode != 0
    assert "docs/page.md:2: ZeroDivisionError: division by zero" in built.stdout
