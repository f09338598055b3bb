"""Collects every claim of the site as data: what `evidence.json` holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dlfaq.execution.build import read_site
from dlfaq.execution.key import environment
from dlfaq.site.context import Context

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dlfaq.execution.config import Settings
    from dlfaq.execution.page import Page
    from dlfaq.execution.result import Outcome

__all__ = ["evidence", "evidence_text"]

_SCHEMA = 1

#: The fields of a claim, in order; the rest of its record is for the page alone.
_FIELDS = (
    "statement",
    "kind",
    "statistic",
    "comparator",
    "threshold",
    "measured",
    "interval",
    "replicas",
    "seeds",
    "unit",
    "holds",
)


def evidence(
    settings: Settings,
    pages: Iterable[Page],
    outcomes: Mapping[str, Outcome] | None = None,
) -> dict[str, Any]:
    """Every claim of the pages, in order, and what it was measured with.

    Args:
        settings: the site.
        pages: the pages, as read.
        outcomes: what a build just gave, claims that do not hold included; the store's if None.
    """
    claims = []
    for page in pages:
        for _, claim in Context.of(page, settings, outcomes).claims:
            place = {
                "page": page.path,
                "line": claim["line"],
                "label": claim["label"],
                "answers": list(page.meta.get("answers") or []),
                "status": page.meta.get("status"),
            }
            claims.append({**place, **{name: claim[name] for name in _FIELDS}})
    return {"schema": _SCHEMA, "environment": dict(environment(settings)), "claims": claims}


def evidence_text(settings: Settings) -> str:
    """The text of `evidence.json`: the same bytes from the same results."""
    return json.dumps(evidence(settings, read_site(settings)), ensure_ascii=False, indent=1) + "\n"
