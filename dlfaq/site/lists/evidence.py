"""Collects every claim of the site as data: what `evidence.json` holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlfaq.errors import InputError
from dlfaq.execution.key import environment
from dlfaq.protocol import Claim
from dlfaq.site.claim import numbers
from dlfaq.site.page.context import Context
from dlfaq.writing.files import write_whole
from dlfaq.writing.numbers import superscripts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dlfaq.execution.site import Site

__all__ = ["Evidence", "PageClaim", "evidence", "evidence_text", "write_evidence"]

_SCHEMA = 3

#: The fields of an entry, in order.
_ORDER = (
    "page",
    "line",
    "label",
    "answers",
    "status",
    "statement",
    "says",
    "kind",
    "statistic",
    "comparator",
    "threshold",
    "measured",
    "interval",
    "standard_error",
    "p_value",
    "failure_chance",
    "replicas",
    "seeds",
    "unit",
    "holds",
    "verdict",
    "gated",
    "signs",
    "fails_when",
    "arms",
)

#: Those beside the claim itself: where it stands, and what follows from it.
_BESIDE = ("page", "answers", "status", "says", "replicas", "holds", "verdict")


@dataclass(frozen=True)
class PageClaim:
    """A claim and the page that makes it.

    Attributes:
        page: its file, from the root of the site.
        claim: with the line of the page.
        answers: IDs of the questions that the page answers.
        status: its verdict on the common answer.
        compared: False where a run with placebos compares no arms: it then neither holds nor fails.
    """

    page: str
    claim: Claim
    answers: tuple[str, ...] = ()
    status: str | None = None
    compared: bool = True

    @property
    def name(self) -> str:
        """Where it stands and what it says."""
        return f"{self.page}:{self.claim.line} {self.claim.statement}"

    @property
    def holds(self) -> bool | None:
        """Whether it holds; None where it could not."""
        return self.claim.holds() if self.compared else None

    def to_json(self) -> dict[str, Any]:
        """The entry of the claim in `evidence.json`."""
        claim = self.claim
        number = superscripts(numbers.in_sentence(claim))
        entry = {
            "page": self.page,
            "answers": list(self.answers),
            "status": self.status,
            "says": claim.statement.replace("{}", number),
            "replicas": claim.replicas,
            "holds": self.holds,
            "verdict": claim.verdict,
            **claim.to_json(),
        }
        return {name: entry[name] for name in _ORDER}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PageClaim:
        """The claim of an entry of `evidence.json`.

        Raises:
            KeyError: the entry lacks what it says beside the claim.
            TypeError: the claim lacks a field, or has others.
        """
        apart = {name: data[name] for name in _BESIDE}
        claim = Claim.from_json({k: value for k, value in data.items() if k not in apart})
        compared = apart["holds"] is not None
        return cls(apart["page"], claim, tuple(apart["answers"]), apart["status"], compared)


@dataclass(frozen=True)
class Evidence:
    """The claims of a site, and what they were measured with: versions, machine, seed offset."""

    environment: dict[str, str]
    claims: list[PageClaim]

    def to_json(self) -> dict[str, Any]:
        """What `evidence.json` holds."""
        claims = [claim.to_json() for claim in self.claims]
        return {"schema": _SCHEMA, "environment": self.environment, "claims": claims}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Evidence:
        """What `to_json` gave.

        Raises:
            KeyError, TypeError, ValueError: it gave something else.
        """
        claims = [PageClaim.from_json(claim) for claim in data["claims"]]
        return cls(dict(data["environment"]), claims)


def evidence(site: Site) -> Evidence:
    """Every claim of a site, in order, claims that do not hold included."""
    claims = [
        PageClaim(
            page.path,
            claim,
            tuple(page.meta.get("answers") or ()),
            page.meta.get("status"),
            compared=len(claim.arms) > 1 or not site.settings.placebo,
        )
        for page in site.pages
        for _, claim in Context.of(page, site).claims
    ]
    return Evidence(dict(environment(site.settings)), claims)


def evidence_text(site: Site) -> str:
    """The text of the site's `evidence.json`."""
    return _text(evidence(site).to_json())


def write_evidence(file: Path, data: Mapping[str, Any]) -> None:
    """Write data as JSON that can be read.

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
