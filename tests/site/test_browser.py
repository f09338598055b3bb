"""The tiny site in Chromium: on a phone, in the dark, by keyboard, with no network but its own."""

from __future__ import annotations

import pytest
from axe_core_python.selenium import Axe

PAGES = [
    "",
    "topic/question/",
    "outputs/",
    "figures/",
    "mathematics/",
    "sweep/",
    "labs/",
    "labs/tiny/",
]


@pytest.fixture
def visit(tiny, browser, serve):
    """A function that opens a page of the tiny site and returns the driver."""
    address = serve(tiny.folder / "site")

    def go(page: str):
        browser.driver.get(f"{address}/{page}")
        return browser.driver

    return go


@pytest.mark.parametrize("page", PAGES)
def test_a_phone_does_not_scroll_sideways(visit, browser, page):
    browser.set_viewport(360)
    script = "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
    assert visit(page).execute_script(script) <= 0  # less: a gutter for a scroll bar that is none


SHOWN = """
const plate = document.querySelector(".dl-plate");
const style = getComputedStyle(plate);
const box = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
plate.style.boxSizing = "border-box";
plate.style.margin = 0;
plate.style.maxWidth = "none";
plate.style.width = `${arguments[0] + box}px`;
const seen = (name) => plate.querySelector(`.dl-fig__${name}`).getBoundingClientRect().width > 0;
return ["wide", "narrow"].filter(seen);
"""


@pytest.mark.parametrize(("width", "drawing"), [(559, "narrow"), (561, "wide")])
def test_the_width_of_a_plate_picks_the_drawing(visit, width, drawing):
    assert visit("figures/").execute_script(SHOWN, width) == [drawing]


COLOURS = """
const figure = document.querySelector(".dl-fig__wide svg");
const line = [...figure.querySelectorAll("path")].find((path) => path.style.strokeWidth === "2.2");
return [
  getComputedStyle(line).stroke,
  getComputedStyle(figure.querySelector("text")).fill,
  getComputedStyle(document.querySelector(".dl-plate")).color,
];
"""


def test_figures_follow_the_colour_scheme(visit, browser):
    light = visit("figures/").execute_script(COLOURS)
    # Material keeps the scheme that it began with, and an open page notes a change at once.
    browser.driver.execute_script("localStorage.clear()")
    browser.driver.get("about:blank")
    browser.set_colour_scheme("dark")
    dark = visit("figures/").execute_script(COLOURS)
    # c1, ink-2 and ink of the specification
    assert light == ["rgb(26, 86, 176)", "rgb(76, 90, 82)", "rgb(22, 33, 27)"]
    assert dark == ["rgb(109, 149, 255)", "rgb(165, 180, 170)", "rgb(227, 235, 229)"]


@pytest.mark.parametrize("page", PAGES)
def test_no_request_leaves_the_site(visit, page):
    driver = visit(page)
    origin = driver.execute_script("return location.origin")
    script = "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    asked = driver.execute_script(script)
    assert len(asked) > 3
    assert [address for address in asked if not address.startswith(f"{origin}/")] == []


def test_code_has_a_copy_button_and_output_has_none(visit):
    driver = visit("outputs/")
    count = "return document.querySelectorAll(arguments[0]).length"
    snippets = driver.execute_script(count, ".dl-cell .highlight")
    assert snippets > 5
    assert driver.execute_script(count, ".dl-cell .highlight .md-code__button") == snippets
    assert driver.execute_script(count, ".dl-out .md-code__button") == 0


SCROLLING = """
return [...document.querySelectorAll(".md-content *")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0)
  .filter((one) => ["auto", "scroll"].includes(getComputedStyle(one).overflowX))
  .map((one) => [one.className || one.tagName, one.tabIndex]);
"""


@pytest.mark.parametrize("page", ["topic/question/", "outputs/", "labs/tiny/"])
def test_what_scrolls_can_be_reached_by_keyboard(visit, browser, page):
    browser.set_viewport(360)
    scrolling = visit(page).execute_script(SCROLLING)
    assert scrolling
    assert [name for name, index in scrolling if index != 0] == []


@pytest.mark.parametrize("width", [1440, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, browser, scheme, width):
    browser.set_viewport(width)
    browser.set_colour_scheme(scheme)
    for page in PAGES:
        found = Axe().run(visit(page), options={"resultTypes": ["violations"]})["violations"]
        serious = [one for one in found if one["impact"] in {"serious", "critical"}]
        told = [(one["id"], node["html"]) for one in serious for node in one["nodes"]]
        assert told == [], page
