"""A slider over the measured states of a figure: by keyboard, mouse and finger, and without it."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.actions.interaction import POINTER_MOUSE, POINTER_TOUCH
from selenium.webdriver.common.actions.pointer_input import PointerInput

from dlfaq.site.page.sliders import sliders, states_in


def drawing(*states):
    marks = (f'<g data-state="{name}" data-value="{value}"><path/></g>' for name, value in states)
    return f"<svg><path/>{''.join(marks)}</svg>"


def test_states_are_found_once_each_in_the_order_drawn():
    svg = drawing(("a &lt; b", "0.3"), ("a &lt; b", "0.1"), ("c", "x"), ("a &lt; b", "0.3"))
    assert states_in(svg) == {"a < b": ["0.3", "0.1"], "c": ["x"]}


def test_each_sweep_has_a_slider_that_begins_at_all():
    html = sliders(
        drawing(("rate", "0.1"), ("rate", "1"), ("size", "8"), ("size", "16")), prefix="f"
    )
    page = BeautifulSoup(html, "html.parser")
    moved = page.select("input[type=range]")
    assert [page.select_one(f"label[for={one['id']}]").text for one in moved] == ["rate", "size"]
    assert [(one["min"], one["value"], one["max"]) for one in moved] == [("0", "0", "2")] * 2
    listed = [[o["label"] for o in page.find(id=one["list"]).select("option")] for one in moved]
    assert listed == [["all", "0.1", "1"], ["all", "8", "16"]]


def test_one_state_alone_needs_no_slider():
    assert sliders(drawing(("rate", "0.1"), ("rate", "0.1")), prefix="f") == ""
    assert sliders("<svg><path/></svg>", prefix="f") == ""


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("1e-05", "10⁻⁵"),
        ("0.003", "0.003"),
        ("3.0", "3"),
        ("0", "0"),
        ("1000", "1,000"),
        ("-1200", "\N{MINUS SIGN}1,200"),
        ("A & B", "A & B"),
    ],
)
def test_a_value_is_shown_as_a_reader_writes_it_and_known_as_the_drawing_has_it(value, words):
    html = sliders(drawing(("x", "first"), ("x", value.replace("&", "&amp;"))), prefix="f")
    option = BeautifulSoup(html, "html.parser").select("option")[-1]
    assert (option["label"], option["data-value"]) == (words, value)


@pytest.fixture
def sweep(tiny, browser, serve):
    """The driver on the page of the tiny site that sweeps a learning rate."""
    browser.driver.get(f"{serve(tiny.folder / 'site')}/sweep/")
    return browser.driver


STATE = """
const slider = document.querySelector(".dl-slider input");
const drawn = (name) => [...document.querySelectorAll(`.dl-fig__${name} g[data-state]`)];
const opacity = (node) => Number(getComputedStyle(node).opacity);
return {
  said: slider.getAttribute("aria-valuetext"),
  shown: document.querySelector(".dl-slider output").value,
  clear: ["wide", "narrow"].map((name) =>
    drawn(name).filter((node) => opacity(node) === 1).map((node) => node.dataset.value)),
  faintest: Math.min(...drawn("wide").map(opacity)),
  front: drawn("wide").at(-1).dataset.value,
};
"""
EVERY = ["1e-10", "0.1", "1.0"]


def slider_of(driver):
    return driver.find_element("css selector", ".dl-slider input")


def test_at_first_all_states_are_seen_alike(sweep):
    state = sweep.execute_script(STATE)
    assert (state["said"], state["shown"]) == ("all", "all")
    assert state["clear"] == [EVERY, EVERY]


def test_keys_choose_a_state_in_both_drawings_and_give_all_back(sweep):
    slider = slider_of(sweep)
    for key, words, value in (
        (Keys.ARROW_RIGHT, "10⁻¹⁰", "1e-10"),
        (Keys.ARROW_RIGHT, "0.1", "0.1"),
        (Keys.END, "1", "1.0"),
        (Keys.ARROW_LEFT, "0.1", "0.1"),
    ):
        slider.send_keys(key)
        state = sweep.execute_script(STATE)
        assert (state["said"], state["shown"]) == (words, words)
        assert state["clear"] == [[value], [value]]
        assert state["faintest"] < 0.4
        assert state["front"] == value
    slider.send_keys(Keys.HOME)
    assert sweep.execute_script(STATE)["clear"] == [EVERY, EVERY]


THIN = """
return [...document.querySelectorAll(".dl-fig__wide svg > path")]
  .filter((path) => path.style.strokeOpacity < 1 && path.style.strokeOpacity)
  .map((path) => [path.style.stroke, Number(getComputedStyle(path).opacity)]);
"""


def test_the_runs_behind_a_mean_go_with_it_and_what_is_no_state_stays(sweep):
    colours = ["var(--dl-c1)"] * 2 + ["var(--dl-c2)"] * 2 + ["var(--dl-c3)"] * 2 + ["var(--dl-c6)"]
    before = sweep.execute_script(THIN)
    assert sorted(before) == [[colour, 1] for colour in colours]
    slider_of(sweep).send_keys(Keys.END)
    clear = sorted(colour for colour, opacity in sweep.execute_script(THIN) if opacity == 1)
    assert clear == ["var(--dl-c3)", "var(--dl-c3)", "var(--dl-c6)"]


def test_the_tab_key_reaches_the_slider(sweep):
    sweep.execute_script("document.querySelector('h1, .dl-plate').scrollIntoView()")
    for _ in range(40):
        ActionChains(sweep).send_keys(Keys.TAB).perform()
        if sweep.switch_to.active_element == slider_of(sweep):
            return
    pytest.fail("forty tabs and no slider")


@pytest.mark.parametrize("kind", [POINTER_MOUSE, POINTER_TOUCH])
def test_a_pointer_drags_it(sweep, kind):
    slider = slider_of(sweep)
    reach = slider.size["width"] // 2 - 8
    pointer = PointerInput(kind, kind)
    actions = ActionChains(sweep, devices=[pointer], duration=0)
    actions.w3c_actions.pointer_action.move_to(slider, -reach, 0).pointer_down()
    actions.w3c_actions.pointer_action.move_to(slider, reach, 0).pointer_up()
    actions.perform()
    assert sweep.execute_script(STATE)["clear"] == [["1.0"], ["1.0"]]


PLACES = """
const box = (css) => { const b = document.querySelector(css).getBoundingClientRect();
  return [b.x, b.y, b.width, b.height]; };
return [".dl-slider input", ".dl-fig", ".dl-plate"].map(box);
"""


@pytest.mark.parametrize("width", [360, 1440])
def test_nothing_moves_but_the_slider(sweep, browser, width):
    browser.set_viewport(width)
    before = sweep.execute_script(PLACES)
    for _ in EVERY:
        slider_of(sweep).send_keys(Keys.ARROW_RIGHT)
        assert sweep.execute_script(PLACES) == before


def test_the_drawing_is_as_before_when_all_are_shown_again(sweep):
    drawn = "return document.querySelector('.dl-fig').innerHTML.replaceAll('<!---->', '')"
    before = sweep.execute_script(drawn)
    slider_of(sweep).send_keys(Keys.ARROW_RIGHT)
    assert sweep.execute_script(drawn) != before
    slider_of(sweep).send_keys(Keys.HOME)
    assert sweep.execute_script(drawn) == before


SEEN = """
const seen = (node) => node.getBoundingClientRect().height > 0;
const opacity = (node) => Number(getComputedStyle(node).opacity);
return {
  sliders: [...document.querySelectorAll(".dl-slider")].filter(seen).length,
  clear: [...document.querySelectorAll(".dl-fig__wide g[data-state]")]
    .filter((node) => seen(node) && opacity(node) === 1).length,
};
"""


def test_without_scripts_all_states_are_seen_and_no_slider(tiny, browser, serve):
    driver = browser.driver
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        driver.get(f"{serve(tiny.folder / 'site')}/sweep/")
        assert driver.execute_script(SEEN) == {"sliders": 0, "clear": 3}
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_in_print_all_states_are_seen_and_no_slider(sweep):
    slider_of(sweep).send_keys(Keys.END)
    assert sweep.execute_script(SEEN) == {"sliders": 1, "clear": 1}
    sweep.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert sweep.execute_script(SEEN) == {"sliders": 0, "clear": 3}
    finally:
        sweep.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
