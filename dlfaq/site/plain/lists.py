"""The lists of a site as Markdown: questions with their verdicts, labs, and llms.txt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlfaq.site.lists.rows import link
from dlfaq.site.verdicts import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dlfaq.pages.page import Page
    from dlfaq.site.lists.catalogue import Catalogue, Lab, Topic

__all__ = ["llms_txt", "plain_list", "plain_src"]


def plain_src(src: str) -> str:
    """Where the site keeps a page as Markdown: under the name of its source.

    Example:
        >>> plain_src("labs/backprop.py")
        'labs/backprop.md'
    """
    return f"{src.removesuffix('.py').removesuffix('.md')}.md"


def plain_list(kind: str, catalogue: Catalogue, labs: Iterable[Lab], *, page: str) -> str:
    """What stands where a page says `{questions}`, `{labs}` or `{evidence}`, as Markdown.

    What other lists show is drawn, and stands on other pages in words.

    Args:
        kind: which list.
        catalogue: the questions.
        labs: the labs.
        page: the page, relative to docs_dir.
    """

    def place(src: str) -> str:
        return link(plain_src(src), page=page)

    if kind == "labs":
        return _labs(labs, place)
    if kind == "evidence":
        return f"Every claim as data: [evidence.json]({link('evidence.json', page=page)})."
    if kind == "questions":
        own = [topic for topic in catalogue.topics if topic.src == page]
        return _questions(own[0], place) if own else _topics(catalogue, place)
    return ""


def llms_txt(
    name: str,
    description: str,
    catalogue: Catalogue,
    labs: Iterable[Lab],
    others: Iterable[Page],
    *,
    address: str,
) -> str:
    """Write what https://llmstxt.org describes: what a site holds, and where it lies as Markdown.

    Args:
        name: of the site.
        description: of the site, in a sentence.
        catalogue: the questions.
        labs: the labs.
        others: further pages, of which those with a title are listed.
        address: of the site, with "/" at its end; "" where it is not known: links are relative.
    """

    def place(src: str) -> str:
        return address + plain_src(src)

    more = [
        _row(page.meta["title"], place(page.src), page.meta.get("description", ""))
        for page in others
        if page.meta.get("title")
    ]
    more.append(_row("evidence.json", f"{address}evidence.json", "Every claim as data."))
    parts = [f"# {name}", f"> {description}", _topics(catalogue, place)]
    parts += [f"## Labs\n\n{_labs(labs, place)}"] if labs else []
    return "\n\n".join([*parts, "## More\n\n" + "\n".join(more)]) + "\n"


def _topics(catalogue: Catalogue, place: Callable[[str], str]) -> str:
    sections = (f"## {topic.title}\n\n{_questions(topic, place)}" for topic in catalogue.topics)
    return "\n\n".join(sections)


def _questions(topic: Topic, place: Callable[[str], str]) -> str:
    return "\n".join(
        _row(
            question.title,
            place(question.src),
            f"{question.description} (Common answer: {VERDICTS[question.status].lower()}.)",
        )
        for question in topic.questions
    )


def _labs(labs: Iterable[Lab], place: Callable[[str], str]) -> str:
    return "\n".join(_row(lab.title, place(lab.src), lab.description) for lab in labs)


def _row(title: str, href: str, words: str) -> str:
    return f"- [{title}]({href})" + (f": {words}" if words else "")
