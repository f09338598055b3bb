"""The browser that tests see pages in, a server for them, a site of one page, and counts."""

from __future__ import annotations

import functools
import os
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Literal

import hypothesis
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from dlfaq.pages.config import EXTENSION, read_settings
from dlfaq.pages.reader import read_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dlfaq.pages.page import Page

NO_CHROMIUM = "no Chromium: expected the commands chromium and chromedriver"
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # CI runs as root, where Chromium's sandbox refuses to start
    "--disable-dev-shm-usage",  # a container's /dev/shm is too small for a long page
    "--disable-gpu",
    # The rest keeps Chromium from looking for a network of its own accord.
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

CONFIG = f"""\
site_name: One page
markdown_extensions:
  - {EXTENSION}:
      preload: [numpy]
"""


class Browser:
    """Chromium with the two settings that a page of ours answers to.

    `driver` is the selenium driver, for everything else.
    """

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def set_viewport(self, width: int, height: int = 800) -> None:
        """Lay pages out at `width` by `height` CSS pixels, one device pixel each.

        Emulated, because a real window is never narrower than 500.
        """
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def set_colour_scheme(self, scheme: Literal["light", "dark"]) -> None:
        """Tell pages that the reader's system prefers `scheme`."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One Chromium for the whole run: starting it outlasts a test. Tests ask for `browser`."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        if os.environ.get("DLFAQ_REQUIRE_BROWSER") == "1":
            pytest.fail(
                f"{NO_CHROMIUM}, because DLFAQ_REQUIRE_BROWSER=1; got {binary} and {driver}; "
                "install the Debian packages chromium and chromium-driver, or unset the variable"
            )
        pytest.skip(NO_CHROMIUM)
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    # Naming both programs keeps selenium from downloading its own.
    session = webdriver.Chrome(options=options, service=Service(driver))
    yield session
    session.quit()


@pytest.fixture
def browser(chromium: webdriver.Chrome) -> Browser:
    """A blank page on a desktop in light mode, whatever the test before it did.

    Local storage is a matter of the address, and `serve` gives each test its own.
    """
    fresh = Browser(chromium)
    chromium.get("about:blank")
    fresh.set_viewport(1280)
    fresh.set_colour_scheme("light")
    return fresh


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing: the report of a failed test shows what matters."""


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """A function that serves a folder until the test ends and returns its address, without "/"."""
    servers = []

    def start(folder: Path) -> str:
        handler = functools.partial(_QuietHandler, directory=str(folder))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


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


def pytest_configure(config: pytest.Config) -> None:
    """Have Hypothesis try the same examples in each `make test`, and new ones in each soak."""
    soak = config.getoption("soak")
    hypothesis.settings.register_profile(
        "ours", deadline=None, database=None, derandomize=not soak, print_blob=soak
    )
    hypothesis.settings.load_profile("ours")


@pytest.fixture(scope="session")
def count(pytestconfig: pytest.Config) -> Callable[..., int]:
    """A function that says how often to try: `count(50, soak=2000)`.

    A property of Hypothesis takes it as `settings(max_examples=count(50, soak=2000))` on a function
    within the test, a loop as its range.
    """

    def count(test: int, *, soak: int) -> int:
        return soak if pytestconfig.getoption("soak") else test

    return count


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say last of all, below pytest's own summary, how many browser tests did not run."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skips = reporter.stats.get("skipped", []) if reporter else []
    missed = sum(NO_CHROMIUM in str(report.longrepr) for report in skips)
    if missed:
        reporter.write_line(
            f"browser tests skipped: {missed} (Debian: apt install chromium chromium-driver)"
        )
