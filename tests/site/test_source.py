"""Which page a converter is given: the one that the build has read, or the file itself."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from markdown import Markdown
from markdown.treeprocessors import Treeprocessor

from dlfaq.execution.site import read_site
from dlfaq.pages.config import EXTENSION, read_settings
from dlfaq.site.source import Source


@pytest.fixture
def site(tmp_path):
    (tmp_path / "docs").mkdir()
    yml = f"site_name: A\nmarkdown_extensions: [{EXTENSION}]\n"
    (tmp_path / "mkdocs.yml").write_text(yml, encoding="utf-8")
    write(tmp_path, "page.md", "One.\n")
    return tmp_path


def write(site, name, text):
    (site / "docs" / name).write_text(f"---\ntitle: A\n---\n\n{text}", encoding="utf-8")


def source(site, src="page.md", **plugins):
    """The source of a converter to which MkDocs has given one page."""
    md = Markdown()
    relpath = Treeprocessor(md)
    relpath.config = SimpleNamespace(config_file_path=str(site / "mkdocs.yml"), plugins=plugins)
    relpath.file = SimpleNamespace(src_uri=src)
    md.treeprocessors.register(relpath, "relpath", 0)
    return Source(md)


def built(site):
    whole = read_site(read_settings(site))
    return whole, {"dlfaq": SimpleNamespace(site=whole)}


def test_the_build_hands_on_what_it_has_read(site):
    whole, plugins = built(site)
    context = source(site, **plugins).context(["One.", ""])
    assert context.page is whole.pages[0]
    assert context.site is whole
    assert source(site, **plugins).whole_site(context) is whole


def test_a_page_saved_since_is_read_again(site):
    _, plugins = built(site)
    write(site, "page.md", "Two.\n")
    context = source(site, **plugins).context(["Two.", ""])
    assert context.page.lines[-2:] == ["Two.", ""]


def test_a_page_made_since_is_read(site):
    _, plugins = built(site)
    write(site, "new.md", "New.\n")
    context = source(site, "new.md", **plugins).context(["New.", ""])
    assert context.page.src == "new.md"


@pytest.mark.parametrize(
    "plugins", [{}, {"dlfaq": SimpleNamespace(site=None)}], ids=["no", "early"]
)
def test_without_a_build_the_files_are_read(site, plugins):
    write(site, "other.md", "Other.\n")
    one = source(site, **plugins)
    context = one.context(["One.", ""])
    assert [page.src for page in context.site.pages] == ["page.md"]
    assert [page.src for page in one.whole_site(context).pages] == ["other.md", "page.md"]


def test_a_text_outside_of_pages_has_none():
    assert Source(Markdown()).context(["Words."]) is None


def test_a_page_that_no_file_holds_is_read_as_it_is_given(site):
    context = source(site, "made.md").context(["```python", "1", "```"])
    assert [str(problem) for problem in context.problems] == [
        "made.md:1: no result for this chain; `dlfaq run`"
    ]


@pytest.mark.parametrize("plugins", [{}, {"dlfaq": SimpleNamespace(site=None)}])
def test_other_pages_are_as_their_files_are_now(site, plugins):
    for text in ("Other.", "Edited."):
        write(site, "other.md", f"{text}\n")
        one = source(site, **plugins)
        pages = one.pages(one.context(["One.", ""]))
        assert [page.lines[-2] for page in pages] == [text, "One."]


def test_the_page_that_is_converted_is_among_the_pages_as_it_is_now(site):
    _, plugins = built(site)
    write(site, "page.md", "Two.\n")
    write(site, "new.md", "New.\n")
    for src, text in (("page.md", "Two."), ("new.md", "New.")):
        one = source(site, src, **plugins)
        pages = one.pages(one.context([text, ""]))
        assert [page.lines[-2] for page in pages if page.src == src] == [text]
