"""What a page's layout promises: the answer and its figure first, whole prints, rows that fit."""

from __future__ import annotations

import time

import pytest


@pytest.fixture
def visit(tiny, browser, serve):
    """A function that opens a page of the tiny site and returns the driver."""
    address = serve(tiny.folder / "site")

    def go(page: str):
        browser.driver.get(f"{address}/{page}")
        return browser.driver

    return go


@pytest.fixture
def printed(visit, browser):
    """A function that opens a page as a printer lays it out, on A4 in CSS pixels."""

    def go(page: str):
        driver = visit(page)
        browser.set_viewport(718, 1047)
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        return driver

    yield go
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


FIRST_FIGURE = "return document.querySelector('.dl-fig').getBoundingClientRect().top"


def test_the_first_figure_begins_above_the_fold(visit, browser):
    browser.set_viewport(1440, 900)
    assert visit("topic/question/").execute_script(FIRST_FIGURE) < 700


SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
SLOW = {"offline": False, "downloadThroughput": -1, "uploadThroughput": -1}
FIRST_PAINT = "return performance.getEntriesByName('first-contentful-paint')[0].startTime"


@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_moves_while_a_page_loads_slowly(visit, browser, width):
    """Fonts, scroll bar and script come later than the text, and leave it where it is."""
    driver = browser.driver
    watch = driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": SHIFTS})
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    driver.execute_cdp_cmd("Network.emulateNetworkConditions", SLOW | {"latency": 100})
    driver.execute_cdp_cmd("Emulation.setCPUThrottlingRate", {"rate": 4})
    try:
        browser.set_viewport(width)
        visit("topic/question/")
        time.sleep(3)  # long after the last font has come
        assert driver.execute_script("return window.shifts") < 0.01
        assert driver.execute_script(FIRST_PAINT) < 5000  # 1 s where nothing else runs
    finally:
        driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", watch)
        driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": False})
        driver.execute_cdp_cmd("Network.emulateNetworkConditions", SLOW | {"latency": 0})
        driver.execute_cdp_cmd("Network.disable", {})
        driver.execute_cdp_cmd("Emulation.setCPUThrottlingRate", {"rate": 1})


CUT_OFF = """
return [...document.querySelectorAll("pre, pre > code")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1)
  .map((one) => one.textContent);
"""
CLOSED = """
return [...document.querySelectorAll("details > :not(summary)")]
  .filter((one) => !one.checkVisibility())
  .map((one) => one.textContent);
"""
DRAWN = """
return [...document.querySelectorAll(".dl-fig svg")]
  .map((one) => [one.getBoundingClientRect().width, one.viewBox.baseVal.width])
  .filter(([width]) => width > 0);
"""


@pytest.mark.parametrize("page", ["outputs/", "labs/tiny/"])
def test_no_printed_code_is_cut_off(printed, page):
    assert printed(page).execute_script(CUT_OFF) == []


def test_what_is_folded_prints_open(printed):
    driver = printed("labs/tiny/")
    assert driver.execute_script("return document.querySelectorAll('details').length") > 0
    assert driver.execute_script(CLOSED) == []


def test_printed_figures_are_the_wide_ones_and_not_blown_up(printed):
    drawn = printed("figures/").execute_script(DRAWN)
    assert drawn
    for width, points in drawn:
        # 96 pixels to 72 points; the narrow drawing has 246 points
        assert points > 400
        assert width <= points * 96 / 72


CLAIM = """
const row = document.querySelector(".dl-ev tbody tr").getBoundingClientRect();
return document.querySelector(".dl-ev__says").getBoundingClientRect().width / row.width;
"""


@pytest.mark.parametrize("width", [360, 768])
def test_a_claim_has_the_whole_row_on_a_phone_and_on_a_tablet(visit, browser, width):
    browser.set_viewport(width)
    assert visit("evidence/").execute_script(CLAIM) > 0.95
