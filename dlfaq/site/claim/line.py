"""Says a claim in one line of Markdown, for where no card can be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlfaq.site.claim import numbers
from dlfaq.site.claim.card import status
from dlfaq.site.wording import counted
from dlfaq.writing.numbers import superscripts

if TYPE_CHECKING:
    from dlfaq.protocol import Claim

__all__ = ["claim_line"]


def claim_line(claim: Claim) -> str:
    """A claim in one line: its number, its sentence, what it was measured by.

    Powers are text: not everything that shows Markdown has `<sup>`, and 10^−3 must not end as 10−3.
    """
    spread = numbers.interval(claim)
    facts = [claim.kind, numbers.threshold(claim)]
    if spread is not None:
        facts += [f"95 % interval {spread}", counted(claim.replicas, "run")]
    says = claim.statement.replace("{}", f"**{numbers.in_sentence(claim)}**")
    judged = "".join(status(claim).itertext()).strip()
    text = f"**{numbers.measured(claim)}** {says}. {judged}: {', '.join(facts)}."
    return superscripts(text)
