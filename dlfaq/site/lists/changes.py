"""What changed between releases: verdicts and claims, from the evidence that each published.

`docs/releases/VERSION.json` is the `evidence.json` of a release, copied there when it is made. The
newest is compared with the site that is built, each older one with the next.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from packaging.version import InvalidVersion, Version

from dlfaq.errors import PageError
from dlfaq.site.elements import element, text_and_code
from dlfaq.site.lists.rows import link
from dlfaq.site.verdicts import badge_element
from dlfaq.site.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from xml.etree.ElementTree import Element

    from dlfaq.pages.config import Settings

__all__ = ["changes"]

_FOLDER = "releases"

_Claims: TypeAlias = dict[tuple[str, str], dict[str, Any]]
"""Entries of an `evidence.json`, by page and statement: what a claim is known by."""


def changes(settings: Settings, now: Mapping[str, Any], *, page: str) -> list[Element]:
    """Build a section for each release, newest first: what was different from the one before.

    Args:
        settings: the site; the files lie in `releases` below its pages.
        now: the evidence of the site that is built, as `evidence.json` holds it.
        page: the page, relative to docs_dir.

    Raises:
        PageError: a file is no evidence of a release, or its name no version.
    """
    found = sorted((settings.docs_dir / _FOLDER).glob("*.json"), key=lambda file: file.name)
    releases: list[tuple[Version, _Claims, str]] = []
    for file in found:
        try:
            claims = _claims(json.loads(file.read_text(encoding="utf-8")))
            data = link(f"{_FOLDER}/{file.name}", page=page)
            releases.append((Version(file.stem), claims, data))
        except (ValueError, KeyError, TypeError, InvalidVersion) as error:
            cure = "copy the evidence.json of a release there, named by its version"
            where = settings.relative(file)
            raise PageError(where, 1, f"no evidence of a release ({error!r}); {cure}") from None
    releases.sort(key=lambda release: release[0])
    nodes = []
    newer, title = _claims(now), "Not yet released"
    for version, older, data in reversed(releases):
        nodes += [
            element("h2", title, " ", element("small", f"since {version}")),
            *_differences(older, newer, settings, page),
        ]
        newer, title = older, str(version)
        nodes.append(element("p", element("a", f"All claims of {version}", href=data), "."))
    pages = len({where for where, _ in newer})
    first = f"{counted(len(newer), 'claim')} on {counted(pages, 'page')}, before any comparison."
    return [*nodes, element("h2", title), element("p", first)]


def _claims(data: Mapping[str, Any]) -> _Claims:
    return {(claim["page"], claim["statement"]): claim for claim in data["claims"]}


def _differences(old: _Claims, new: _Claims, settings: Settings, page: str) -> list[Element]:
    """Verdicts first, then claims that fell or stand again, then numbers that moved."""
    verdicts_old, verdicts_new = _verdicts(old), _verdicts(new)
    both = [key for key in new if key in old]
    lists = {
        "Verdicts that changed": [
            [badge_element(before), " → ", badge_element(after), " ", _page(name, settings, page)]
            for name, after in verdicts_new.items()
            if (before := verdicts_old.get(name)) is not None and before != after
        ],
        "New questions": [
            [badge_element(after), " ", _page(name, settings, page)]
            for name, after in verdicts_new.items()
            if name not in verdicts_old
        ],
        "Claims that no longer hold": [
            _said(new[key], settings, page) for key in both if _stood(old[key]) > _stood(new[key])
        ],
        "Claims that hold now": [
            _said(new[key], settings, page) for key in both if _stood(old[key]) < _stood(new[key])
        ],
        "Numbers that left the interval they had": [
            [*_said(new[key], settings, page), " Before: ", *text_and_code(old[key]["says"]), "."]
            for key in both
            if _moved(old[key], new[key])
        ],
        "Claims that are no longer made": [
            _said(old[key], settings, page) for key in old if key not in new
        ],
    }
    added = sum(key not in old for key in new)
    counts = f"{counted(added, 'new claim')}, {counted(len(both), 'claim')} as before."
    return [element("p", counts), *_lists(lists)]


def _lists(lists: Mapping[str, list[list[Element | str]]]) -> Iterable[Element]:
    for words, rows in lists.items():
        if rows:
            yield element("h3", words, data_search_exclude="")
            yield element("ul", *(element("li", *row) for row in rows), data_search_exclude="")


def _verdicts(claims: _Claims) -> dict[str, str]:
    """The verdict of each page that has one, by its file."""
    return {page: claim["status"] for (page, _), claim in claims.items() if claim["status"]}


def _stood(claim: dict[str, Any]) -> bool:
    """Whether it held, or was an estimate, which nothing hangs on."""
    return bool(claim["holds"] or not claim["gated"])


def _moved(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether the number is outside of the interval that it had; exact numbers have none."""
    interval = old["interval"]
    return interval is not None and not interval[0] <= new["measured"] <= interval[1]


def _said(claim: dict[str, Any], settings: Settings, page: str) -> list[Element | str]:
    return [_page(claim["page"], settings, page), ": ", *text_and_code(claim["says"]), "."]


def _page(name: str, settings: Settings, page: str) -> Element | str:
    """A link to a page by its name; a page that is gone is only named."""
    src = name.partition("/")[2]
    words = src.removesuffix(".md").removesuffix(".py")
    there = (settings.docs_dir / src).is_file()
    return element("a", words, href=link(src, page=page)) if there else words
