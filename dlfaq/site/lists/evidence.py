"""Collects every claim of the site as data: what `evidence.json` holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dlfaq.errors import InputError
from dlfaq.execution.key import environment
from dlfaq.site.page.context import Context
from dlfaq.writing.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dlfaq.execution.site import Site

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


def evidence(site: Site) -> dict[str, Any]:
    """Every claim of a site, in order, claims that do not hold included, and what measured it.

    With placebos a claim that compares no arms neither holds nor fails: its `holds` is None.
    """
    settings = site.settings
    claims = []
    for page in site.pages:
        for _, record in Context.of(page, site).claims:
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


def evidence_text(site: Site) -> str:
    """The text of the site's `evidence.json`."""
    return _text(evidence(site))


def write_evidence(file: Path, data: Mapping[str, Any]) -> None:
    """Write what `evidence` gave.

    Raises:
        InputError: there is no such folder, or it cannot be written.
    """
    try:
        write_whole(file, _text(data))
    except OSError as error:
        raise InputError(
            expected="a file to write the claims to", got=str(error), cure="name another"
        ) from None


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"
