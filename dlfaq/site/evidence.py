"""Collects every claim of the site as data: what `evidence.json` holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dlfaq.execution.build import read_site
from dlfaq.execution.key import environment
from dlfaq.site.context import Context

if TYPE_CHECKING:
    from dlfaq.execution.config import Settings

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


def evidence(settings: Settings, only: str = "*") -> dict[str, Any]:
    """Every claim of the site, in the order of pages and lines, and what it was measured with.

    Args:
        settings: the site.
        only: which pages, as a pattern for their path relative to docs_dir.
    """
    claims = []
    for page in read_site(settings, only):
        for _, claim in Context.of(page, settings).claims:
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
    return json.dumps(evidence(settings), ensure_ascii=False, indent=1) + "\n"
