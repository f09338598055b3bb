"""Makes the parts of a page that come from front matter: its head, its lists, its end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from markdown.treeprocessors import Treeprocessor

from dlfaq.errors import InputError, PageError
from dlfaq.execution.drawings import with_id_prefix
from dlfaq.site.elements import element
from dlfaq.site.lists.cards import Card
from dlfaq.site.lists.catalogue import Catalogue, catalogue_of, labs_of
from dlfaq.site.lists.changes import changes
from dlfaq.site.lists.drift_tables import drift_tables
from dlfaq.site.lists.evidence import evidence
from dlfaq.site.lists.evidence_page import entries_of, evidence_page
from dlfaq.site.lists.glossary import GLOSSARY, give_anchors, glossary_of, link_terms
from dlfaq.site.lists.landing import all_questions, findings
from dlfaq.site.lists.rows import lab_rows, link, question_rows, read_next
from dlfaq.site.notebook import head as lab_head
from dlfaq.site.page import head
from dlfaq.site.page.context import Context
from dlfaq.site.page.offers import place_offers
from dlfaq.site.page.this_page_ran import Run, this_page_ran

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from markdown import Markdown

    from dlfaq.site.page.context import PlacedFigure
    from dlfaq.site.page.offers import Offers
    from dlfaq.site.preprocessors import Session
    from dlfaq.site.source import Source

__all__ = ["PageTree"]

#: What the landing page links to, of the pages that a site has.
_WAYS_IN = {"Start from a symptom": "symptoms.md", "All the evidence": "evidence.md"}


class PageTree(Treeprocessor):
    """Adds them to the tree, so that links are followed from Markdown file to Markdown file."""

    def __init__(self, md: Markdown, session: Session, source: Source) -> None:
        super().__init__(md)
        self.session = session
        self.source = source

    def run(self, root: Element) -> None:
        """Fill in the lists, then head and end of a question's page or of a lab."""
        context = self.session.page
        if context is None or context.page.errors:
            return
        self._tell_anchors()
        page = context.page
        if page.src == GLOSSARY:
            give_anchors(root)
        offers = self.source.offers(context)
        if not page.is_lab:
            place_offers(root, offers, page=page.src)
        if not (self.session.lists or page.is_question or page.is_lab):
            return
        try:
            catalogue = catalogue_of(self.source.pages(context))
            self._lists(root, context, catalogue)
            if page.is_lab:
                self._lab(root, context, offers)
            elif page.is_question:
                self._question(root, context, catalogue, offers)
                link_terms(root, glossary_of(context.site.settings), page=page.src)
        except PageError as error:
            context.problems.append(str(error))

    def _tell_anchors(self) -> None:
        """Tell MkDocs, which looks for anchors in the tree, those of the cards, which are text."""
        if "mkdocs_extract_anchors" in self.md.treeprocessors:
            found: Any = self.md.treeprocessors["mkdocs_extract_anchors"]
            for html in self.session.html:
                found.present_anchor_ids.update(re.findall(r' id="(claim-[^"]+)"', html))

    def _lists(self, root: Element, context: Context, catalogue: Catalogue) -> None:
        for parent in list(root.iter()):
            for index, child in reversed(list(enumerate(parent))):
                kind = self.session.lists.get((child.text or "").strip())
                if kind is not None:
                    parent.remove(child)
                    for offset, node in enumerate(self._list(kind, context, catalogue)):
                        parent.insert(index + offset, node)

    def _list(self, kind: str, context: Context, catalogue: Catalogue) -> list[Element]:
        src = context.page.src
        if kind == "questions":
            at_home = src == "index.md"
            return (
                all_questions(catalogue, page=src) if at_home else self._topic(context, catalogue)
            )
        if kind == "labs":
            return [lab_rows(labs_of(self.source.pages(context)), page=src)]
        if kind == "drift":
            return drift_tables(context.site.settings, page=src)
        if kind == "changes":
            now = evidence(self.source.whole_site(context)).to_json()
            return changes(context.site.settings, now, page=src)
        if kind == "reference":
            return self._reference(context)
        return (self._evidence if kind == "evidence" else self._findings)(context, catalogue)

    def _evidence(self, context: Context, catalogue: Catalogue) -> list[Element]:
        site = self.source.whole_site(context)
        return evidence_page(catalogue, entries_of(site, catalogue), page=context.page.src)

    def _findings(self, context: Context, catalogue: Catalogue) -> list[Element]:
        docs_dir = context.site.settings.docs_dir
        ways_in = {words: way for words, way in _WAYS_IN.items() if (docs_dir / way).is_file()}
        cards = self._cards(context, catalogue)
        return findings(catalogue, page=context.page.src, shown=cards, ways_in=ways_in)

    def _reference(self, context: Context) -> list[Element]:
        # Only a site with a reference has to have griffe.
        from dlfaq.site.reference.page import reference  # noqa: PLC0415
        from dlfaq.site.reference.uses import uses_of  # noqa: PLC0415

        package = context.site.settings.reference
        if package is None:
            context.report(1, "nothing says of which package; give the extension `reference: NAME`")
            return []
        uses = uses_of(package.name, self.source.pages(context))
        store = self.md.htmlStash.store
        try:
            return reference(package, uses, page=context.page.src, store=store)
        except InputError as error:
            context.report(1, str(error))
            return []

    def _topic(self, context: Context, catalogue: Catalogue) -> list[Element]:
        src = context.page.src
        try:
            return [question_rows(catalogue.topic(src).questions, page=src)]
        except KeyError:
            context.report(1, "no page in this folder answers a question: there is nothing to list")
            return []

    def _cards(self, context: Context, catalogue: Catalogue) -> list[Card]:
        """The findings that the landing page's front matter chooses, from their pages' results."""
        cards: list[Card] = []
        entries = context.page.meta.get("cards") or []
        site = self.source.whole_site(context) if entries else context.site
        for entry in entries:
            src, figure, label = entry["page"], entry["figure"], entry["claim"]
            page = site.page(src)
            other = Context.of(page, site) if page is not None else None
            if other is not None and any(state.pending for state in other.states):
                continue
            drawn = [one for one in _figures(other) if one.snippet.options.label == figure]
            claim = other.claim(label) if other is not None else None
            if not drawn or claim is None:
                context.report(1, f"a card needs figure {figure!r} and claim {label!r} of {src}")
                continue
            if "thumb" not in drawn[0].svg:
                place = f"{drawn[0].state.job.page.path}:{drawn[0].snippet.start}"
                context.report(1, f"a card shows {place} small; write `#| thumb: true` there")
                continue
            svg = with_id_prefix(drawn[0].svg["thumb"], f"card-{len(cards) + 1}")
            thumb = self.md.htmlStash.store(svg)
            cards.append(
                Card(
                    question=catalogue.question(src),
                    thumb=thumb,
                    caption=entry.get("caption", ""),
                    claim=claim,
                    headline=entry["headline"],
                    sentence=entry["sentence"],
                )
            )
        return cards

    def _question(
        self, root: Element, context: Context, catalogue: Catalogue, offers: Offers
    ) -> None:
        question = catalogue.question(context.page.src)
        topic = catalogue.topic(context.page.src)
        head.apply(
            root,
            title=question.title,
            topic_title=topic.title,
            topic_href=link(topic.src, page=question.src),
            status=question.status,
            claims_total=context.claims_total,
            claims_hold=context.claims_hold,
            verified=context.verified(),
            searched=(question.description, *question.asked),
        )
        root.extend(_ran(context, offers, question.answers))
        if following := catalogue.after(question.src):
            root.extend(read_next(following, page=question.src))

    def _lab(self, root: Element, context: Context, offers: Offers) -> None:
        """A lab has a head and an end too; no verdict, and nothing to read next."""
        (lab,) = labs_of([context.page])
        lab_head.apply(
            root,
            lab=lab,
            claims_total=context.claims_total,
            claims_hold=context.claims_hold,
            verified=context.verified(),
            offers=offers,
        )
        root.extend(_ran(context, offers))


def _figures(context: Context | None) -> list[PlacedFigure]:
    return context.figures if context is not None else []


def _ran(context: Context, offers: Offers, answers: Sequence[str] = ()) -> list[Element]:
    """The section "This page ran", if anything of the page did."""
    results = [state.result for state in context.states if state.result is not None]
    if not results:
        return []
    environment = results[0].environment
    names = (("Python", "python"), ("torch", "torch"), ("NumPy", "numpy"))
    return this_page_ran(
        Run(
            verified=context.verified(),
            seeds=context.seeds(),
            elapsed_s=sum(result.elapsed_s for result in results),
            peak_bytes=max(result.peak_bytes for result in results),
            versions={name: environment[key] for name, key in names if key in environment},
            answers=answers,
            package=_package(context, offers),
        )
    )


def _package(context: Context, offers: Offers) -> tuple[str, Element] | None:
    """The name of the package that the page imports, and its version as a link to the wheel."""
    package = offers.package
    if package is None:
        return None
    href = link(package.src, page=context.page.src)
    return package.wheel.distribution, element("a", package.wheel.version, href=href, download="")
