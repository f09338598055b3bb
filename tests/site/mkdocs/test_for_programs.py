"""What a build writes beside its pages, and what it needs to know for that."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from bs4 import BeautifulSoup
from jsonschema import validate

from dlfaq.site.mkdocs.history import verdict_dates

THEME = Path(__file__).parents[3] / "theme"
PAGE = """\
---
title: 'Why "a < b" & more?'
description: Because.
question: true
status: right
order: 1
---

Because it is.
"""
REPOSITORY = "https://github.com/me/faq"
TOPIC = "---\ntitle: Topic\norder: 1\n---\n\nWords.\n"


@pytest.fixture
def commit(tmp_path):
    """A function that writes a page into a repository and commits it on a day of November."""

    def git(*arguments, day=1):
        when = f"2026-11-{day:02}T12:00:00+00:00"
        subprocess.run(
            ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when},
            check=True,
            capture_output=True,
        )

    def save(name, text, day):
        file = tmp_path / "docs" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        git("add", "--all", day=day)
        git("commit", "--message", name, day=day)

    git("init", "--quiet")
    return save


def noon(day):
    return datetime(2026, 11, day, 12, tzinfo=UTC)


def test_a_verdict_is_dated_by_the_commits_that_changed_it_and_no_others(commit, tmp_path):
    commit("t/é why.md", PAGE, 1)
    commit("t/é why.md", PAGE.replace("it is", "it is so"), 2)
    commit("t/other.md", PAGE, 3)
    commit("t/é why.md", PAGE.replace("right", "wrong"), 4)
    commit("t/é why.md", PAGE.replace("right", "wrong") + "\nMore.\n", 5)
    assert verdict_dates(tmp_path / "docs") == {
        "t/é why.md": (noon(1), noon(4)),
        "t/other.md": (noon(3), noon(3)),
    }


def test_there_are_no_dates_where_git_knows_none(commit, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    commit("why.md", PAGE, 1)
    commit("why.md", PAGE.replace("right", "wrong"), 2)
    command = ["git", "clone", "--depth=1", f"file://{tmp_path}", str(tmp_path / "shallow")]
    subprocess.run(command, check=True, capture_output=True)
    assert verdict_dates(tmp_path / "shallow" / "docs") == {}
    shutil.rmtree(tmp_path / ".git")
    assert verdict_dates(tmp_path / "docs") == {}


@pytest.fixture(scope="module")
def known(new_site):
    """A site with templates and history, built for https://example.org/faq."""
    pages = {"docs/index.md": "# Home\n", "docs/topic/index.md": TOPIC, "docs/topic/why.md": PAGE}
    site = new_site(pages)
    shutil.copytree(THEME, site.folder / "theme")
    yml = (site.folder / "mkdocs.yml").read_text(encoding="utf-8")
    yml = yml.replace("name: material", "name: material\n  custom_dir: theme")
    known = 'site_url: !ENV [DLFAQ_SITE_URL, ""]\nrepo_url: !ENV [DLFAQ_REPO_URL, ""]\n'
    site.write("mkdocs.yml", f"{yml}{known}edit_uri: !ENV [DLFAQ_EDIT_URI, '']\n")
    own = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init", "--quiet"], ["add", "docs"], ["commit", "--quiet", "--message=All"]):
        subprocess.run([*own, *command], cwd=site.folder, check=True, capture_output=True)
    built = site.run(
        "mkdocs",
        "build",
        "--strict",
        DLFAQ_SITE_URL="https://example.org/faq",
        DLFAQ_REPO_URL=f"{REPOSITORY}/",
        DLFAQ_EDIT_URI="edit/main/docs/",
    )
    assert built.returncode == 0, built.stdout
    return site


def head_links(site, page):
    text = (site.folder / "site" / page).read_text(encoding="utf-8").partition("</head>")[0]
    links = (dict(re.findall(r'(\w+)="([^"]*)"', tag)) for tag in re.findall("<link[^>]*>", text))
    return {one.get("type", one["rel"]): one["href"] for one in links}


def test_a_page_names_its_address_its_markdown_and_the_feed(known):
    links = head_links(known, "topic/why/index.html")
    assert links["canonical"] == "https://example.org/faq/topic/why/"
    assert (known.folder / "site/topic/why" / links["text/markdown"]).resolve().is_file()
    feed = (known.folder / "site/topic/why" / links["application/atom+xml"]).resolve()
    addresses = [one.text for one in ET.parse(feed).iter("{http://www.w3.org/2005/Atom}id")]
    assert addresses == ["https://example.org/faq/", "https://example.org/faq/topic/why/"]


ASKED = """
const links = ["text/markdown", "application/atom+xml"]
  .map((type) => document.querySelector(`link[type='${type}']`));
return [links.map((link) => [...link.relList]),
  performance.getEntriesByType("resource").map((one) => one.name)
    .filter((name) => name.includes("sitemap"))];
"""


def test_material_does_not_take_the_other_forms_of_a_page_for_other_languages(
    known, browser, serve, tmp_path
):
    shutil.copytree(known.folder / "site", tmp_path / "faq")
    browser.driver.get(f"{serve(tmp_path)}/faq/topic/why/")
    browser.driver.execute_async_script("setTimeout(arguments[0], 500)")
    assert browser.driver.execute_script(ASKED) == [[["alternate"], ["alternate"]], []]


def test_a_page_that_is_shared_says_its_title_its_answer_and_its_address(known):
    text = (known.folder / "site" / "topic/why/index.html").read_text(encoding="utf-8")
    tags = BeautifulSoup(text, "html.parser").select("meta[property^=og]")
    said = {tag["property"].removeprefix("og:"): tag["content"] for tag in tags}
    assert said == {
        "type": "article",
        "site_name": "Tiny",
        "title": 'Why "a < b" & more?',
        "description": "Because.",
        "url": "https://example.org/faq/topic/why/",
    }


SCHEMA = Path(__file__).parents[1] / "qapage.schema.json"


def structured(site, page):
    text = (site.folder / "site" / page / "index.html").read_text(encoding="utf-8")
    return [
        json.loads(found)
        for found in re.findall(
            r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL
        )
    ]


def test_a_question_is_told_to_search_engines_and_other_pages_are_none(known):
    (data,) = structured(known, "topic/why")
    validate(data, json.loads(SCHEMA.read_text(encoding="utf-8")))
    question = data["mainEntity"]
    assert question["name"] == 'Why "a < b" & more?'
    answer = {"text": "Because.", "url": "https://example.org/faq/topic/why/"}
    assert question["acceptedAnswer"] == {"@type": "Answer", **answer}
    assert structured(known, "topic") == []


def source_links(site, folder):
    text = (site.folder / folder / "topic/why/index.html").read_text(encoding="utf-8")
    found = BeautifulSoup(text, "html.parser").select("article .dl-links a")
    return {link.get_text(): link["href"] for link in found}


def test_a_page_links_to_its_source_and_to_where_it_is_edited(known):
    assert source_links(known, "site") == {
        "Source of this page": f"{REPOSITORY}/blob/main/docs/topic/why.md",
        "Edit this page": f"{REPOSITORY}/edit/main/docs/topic/why.md",
    }


FOREIGN = """
return performance.getEntriesByType("resource").map((one) => one.name)
  .filter((name) => !name.startsWith(location.origin));
"""


def test_the_link_to_the_repository_asks_its_host_for_nothing(known, browser, serve, tmp_path):
    shutil.copytree(known.folder / "site", tmp_path / "faq")
    browser.driver.get(f"{serve(tmp_path)}/faq/topic/why/")
    assert browser.driver.find_elements("css selector", f".md-source[href='{REPOSITORY}/']")
    browser.driver.execute_async_script("setTimeout(arguments[0], 500)")
    assert browser.driver.execute_script(FOREIGN) == []


def test_the_sitemap_and_llms_txt_give_whole_addresses(known):
    sitemap = (known.folder / "site" / "sitemap.xml").read_text(encoding="utf-8")
    assert "<loc>https://example.org/faq/topic/why/</loc>" in sitemap
    llms = (known.folder / "site" / "llms.txt").read_text(encoding="utf-8")
    assert "& more?](https://example.org/faq/topic/why.md)" in llms


def test_without_an_address_there_is_no_feed_and_no_link_to_one(known):
    built = known.run("mkdocs", "build", "--strict", "--site-dir", "bare")
    assert built.returncode == 0, built.stdout
    assert not (known.folder / "bare" / "feed.xml").exists()
    text = (known.folder / "bare" / "topic/why/index.html").read_text(encoding="utf-8")
    assert "atom+xml" not in text
    assert 'rel="canonical"' not in text
    assert source_links(known, "bare") == {}


def test_a_page_that_is_not_there_leads_to_the_search_for_it(known, browser, serve, tmp_path):
    shutil.copytree(known.folder / "site", tmp_path / "faq")
    lost = tmp_path / "faq" / "topic" / "more-or_less"
    lost.mkdir()
    shutil.copy(tmp_path / "faq" / "404.html", lost / "index.html")
    driver = browser.driver
    driver.get(f"{serve(tmp_path)}/faq/topic/more-or_less/")
    field = driver.find_element("name", "q")
    assert field.get_attribute("value") == "more or less"
    field.submit()
    asked = "return [location.pathname, new URLSearchParams(location.search).get('q')]"
    assert driver.execute_script(asked) == ["/faq/index.html", "more or less"]
    found = "return document.querySelector('.md-search-result__item a')?.getAttribute('href')"
    for _ in range(50):
        if (href := driver.execute_script(found)) is not None:
            break
        driver.execute_async_script("setTimeout(arguments[0], 100)")
    assert "topic/why/" in href
