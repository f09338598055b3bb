"""Makes the head of a question's page: where it stands, the question, its answer, the folklore.

It works on the rendered tree, after inline code and emphasis are elements and before the table of
contents is made.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dlfaq.site.elements import append, element
from dlfaq.site.page.versus import unquote, versus
from dlfaq.site.verdicts import VERDICTS, badge_element
from dlfaq.site.wording import day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from xml.etree.ElementTree import Element

__all__ = ["apply", "kicker", "mark_answer", "title_children"]

_CALL = re.compile(r"([\w.]+\(\))")
_SAY, _VERDICT = "People say:", "Verdict:"


def apply(
    root: Element,
    *,
    title: str,
    topic_title: str,
    topic_href: str,
    status: str,
    claims_total: int,
    claims_hold: int,
    verified: date | None,
    searched: Sequence[str] = (),
) -> None:
    """Transform the tree of the page of a question, in place.

    Args:
        root: the tree.
        title: the question, plain text; a word that ends in () becomes code.
        topic_title: the name of its topic.
        topic_href: the link to the topic's page, from Markdown file to Markdown file.
        status: the verdict on the common answer.
        claims_total: how many claims the page makes.
        claims_hold: how many of them hold.
        verified: when the oldest of its results was made.
        searched: what the search finds the page by beside its text.
    """
    mark_answer(root)
    _say(root, status)
    versus(root, status)
    root.insert(0, kicker(topic_title, topic_href, claims_total, claims_hold, verified))
    root.insert(1, element("h1", *title_children(title)))
    if searched:
        root.insert(0, _searched(searched))


def title_children(title: str) -> list[str | Element]:
    """Split a title into text and, where a word ends in (), code.

    Example:
        >>> [str(getattr(c, "tag", c)) for c in title_children("Why call zero_grad()?")]
        ['Why call ', 'code', '?']
    """
    parts = _CALL.split(title)
    return [element("code", part) if i % 2 else part for i, part in enumerate(parts) if part]


def kicker(title: str, href: str, total: int, hold: int, verified: date | None) -> Element:
    """Build the line above a title: where the page stands, its claims, when it was verified."""
    line = element("p", element("a", title, href=href), class_="dl-kicker")
    if total:
        append(line, f" · {hold} of {total} {'claim holds' if total == 1 else 'claims hold'}")
    if verified is not None:
        append(line, " · ", element("span", f"verified {day(verified)}", class_="dl-run"))
    line.set("data-search-exclude", "")
    return line


def _searched(texts: Sequence[str]) -> Element:
    """Build what is searched and neither seen nor read out.

    It stands before everything else: Material's search gives what precedes the first heading to the
    entry of the page as a whole, which would be empty without it, and shows it in its results.
    """
    paragraphs = [element("p", text) for text in texts]
    return element("div", *paragraphs, class_="dl-searched", hidden="")


def _starts(node: Element, words: str) -> bool:
    return node.tag == "p" and (node.text or "").lstrip().startswith(words)


def mark_answer(root: Element) -> None:
    """Mark the paragraphs before `People say:`; without it only the first."""
    leading = []
    for node in root:
        if node.tag != "p" or _starts(node, _SAY) or _starts(node, _VERDICT):
            break
        leading.append(node)
    said = any(_starts(node, _SAY) for node in root)
    for node in leading if said else leading[:1]:
        node.set("class", "dl-answer")


def _say(root: Element, status: str) -> None:
    said = next((node for node in root if _starts(node, _SAY)), None)
    verdict = next((node for node in root if _starts(node, _VERDICT)), None)
    found = [node for node in (said, verdict) if node is not None]
    if not found:
        return
    at = list(root).index(found[0])
    box = element("div", class_="dl-say")
    if said is not None:
        _strip(said, _SAY)
        if status == "missing":  # there is no common answer to quote
            quote = element("span")
        else:
            unquote(said)
            quote = element("q")
        append(quote, said.text or "", *said)
        box.append(element("p", element("span", "People say", class_="dl-say__k"), " ", quote))
    if verdict is not None:
        _strip(verdict, _VERDICT)
        _strip_word(verdict, status)
        half = element("span", badge_element(status), " ")
        append(half, verdict.text or "", *verdict)
        box.append(element("p", element("span", "Verdict", class_="dl-say__k"), " ", half))
    for node in found:
        root.remove(node)
    root.insert(at, box)


def _strip(node: Element, words: str) -> None:
    node.text = (node.text or "").lstrip().removeprefix(words).lstrip()


def _strip_word(node: Element, status: str) -> None:
    """Drop the verdict's word where the author wrote it: the badge says it."""
    text = node.text or ""
    match = re.match(rf"{VERDICTS[status]}\b\s*[.:,;–—]?\s*", text, re.IGNORECASE)
    if match:
        node.text = text[match.end() :]
