"""The pages of this site, as far as can be told without running them."""

from __future__ import annotations

from pathlib import Path

from dlfaq.cli.lint import lint
from dlfaq.pages.config import read_settings


def test_our_pages_are_clean():
    assert [str(error) for error in lint(read_settings(Path(__file__).parents[1]))] == []
