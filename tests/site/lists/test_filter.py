"""The filter of the lists, in a browser: what matches is shown, counted and grouped."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dlfaq.site.elements import element, html
from dlfaq.site.lists.catalogue import Catalogue, Question, Topic
from dlfaq.site.lists.landing import all_questions

ASSETS = Path(__file__).parents[3] / "docs" / "assets"
STATE = """
const shown = (css) => [...document.querySelectorAll(css)].filter((node) => node.offsetParent);
return [
  document.querySelector("output").value,
  shown(".dl-list > li > a").map((link) => link.textContent),
  shown(".dl-topic h3").map((heading) => heading.textContent),
  shown(".dl-none").length,
];
"""


def question(title, status, topic, *asked):
    src = f"{topic}/{title}.md"
    return Question(src, title, "An answer.", (title,), status, 1, topic, asked)


SITE = Catalogue(
    (
        Topic("a/index.md", "First", 1, (question("one", "wrong", "a", "CUDA full"),)),
        Topic(
            "b/index.md",
            "Second",
            2,
            (question("two", "right", "b"), question("three", "wrong", "b")),
        ),
    )
)


def page(folder):
    for name in ("dlfaq.css", "dlfaq.js"):
        shutil.copy(ASSETS / name, folder)
    body = html(element("article", *all_questions(SITE, page="index.md"), class_="md-typeset"))
    (folder / "index.html").write_text(
        f'<!doctype html><html><meta charset="utf-8">'
        f'<link rel="stylesheet" href="dlfaq.css">{body}<script src="dlfaq.js"></script>',
        encoding="utf-8",
    )


@pytest.fixture
def filtered(browser, serve, tmp_path):
    page(tmp_path)
    browser.driver.get(f"{serve(tmp_path)}/index.html")

    def find(**fields):
        for name, value in fields.items():
            browser.driver.execute_script(
                """
                const field = document.querySelector(arguments[0]);
                if (field.type === "checkbox") field.click();
                else {
                  field.value = arguments[1];
                  field.dispatchEvent(new Event("input", { bubbles: true }));
                }
                """,
                f"[value={value}]" if name == "status" else f"[name={name}]",
                value,
            )
        return browser.driver.execute_script(STATE)

    return find


@pytest.mark.parametrize(
    ("fields", "count", "shown", "topics"),
    [
        ({}, "3 of 3", ["one", "two", "three"], ["First", "Second"]),
        ({"find": "ANSWER t"}, "2 of 3", ["two", "three"], ["Second"]),
        ({"find": "thr"}, "1 of 3", ["three"], ["Second"]),
        ({"find": "cuda"}, "1 of 3", ["one"], ["First"]),
        ({"topic": "b"}, "2 of 3", ["two", "three"], ["Second"]),
        ({"status": "wrong"}, "2 of 3", ["one", "three"], ["First", "Second"]),
        ({"status": "wrong", "topic": "b"}, "1 of 3", ["three"], ["Second"]),
    ],
    ids=[
        "nothing",
        "two words",
        "word",
        "other way to ask",
        "topic",
        "verdict",
        "verdict and topic",
    ],
)
def test_what_matches_is_shown_and_counted(filtered, fields, count, shown, topics):
    assert filtered(**fields) == [count, shown, topics, 0]


def test_it_says_when_nothing_matches_and_comes_back(filtered):
    assert filtered(find="zebra") == ["0 of 3", [], [], 1]
    assert filtered(find="")[0] == "3 of 3"


def test_where_nothing_matches_the_whole_site_can_be_searched_for_it(filtered, browser):
    filtered(find="c++ & zebra")
    browser.driver.find_element("link text", "Search all pages").click()
    found = "return new URLSearchParams(location.search).get('q')"
    assert browser.driver.execute_script(found) == "c++ & zebra"


SHOWN = "return document.querySelector('form').offsetParent !== null"


def test_without_scripts_there_is_no_filter(browser, serve, tmp_path):
    page(tmp_path)
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.driver.get(f"{serve(tmp_path)}/index.html")
        assert browser.driver.execute_script(SHOWN) is False
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_the_filter_has_its_room_before_its_script_has_come(browser, serve, tmp_path):
    page(tmp_path)
    (tmp_path / "dlfaq.js").unlink()
    browser.driver.get(f"{serve(tmp_path)}/index.html")
    assert browser.driver.execute_script(SHOWN) is True
