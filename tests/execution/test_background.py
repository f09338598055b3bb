"""Chains that run while pages are shown: what ends them, and what is not tried again."""

from __future__ import annotations

import time

import pytest

from dlfaq.errors import InputError
from dlfaq.execution.background import Background
from dlfaq.execution.build import build, known
from dlfaq.execution.job import jobs_of
from dlfaq.execution.site import read_pages
from dlfaq.execution.store import Store
from dlfaq.pages.config import read_settings

PAGE = "```python\nimport time\n\nprint('ran')\ntime.sleep({seconds})\n```\n"


@pytest.fixture
def jobs(site):
    """A function: the chains of a page that takes so many seconds, and its site."""

    def jobs(seconds: float):
        file = site / "docs" / "page.md"
        file.parent.mkdir(exist_ok=True)
        file.write_text(PAGE.format(seconds=seconds), encoding="utf-8")
        settings = read_settings(site)
        return jobs_of(read_pages(settings)), settings

    return jobs


def test_a_chain_that_is_ended_with_serve_is_not_remembered_as_a_failure(jobs):
    wanted, settings = jobs(30)
    background = Background(print)
    background.want(wanted, settings)
    time.sleep(2)
    background.close()
    background.wait(20)
    assert background.pending() == set()
    assert not list(Store(settings).folder.rglob("*.failure"))


def served(site) -> tuple[int, list[str]]:
    """How many chains serve runs of a site, and what it tells of them."""
    settings = read_settings(site)
    jobs = jobs_of(read_pages(settings))
    told: list[str] = []
    background = Background(told.append)
    found = known(jobs, Store(settings), failures=True)
    background.want([job for job in jobs if job.name not in found], settings)
    background.wait(20)
    background.close()
    return background.ended, told


def test_a_failed_chain_runs_again_only_when_what_it_reads_has_changed(site):
    (site / "broken.py").write_text("raise RuntimeError('mend me')\n", encoding="utf-8")
    page = site / "docs" / "broken.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text("```python\nimport broken\n```\n", encoding="utf-8")
    ran, (told,) = served(site)
    assert ran == 1
    assert told.startswith("docs/broken.md:2: RuntimeError: mend me")
    page.write_text(page.read_text(encoding="utf-8") + "\nMore prose.\n", encoding="utf-8")
    assert served(site) == (0, [])  # told once; the page still shows it
    assert build(read_settings(site)).ran == 1  # a build takes nobody's word for it
    (site / "broken.py").write_text("", encoding="utf-8")
    assert served(site) == (1, [])
    good = Store(read_settings(site)).last_good("broken.md--0")
    assert good is not None


def test_what_cannot_be_stored_is_told_once_and_not_run_for_ever(jobs, monkeypatch):
    wanted, settings = jobs(0)

    def full(*_):
        raise InputError(expected="room", got="none", cure="make room")

    monkeypatch.setattr(Store, "put", full)
    told = []
    background = Background(told.append)
    for _ in range(3):
        background.want(wanted, settings)
        background.wait(20)
    background.close()
    assert told == ["docs/page.md:1: expected room; got none; make room"]
    assert background.ended == 1
