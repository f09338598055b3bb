"""Collects every claim of the site as data: what `evidence.json` holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dlfaq.errors import InputError
from dlfaq.execution.build import read_site
from dlfaq.execution.key import environment
from dlfaq.site.page.context import Context

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dlfaq.execution.result import Outcome
    from dlfaq.pages.config import Settings
    from dlfaq.pages.page import Page

__all__ = ["evidence", "evidence_text", "write_evidence"]

_SCHEMA = 2

#: The fields of a claim, in order; the rest of its record is for the page alone.
_FIELDS = (
    "statement",
    "kind",
    "statistic",
    "comparator",
    "threshold",
    "measured",
    "interval",
    "standard_error",
    "p_value",
    "replicas",
    "seeds",
    "unit",
    "holds",
    "verdict",
    "gated",
    "signs",
    "fails_when",
)


def evidence(
    settings: Settings,
    pages: Iterable[Page],
    outcomes: Mapping[str, Outcome] | None = None,
) -> dict[str, Any]:
    """Every claim of the pages, in order, and what it was measured with.

    With placebos a claim that compares no arms neither holds nor fails: its `holds` is None.

    Args:
        settings: the site.
        pages: the pages, as read.
        outcomes: what a build just gave, claims that do not hold included; the store's if None.
    """
    claims = []
    for page in pages:
        for _, record in Context.of(page, settings, outcomes).claims:
            claim = {
                "page": page.path,
                "line": record["line"],
                "label": record["label"],
                "answers": list(page.meta.get("answers") or []),
                "status": page.meta.get("status"),
                **{name: record[name] for name in _FIELDS},
                "arms": record.get("arms"),
            }
            if settings.placebo and claim["arms"] is None:
                claim["holds"] = None
            claims.append(claim)
    return {"schema": _SCHEMA, "environment": dict(environment(settings)), "claims": claims}


def evidence_text(settings: Settings) -> str:
    """The text of the site's `evidence.json`, from what is stored."""
    return _text(evidence(settings, read_site(settings)))


def write_evidence(file: Path, data: Mapping[str, Any]) -> None:
    """Write what `evidence` gave.

    Raises:
        InputError: there is no such folder, or it cannot be written.
    """
    try:
        file.write_text(_text(data), encoding="utf-8")
    except OSError as error:
        raise InputError(
            expected="a file to write the claims to", got=str(error), cure="name another"
        ) from None


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"
