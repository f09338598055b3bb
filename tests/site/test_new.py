"""`dlfaq new`: the page it writes runs, is clean, and stands where it should."""

from __future__ import annotations

import re

import pytest
import yaml

from dlfaq.cli.lint import lint
from dlfaq.cli.new import new_page
from dlfaq.errors import InputError
from dlfaq.execution.site import read_pages
from dlfaq.pages.config import read_settings
from dlfaq.site.lists.catalogue import catalogue_of

TOPIC = "---\ntitle: Topic\norder: 1\n---\n\nWords.\n"


@pytest.fixture
def site(new_site):
    """A site with one topic and no question."""
    return new_site({"docs/index.md": "# Home\n", "docs/topic/index.md": TOPIC})


def front_matter(file):
    return yaml.safe_load(file.read_text(encoding="utf-8").split("---")[1])


@pytest.mark.parametrize(
    "question",
    [
        "Why clip gradients?",
        'Why is "momentum" called that?',
        "Adam: is it better than SGD?",
        "It's 50 % of {this} \\ that, isn't it? #1",
        "Was heißt Überanpassung — und wann?",
    ],
)
def test_a_new_page_keeps_its_title_and_is_clean(site, question):
    settings = read_settings(site.folder)
    file = new_page(question, settings, "topic")
    assert front_matter(file)["title"] == question
    (found,) = catalogue_of(read_pages(settings)).questions
    assert found.title == question
    assert lint(settings) == []


def test_new_pages_stand_last_in_their_topic(site):
    settings = read_settings(site.folder)
    site.write("docs/topic/first.md", "---\ntitle: First\norder: 2.5\n---\n")
    files = [new_page(f"Question {n}?", settings, "topic", f"000-{n}") for n in (1, 2)]
    assert [front_matter(file)["order"] for file in files] == [3.5, 4.5]
    assert [front_matter(file)["answers"] for file in files] == [["000-1"], ["000-2"]]
    further = front_matter(new_page("Question 3?", settings, "topic"))
    assert ("answers" in further, further["question"], further["order"]) == (False, True, 5.5)
    assert [file.name for file in files] == ["question-1.md", "question-2.md"]


@pytest.mark.parametrize(
    ("question", "topic", "message"),
    [
        ("???", "topic", "expected a question; got '\\?\\?\\?'; write for example"),
        ("Why?", "nowhere", "expected a topic, one of topic; got 'nowhere'; choose one"),
        ("Taken?", "topic", "expected a new file; got docs/topic/taken.md; edit that page"),
    ],
)
def test_what_cannot_be_begun_says_why(site, question, topic, message):
    site.write("docs/topic/taken.md", "Words.\n")
    with pytest.raises(InputError, match=message):
        new_page(question, read_settings(site.folder), topic)


def test_an_id_that_is_none_of_the_forty_is_refused(site):
    with pytest.raises(
        InputError, match=r"expected the ID of one of the forty.*; got 'C-7'; leave"
    ):
        new_page("An ID?", read_settings(site.folder), "topic", "C-7")


def test_the_command_says_what_to_do_next_and_the_page_builds(site):
    done = site.dlfaq("new", "Why clip gradients?", "--topic", "topic")
    assert (done.returncode, done.stdout) == (
        0,
        "docs/topic/why-clip-gradients.md is ready to edit; `make serve` shows it as you write\n",
    )
    again = site.dlfaq("new", "Why clip gradients?", "--topic", "topic")
    assert again.returncode == 2
    assert "expected a new file" in again.stdout
    # The page trains, so the default preload is what pays.
    text = (site.folder / "mkdocs.yml").read_text(encoding="utf-8")
    site.write("mkdocs.yml", re.sub(r"preload: .*", "memory_gib: 4", text))
    built = site.run("mkdocs", "build", "--strict")
    assert built.returncode == 0, built.stdout
    article = site.article("topic/why-clip-gradients")
    assert "1 of 1 claim holds" in article
    assert article.count('<figure class="dl-plate">') == 1
