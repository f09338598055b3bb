"""Lists every claim of the site on one page: the key, what chance does to them, filter, table."""

from __future__ import annotations

from dataclasses import dataclass
from posixpath import dirname
from typing import TYPE_CHECKING

from dlfaq.pages.notebooks import is_lab
from dlfaq.protocol import DIRECTIONAL, KINDS
from dlfaq.site.claim import numbers
from dlfaq.site.claim.card import against_threshold, kind_in_words, says, status
from dlfaq.site.claim.chart import interval_key, raised
from dlfaq.site.elements import element, text_and_code
from dlfaq.site.lists.filters import choice, filter_form
from dlfaq.site.lists.pilots import read_pilots
from dlfaq.site.lists.rows import link
from dlfaq.site.page.context import Context, claim_anchor
from dlfaq.site.verdicts import VERDICTS
from dlfaq.site.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from dlfaq.execution.site import Site
    from dlfaq.protocol import Claim
    from dlfaq.site.lists.catalogue import Catalogue
    from dlfaq.site.lists.pilots import Pilot

__all__ = ["Entry", "entries_of", "evidence_page", "survives_holm"]

_HEADINGS = ("Page", "Claim", "Measured", "Against its threshold", "Runs", "Status")
_LEVEL = 0.05


@dataclass(frozen=True)
class Entry:
    """A row of the Evidence page: a claim, its page, and what a pilot gave.

    Attributes:
        src: the page, relative to docs_dir.
        title: of the page, which its link says; its path where it has none.
        status: the verdict on the common answer, "" where the page answers none.
        claim: with its line.
        pilot: what it gave on exploration seeds, if that is known.
    """

    src: str
    title: str
    status: str
    claim: Claim
    pilot: Pilot | None = None

    @property
    def topic(self) -> str:
        """What the filter knows the page's topic by; a page outside all topics is its own."""
        return dirname(self.src) or self.src.rpartition(".")[0]


def entries_of(site: Site, catalogue: Catalogue) -> list[Entry]:
    """Every claim of the site, in the curriculum's order, then by path.

    What was measured over runs comes before what needs none.

    Raises:
        PageError: the record of a pilot cannot be read.
    """
    order = {question.src: place for place, question in enumerate(catalogue.questions)}
    pages = sorted(site.pages, key=lambda page: order.get(page.src, len(order)))
    entries = []
    for page in pages:
        pilots = read_pilots(site.settings, page.src)
        entries += [
            Entry(
                page.src,
                page.meta.get("title") or page.src.rpartition(".")[0],
                page.meta.get("status") or "",
                claim,
                pilots.get(claim.statement),
            )
            for _, claim in Context.of(page, site).claims
        ]
    return sorted(entries, key=lambda entry: entry.claim.interval is None)


def evidence_page(catalogue: Catalogue, entries: Sequence[Entry], *, page: str) -> list[Element]:
    """Build all that stands under the words of the Evidence page.

    Args:
        catalogue: the questions, for their topics.
        entries: the claims.
        page: the Evidence page, relative to docs_dir.
    """
    doubtful = _doubtful([entry.claim for entry in entries])
    head = element("tr", *(element("th", words, scope="col") for words in _HEADINGS))
    rows = [_row(entry, page, doubtful=i in doubtful) for i, entry in enumerate(entries)]
    return [
        element("div", interval_key(), class_="dl-key"),
        element(
            "p", _family([entry.claim for entry in entries], len(doubtful)), class_="dl-family"
        ),
        _filter(catalogue, entries, page),
        element(
            "table",
            element("thead", head),
            element("tbody", *rows),
            class_="dl-ev",
            data_search_exclude="",
        ),
    ]


def _doubtful(claims: Sequence[Claim]) -> set[int]:
    """The directional claims that do not survive Holm's correction, by their place in the list."""
    directional = [i for i, claim in enumerate(claims) if _is_directional(claim)]
    survives = survives_holm([claims[i].p_value or 0.0 for i in directional])
    return {i for i, so in zip(directional, survives, strict=True) if not so}


def survives_holm(p_values: Sequence[float]) -> list[bool]:
    """Which hypotheses Holm's method rejects at a familywise error rate of 5 %.

    The i-th smallest of m p-values (i from 0) is held against .05/(m - i), until the first that
    fails.

    Source:
        Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal
        of Statistics 6(2).
    """
    survives = [False] * len(p_values)
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[index] > _LEVEL / (len(p_values) - rank):
            break
        survives[index] = True
    return survives


def _is_directional(claim: Claim) -> bool:
    return claim.gated and claim.kind in DIRECTIONAL


def _family(claims: Sequence[Claim], doubtful: int) -> str:
    """Say what chance does to all claims together, where each is judged alone."""
    gated = [claim for claim in claims if claim.gated]
    chances = [c.failure_chance for c in gated if c.failure_chance is not None]
    directional = sum(map(_is_directional, claims))
    expected = sum(chances)
    share = "fewer than 0.1" if expected < 0.05 else f"about {expected:.1f}"  # noqa: PLR2004
    survivors = f"{directional - doubtful} of" if doubtful else "all of"
    marked = "; the others are marked" if doubtful else ""
    estimates = len(claims) - len(gated)
    rest = f" Beside them {counted(estimates, 'estimate')}, not gated." if estimates else ""
    return (
        f"{counted(len(gated), 'claim')}, each judged alone. {len(chances)} were measured over "
        f"many runs: on fresh seeds we expect {share} of them to fail by chance. {directional} say "
        f"which way something goes: {survivors} them survive Holm’s correction over the whole "
        f"site, at 5 %{marked}.{rest}"
    )


def _filter(catalogue: Catalogue, entries: Sequence[Entry], page: str) -> Element:
    kinds: dict[str, str] = {kind: kind.capitalize() for kind in KINDS}
    topics = {dirname(topic.src): topic.title for topic in catalogue.topics}
    alone = (entry for entry in entries if not dirname(entry.src))
    topics |= {entry.topic: entry.title for entry in alone}
    topics |= {entry.topic: "Labs" for entry in entries if is_lab(entry.src)}
    form = filter_form(
        "claim",
        len(entries),
        choice("topic", "Topic", "All topics", topics),
        choice("kind", "Kind", "All kinds", kinds),
        choice("status", "Verdict on the common answer", "All verdicts", VERDICTS),
        label="Claims",
    )
    form.append(element("a", "evidence.json", href=link("evidence.json", page=page)))
    return form


def _row(entry: Entry, page: str, *, doubtful: bool) -> Element:
    claim = entry.claim
    place = link(entry.src, page=page)
    anchor = element("a", *text_and_code(entry.title), href=f"{place}#{claim_anchor(claim)}")
    anchor.set("title", f"{entry.src}, line {claim.line}")
    interval = numbers.interval(claim)
    spread = "predicted" if claim.kind == "prediction" else "exact"
    spread = spread if interval is None else f"95 %: {interval}"
    runs = "no runs needed" if interval is None else counted(claim.replicas, "run")
    doubt = [_small("not after Holm’s correction")] if doubtful else []
    cells: dict[str, list[str | Element]] = {
        "page": [anchor],
        "says": [*says(claim), _small(kind_in_words(claim))],
        "num": [element("b", *raised(numbers.measured(claim))), _small(*raised(spread))],
        "iv": [against_threshold(claim, height=36), *_pilot(entry, page)],
        "runs": [runs],
        "status": [status(claim), *doubt],
    }
    return element(
        "tr",
        *(element("td", *content, class_=f"dl-ev__{name}") for name, content in cells.items()),
        class_="dl-ev__row dl-ev__row--fails" if claim.fails else "dl-ev__row",
        data_topic=entry.topic,
        data_kind=claim.kind,
        data_status=entry.status,
    )


def _pilot(entry: Entry, page: str) -> list[Element]:
    """What the pilot gave for each threshold: the tightest that rule 6 allows, and how it held."""
    pilot = entry.pilot
    if pilot is None or entry.claim.interval is None:
        return []
    file = link(f"pilots/{entry.src.rpartition('.')[0]}.json", page=page)
    ends = " and ".join(numbers.limit(entry.claim, end.tightest) for end in pilot.ends)
    words = f": tightest allowed {ends}; held on {pilot.holds} of {pilot.masters}"
    return [_small(element("a", "pilot", href=file), *raised(words))]


def _small(*words: str | Element) -> Element:
    return element("small", *words)
