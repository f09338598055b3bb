"""The reference of a package: all of its public names, and the way from and to pages."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

import dlfaq
from dlfaq.errors import InputError
from dlfaq.site.reference.docstring import signature
from dlfaq.site.reference.names import public_names, rooms_of

PACKAGE = Path(dlfaq.__file__).parent

INIT = '''\
"""Two tools."""

from os.path import join as join

from mine.tools import Box as Box
from mine.tools import double as double
from mine.tools import _hidden
'''

TOOLS = '''\
"""Tools that are sharp. And more of them."""

raise RuntimeError("nobody imports this")


def double(x: float, *more: float, base: int = 10, **options: bool) -> float:
    """Twice a `number`, <b>.

    A second paragraph:

    - one
    - two

    Args:
        x: the number.
        base: of the
            digits.

    Returns:
        Twice as much.

    Raises:
        ValueError: never.

    Example:
        >>> y = 2
        >>> double(y)
        4
        >>> double(
        ...     y + 1
        ... )
        6
    """


def _hidden():
    """Nobody sees it."""


class Box:
    """Holds things.

    Attributes:
        size: how many.
    """

    def __init__(self, size, *, lid=True):
        self.size = size

    @property
    def size(self):
        """How many again."""

    def open(self, *, wide=False):
        """Open it."""

    def _shut(self):
        """Shut it."""
'''

PAGE = """\
---
title: A page
---

```python
#| output: false
try:
    from mine import (
        Box,
        double as twice,  # double
    )
except RuntimeError:
    pass
from statistics import mean
```
"""


@pytest.fixture(scope="module")
def site(new_site):
    """A site with the reference of a package that cannot be imported."""
    site = new_site({"docs/index.md": "# Home\n", "docs/deep/page.md": PAGE})
    site.write("docs/reference.md", "---\ntitle: Reference\n---\n\n`{reference}`\n")
    site.write("mine/__init__.py", INIT)
    site.write("mine/tools.py", TOOLS)
    yml = (site.folder / "mkdocs.yml").read_text(encoding="utf-8")
    site.write("mkdocs.yml", f"{yml}      reference: mine\n")
    built = site.run("mkdocs", "build", "--strict")
    assert built.returncode == 0, built.stdout
    return site


@pytest.fixture(scope="module")
def page(site):
    """The page of the reference."""
    return BeautifulSoup(site.article("reference"), "html.parser")


def texts(page, selector):
    return [one.get_text() for one in page.select(selector)]


# What is there ----------------------------------------------------------------------------------


def test_the_reference_has_all_public_names_of_the_library_and_no_others():
    names = [public.name for room in rooms_of(PACKAGE) for public in room.names]
    assert sorted(names) == sorted(dlfaq.__all__)
    assert set(public_names(PACKAGE)) == set(dlfaq.__all__)


@pytest.mark.parametrize("room", rooms_of(PACKAGE), ids=lambda room: room.name)
def test_a_name_of_the_library_is_called_as_python_says(room):
    assert room.about
    for public in room.names:
        real = getattr(dlfaq, public.name)
        shown = signature(public.name, public.source)
        if dataclasses.is_dataclass(real) or (inspect.isclass(real) and issubclass(real, tuple)):
            assert shown == public.name
            continue
        expected = list(inspect.signature(real).parameters)
        called = inspect.signature(eval(f"lambda {_inside(shown)}: 0"))
        assert list(called.parameters) == expected, public.name


def _inside(shown: str) -> str:
    """The parameters of a signature, their defaults None: what they are is not known here."""
    return ",".join(
        part.partition("=")[0] + "=None" * ("=" in part)
        for part in _parts(shown[shown.index("(") + 1 : -1])
    )


def _parts(text: str) -> list[str]:
    """Split at the commas outside of brackets."""
    parts, depth = [""], 0
    for letter in " ".join(text.split()):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def test_a_name_shows_how_it_is_called_what_it_takes_and_what_its_example_gives(page):
    assert texts(page, "h2") == ["Tools¶"]
    assert [one["id"] for one in page.select("h3")] == ["Box", "double"]
    assert texts(page, ".dl-ref__sig") == [
        "Box(size, *, lid=True)\n",
        "Box.open(*, wide=False)\n",
        "double(x, *more, base=10, **options)\n",
    ]
    terms = [tuple(term.get_text().split()) for term in page.select("dt")]
    assert ("x", "float") in terms
    assert ("ValueError",) in terms
    assert "of the digits." in texts(page, "dd")
    assert texts(page, "li") == ["one", "two"]
    cell = page.select_one(".dl-cell")
    assert [one.get_text() for one in cell.select("pre")] == [
        "y = 2\ndouble(y)\n",
        "4",
        "double(\n    y + 1\n)\n",
        "6",
    ]
    assert "Twice a number, <b>." in texts(page, "p")


def test_what_is_private_or_comes_from_elsewhere_is_not_there(page):
    text = page.get_text()
    assert "Nobody sees it" not in text
    assert "Shut it" not in text
    assert "How many again" not in text  # the docstring of the class has said it
    assert "join" not in text


# Ways -------------------------------------------------------------------------------------------


def test_code_links_to_the_names_that_it_imports_and_the_names_to_their_pages(site, page):
    article = BeautifulSoup(site.article("deep/page"), "html.parser")
    links = [(one.get_text(), one["href"]) for one in article.select("pre a")]
    assert links == [("Box", "../../reference/#Box"), ("double", "../../reference/#double")]
    assert "double as twice,  # double" in article.select_one("pre").get_text()
    used = [(one.get_text(), one["href"]) for one in page.select(".dl-ref__used a")]
    assert used == [("A page", "../deep/page/")] * 2


def test_a_folder_that_is_no_package_is_told(site):
    with pytest.raises(InputError, match="expected a package in"):
        public_names(site.folder / "docs")


def test_a_reference_of_nothing_says_what_is_missing(site):
    yml = (site.folder / "mkdocs.yml").read_text(encoding="utf-8")
    site.write("bare.yml", yml.replace("      reference: mine\n", ""))
    built = site.run("mkdocs", "build", "--strict", "-f", "bare.yml")
    assert built.returncode == 1
    assert "docs/reference.md:1: nothing says of which package" in built.stdout
