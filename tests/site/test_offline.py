"""The site that is opened from its folder: every link leads to a file, and the search works."""

from __future__ import annotations

import shutil
from copy import copy
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    """The tiny site as `make site OFFLINE=1` builds the real one."""
    site = copy(tiny)
    site.folder = tmp_path_factory.mktemp("offline")
    shutil.copytree(tiny.folder, site.folder, dirs_exist_ok=True)
    config = site.folder / "mkdocs.yml"
    text = config.read_text(encoding="utf-8")
    offline = "  - offline: {enabled: !ENV [OFFLINE, false]}\n"
    assert "!ENV [OFFLINE, false]" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    config.write_text(text.replace("  - dlfaq\n", f"  - dlfaq\n{offline}"), encoding="utf-8")
    built = site.run("mkdocs", "build", "--strict", "--site-dir", "site-offline", OFFLINE="true")
    assert built.returncode == 0, built.stdout
    return site.folder / "site-offline"


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in {"href", "src"} and value]


def test_every_link_leads_to_a_file(folder):
    pages = [page for page in folder.rglob("*.html") if page.name != "404.html"]
    assert len(pages) > 5
    for page in pages:
        links = _Links()
        links.feed(page.read_text(encoding="utf-8"))
        for link in links.found:
            parts = urlsplit(link)
            if parts.scheme or not parts.path:
                continue
            target = (page.parent / unquote(parts.path)).resolve()
            assert target.is_file(), f"{page.relative_to(folder)}: {link}"


def test_the_search_finds_a_page_and_nothing_is_amiss(folder, browser):
    driver = browser.driver
    driver.get_log("browser")  # what other tests left
    driver.get((folder / "index.html").as_uri() + "?q=thought")
    found = WebDriverWait(driver, 20).until(
        lambda page: page.find_elements(By.CSS_SELECTOR, ".md-search-result__link")
    )
    address = found[0].get_attribute("href")
    assert urlsplit(address).path == (folder / "topic" / "index.html").as_posix()
    driver.get(address)
    assert driver.find_element(By.TAG_NAME, "h1").text.startswith("A topic")
    assert [log for log in driver.get_log("browser") if log["level"] == "SEVERE"] == []
