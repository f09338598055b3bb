"""What the tests of the engine share: a site of one page, written and read at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dlfaq.execution.config import EXTENSION, read_settings
from dlfaq.execution.page import read_page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dlfaq.execution.page import Page

CONFIG = f"""\
site_name: One page
markdown_extensions:
  - {EXTENSION}:
      preload: [numpy]
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site without a page."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "snippets").mkdir()
    (tmp_path / "mkdocs.yml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


@pytest.fixture
def read(site: Path) -> Callable[..., Page]:
    """A function that reads a page, given as text or bytes, and files below snippets/ by name."""

    def read(page: str | bytes, **snippets: str) -> Page:
        for name, text in snippets.items():
            file = site / "snippets" / name.replace("_", ".")
            file.write_text(text, encoding="utf-8")
        file = site / "docs" / "page.md"
        file.write_bytes(page if isinstance(page, bytes) else page.encode())
        return read_page(file, read_settings(site))

    return read


@pytest.fixture
def errors(read: Callable[..., Page]) -> Callable[..., list[str]]:
    """A function that reads a page and gives its errors, as a build prints them."""

    def errors(page: str | bytes, **snippets: str) -> list[str]:
        return [str(error) for error in read(page, **snippets).errors]

    return errors
