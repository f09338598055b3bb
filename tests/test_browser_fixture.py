from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = """<!doctype html>
<meta name="viewport" content="width=device-width">
<style>
  body { background: white }
  @media (prefers-color-scheme: dark) { body { background: rgb(1, 2, 3) } }
</style>
<p>A page.</p>
"""


@pytest.fixture
def page(tmp_path, serve):
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    return f"{serve(tmp_path)}/index.html"


def background(browser):
    return browser.driver.execute_script("return getComputedStyle(document.body).backgroundColor")


@pytest.mark.parametrize("width", [360, 1440])
def test_a_page_is_laid_out_at_the_width_that_was_set(browser, page, width):
    browser.set_viewport(width)
    browser.driver.get(page)
    laid_out = "return [innerWidth, document.documentElement.getBoundingClientRect().width]"
    assert browser.driver.execute_script(laid_out) == [width, width]


@pytest.mark.parametrize(
    ("scheme", "expected"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(1, 2, 3)")]
)
def test_a_page_sees_the_colour_scheme_that_was_set(browser, page, scheme, expected):
    browser.set_colour_scheme(scheme)
    browser.driver.get(page)
    assert background(browser) == expected


@pytest.fixture(params=["first", "second"])
def visit(request, browser):
    """What a test finds before it changes anything, twice over."""
    found = browser.driver.execute_script(
        "return [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches, location.href]"
    )
    yield found
    browser.set_viewport(360)
    browser.set_colour_scheme("dark")


def test_a_test_does_not_see_what_the_one_before_it_set(visit):
    assert visit == [1280, False, "about:blank"]


def run_without_chromium(tmp_path, **environment):
    """Pytest on the scheme tests above, two in number, where no command is to be found."""
    nodes = f"{__file__}::{test_a_page_sees_the_colour_scheme_that_was_set.__name__}"
    kept = {name: value for name, value in os.environ.items() if name != "DLFAQ_REQUIRE_BROWSER"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", nodes],
        env={**kept, "PATH": str(tmp_path), **environment},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_chromium_the_last_line_counts_the_skipped_tests(tmp_path):
    done = run_without_chromium(tmp_path)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith("browser tests skipped: 2 ")


def test_where_the_browser_is_required_its_absence_is_a_failure(tmp_path):
    done = run_without_chromium(tmp_path, DLFAQ_REQUIRE_BROWSER="1")
    assert done.returncode == 1
    assert "install the Debian packages chromium and chromium-driver" in done.stdout
