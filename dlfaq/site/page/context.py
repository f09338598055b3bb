"""What one page shows: its snippets, and the stored results that fill them in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from dlfaq.execution.job import jobs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dlfaq.execution.job import Job
    from dlfaq.execution.output import Output
    from dlfaq.execution.result import Outcome, Result
    from dlfaq.execution.site import Site
    from dlfaq.pages.page import Page, Snippet
    from dlfaq.protocol import Claim

__all__ = ["ChainState", "Context", "PlacedFigure", "claim_anchor"]


@dataclass(frozen=True)
class ChainState:
    """What is known of a chain when its page is rendered.

    Attributes:
        job: the chain.
        result: its stored result, or None.
        failure: how it failed last, kept by serve alone.
        last_good: the result that it had before it failed or ran, kept by serve alone.
        pending: whether it has still to end, in serve alone.
    """

    job: Job
    result: Result | None
    failure: Outcome | None = None
    last_good: Result | None = None
    pending: bool = False

    @property
    def shown(self) -> Result | None:
        """What there is to show: the result, or what a failed chain showed until it broke off."""
        if self.result is not None:
            return self.result
        return self.failure.result if self.failure is not None else None


@dataclass(frozen=True)
class PlacedFigure:
    """One figure of the page and where it is shown.

    Attributes:
        number: which figure of the page it is, from 1.
        line: the line that shows it: of its snippet, or of `{figure} label`.
        state: its chain.
        snippet: its snippet.
        svg: its drawings by size.
        claim: label of the claim in its plate, or "".
    """

    number: int
    line: int
    state: ChainState
    snippet: Snippet
    svg: dict[str, str]
    claim: str = ""


@dataclass
class Context:
    """A page with its results.

    Attributes:
        site: the site that the page is of.
        page: the page.
        states: one for each chain.
        problems: what cannot be shown, as `docs/page.md:LINE: ...`.
        href: the link to a file of the built site, by its path relative to docs_dir, for HTML that
            no generator looks into; None where there is no such file.
        known: by package, the link to each of its names in the site's reference of it.
    """

    site: Site
    page: Page
    states: list[ChainState] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    href: Callable[[str], str | None] = lambda _: None
    known: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, page: Page, site: Site) -> Context:
        """A page of a site with its results. What is missing is a problem."""
        context = cls(site, page, problems=list(map(str, page.errors)))
        for job in jobs_of([page]):
            state = _state(job, site)
            context.states.append(state)
            if state.failure is not None:
                context.problems += [failure.summary for failure in state.failure.failures]
            elif state.result is None and not state.pending:
                context.report(job.chain.head.start, "no result for this chain; `dlfaq run`")
        context.check_claims()
        return context

    def check_claims(self) -> None:
        """Report a statement or a label that two chains of the page share: `claim` sees but one."""
        seen: set[str] = set()
        for _, claim in self.claims:
            for what, name in (("statement", claim.statement), ("label", claim.label)):
                if name is not None and f"{what} {name}" in seen:
                    self.report(claim.line, f"the {what} {name!r} stands twice; change one")
                seen.add(f"{what} {name}")

    def report(self, line: int, message: str) -> None:
        """Note what cannot be shown, at a line of the page."""
        self.problems.append(f"{self.page.path}:{line}: {message}")

    def snippets(self) -> Iterator[tuple[ChainState, int, Snippet, Output | None]]:
        """Every snippet in order: its chain, its index there, itself, and what it showed."""
        for state in self.states:
            for index, snippet in enumerate(state.job.chain.snippets):
                outputs = state.shown.outputs if state.shown is not None else []
                yield state, index, snippet, outputs[index] if index < len(outputs) else None

    def value(self, index: int, expression: str) -> str | None:
        """The text of an inline expression of a chain, by its index; None where it did not run."""
        shown = self.states[index].shown
        return shown.values.get(expression) if shown is not None else None

    @cached_property
    def claims(self) -> list[tuple[ChainState, Claim]]:
        """Every claim of the page in order, each with the line of the page that makes it."""
        found = []
        for state in self.states:
            lines = state.job.chain.lines
            for claim in state.shown.claims if state.shown is not None else []:
                line = lines[min(claim.line, len(lines)) - 1].page_line
                found.append((state, replace(claim, line=line)))
        return found

    @property
    def claims_total(self) -> int:
        """How many claims the page makes; an estimate is none."""
        return sum(claim.gated for _, claim in self.claims)

    @property
    def claims_hold(self) -> int:
        """How many of them hold."""
        return sum(claim.gated and claim.holds() for _, claim in self.claims)

    def claim(self, label: str) -> Claim | None:
        """The claim with this label."""
        return next((claim for _, claim in self.claims if claim.label == label), None)

    @cached_property
    def figures(self) -> list[PlacedFigure]:
        """Every figure of the page, in the order in which it is shown."""
        places = {
            (place.label, place.index): place
            for place in self.page.places
            if place.kind == "figure"
        }
        found = []
        for state, _, snippet, output in self.snippets():
            for index, svg in enumerate(output.figures if output is not None else [], 1):
                place = places.get((snippet.options.label or "", index))
                line = place.line if place is not None else snippet.start
                key = self._claim_below(line) if place is not None else ""
                found.append(PlacedFigure(0, line, state, snippet, svg, key))
        found.sort(key=lambda figure: figure.line)
        return [
            PlacedFigure(number, one.line, one.state, one.snippet, one.svg, one.claim)
            for number, one in enumerate(found, 1)
        ]

    def figure_at(self, line: int) -> PlacedFigure | None:
        """The figure that a `{figure}` on this line shows."""
        return next((figure for figure in self.figures if figure.line == line), None)

    def _claim_below(self, line: int) -> str:
        """Label of a `{claim}` that is the next paragraph below a line, or ""."""
        lines = self.page.lines
        below = next((n for n in range(line + 1, len(lines) + 1) if lines[n - 1].strip()), 0)
        return next(
            (p.label for p in self.page.places if p.line == below and p.kind == "claim"), ""
        )

    def placed_claims(self) -> set[str]:
        """Labels of the claims that stand somewhere else than below their snippet."""
        return {place.label for place in self.page.places if place.kind == "claim"}

    def in_plate(self, line: int) -> bool:
        """Whether the claim placed on this line is already in the plate of the figure above."""
        place = next(place for place in self.page.places if place.line == line)
        return any(
            figure.claim == place.label and self._placed_below(figure.line) == line
            for figure in self.figures
        )

    def _placed_below(self, line: int) -> int:
        return next((p.line for p in self.page.places if p.line > line), 0)

    def verified(self) -> date | None:
        """The day on which the oldest result of the page was made."""
        days = [state.result.finished for state in self.states if state.result is not None]
        return date.fromisoformat(min(days)) if days else None

    def seeds(self, state: ChainState | None = None) -> list[int]:
        """The seeds behind the claims of the page, or of one chain."""
        chosen = [claim.seeds for one, claim in self.claims if state is None or one is state]
        return sorted({seed for seeds in chosen for seed in seeds})


def _state(job: Job, site: Site) -> ChainState:
    outcome = site.results.get(job.name)
    if outcome is not None and outcome.ok:
        return ChainState(job, outcome.result)
    good = site.last_good.get(job.name)
    return ChainState(job, None, outcome, good, pending=job.name in site.pending)


def claim_anchor(claim: Claim) -> str:
    """The anchor of a claim: it stays when values move."""
    words = claim.label or re.sub(r"[^a-z0-9]+", "-", claim.statement.lower()).strip("-")
    return f"claim-{words}"
