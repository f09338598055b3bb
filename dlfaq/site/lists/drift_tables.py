"""Shows on a page what `dlfaq drift OLD NEW --json docs/drift/NAME.json` found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dlfaq.errors import PageError
from dlfaq.site.claim.chart import raised
from dlfaq.site.elements import element, text_and_code
from dlfaq.site.lists.rows import link
from dlfaq.site.wording import counted

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from dlfaq.pages.config import Settings

__all__ = ["drift_tables"]

_FOLDER = "drift"
_HEADINGS = ("Claim", "Before", "Now", "Moved by", "")
_SMALL = 0.1  # standard errors: what moved by less is only counted


def drift_tables(settings: Settings, *, page: str) -> list[Element]:
    """Build what stands where a page says `{drift}`: both environments, and what moved.

    A claim that holds and hardly moved is only counted.

    Args:
        settings: the site; the files lie in `drift` below its pages.
        page: the page, relative to docs_dir.

    Raises:
        PageError: a file is none that `dlfaq drift --json` wrote.
    """
    files = sorted((settings.docs_dir / _FOLDER).glob("*.json"))
    return [node for file in files for node in _tables(file, settings, page)]


def _read(file: Path, settings: Settings) -> dict[str, Any]:
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        return {name: record[name] for name in ("old", "new", "claims", "only_old", "only_new")}
    except (ValueError, KeyError, TypeError) as error:
        cure = "write it with `dlfaq drift OLD NEW --json FILE`"
        raise PageError(
            settings.relative(file), 1, f"no record of drift ({error!r}); {cure}"
        ) from None


def _tables(file: Path, settings: Settings, page: str) -> list[Element]:
    record = _read(file, settings)
    data = link(f"{_FOLDER}/{file.name}", page=page)
    claims = sorted(record["claims"], key=_by_shift)
    listed = [claim for claim in claims if claim["what"] or abs(claim["shift"] or 0) >= _SMALL]
    return [
        *_environments(record["old"], record["new"]),
        element("p", _summary(record, listed), " ", element("a", "The data", href=data), "."),
        *([_claims(listed, settings.docs_dir, page)] if listed else []),
    ]


def _by_shift(claim: dict[str, Any]) -> tuple[bool, float]:
    """What needs attention first, then the largest move."""
    return not claim["what"], -abs(claim["shift"] or 0)


def _environments(old: dict[str, str], new: dict[str, str]) -> list[Element]:
    """What the runs differ in as a table, what they share in a sentence."""
    names = list(dict.fromkeys([*old, *new]))
    shared = [f"{name} {old[name]}" for name in names if old.get(name) == new.get(name)]
    head = element("tr", *(element("th", words, scope="col") for words in ("", "before", "now")))
    rows = [
        element(
            "tr",
            element("th", name, scope="row"),
            element("td", old.get(name, "none")),
            element("td", new.get(name, "none")),
        )
        for name in names
        if old.get(name) != new.get(name)
    ]
    table = element(
        "table",
        element("thead", head),
        element("tbody", *rows),
        class_="dl-drift",
        data_search_exclude="",
    )
    same = f"The same in both: {', '.join(shared)}."
    return [table, element("p", same, class_="dl-drift__same", data_search_exclude="")]


def _summary(record: dict[str, Any], listed: list[dict[str, Any]]) -> str:
    claims = record["claims"]

    def count(what: str) -> int:
        return sum(what in claim["what"] for claim in claims)

    same = sum(claim["same"] for claim in claims)
    alone = len(record["only_old"]) + len(record["only_new"])
    return (
        f"{counted(len(claims), 'claim')} in both runs. "
        f"No longer hold: {count('no longer holds')}. "
        f"Moved by more than their interval: {count('moved')}. "
        f"Margin shrank: {count('margin shrank')}. "
        f"Gave the very same number: {same}. "
        f"Moved by less than {_SMALL} standard errors, or by rounding: "
        f"{len(claims) - same - len(listed)}." + (f" In one run alone: {alone}." if alone else "")
    )


def _claims(claims: list[dict[str, Any]], docs_dir: Path, page: str) -> Element:
    head = element("tr", *(element("th", words, scope="col") for words in _HEADINGS))
    return element(
        "table",
        element("thead", head),
        element("tbody", *(_row(claim, docs_dir, page) for claim in claims)),
        class_="dl-drift dl-drift--claims",
        data_search_exclude="",
    )


def _row(claim: dict[str, Any], docs_dir: Path, page: str) -> Element:
    shift = (
        "exact" if claim["shift"] is None else f"{claim['shift']:+.2f} se".replace("-", "\u2212")
    )
    words = text_and_code(claim["statement"])
    src = claim["page"].partition("/")[2]
    if (docs_dir / src).is_file():  # the record may be older than the pages
        words = [element("a", *words, href=link(src, page=page))]
    return element(
        "tr",
        element("td", *words),
        element("td", *raised(claim["old"])),
        element("td", *raised(claim["new"])),
        element("td", shift),
        element("td", ", ".join(claim["what"]) or "holds"),
    )
