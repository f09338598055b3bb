"""Begins a page: `dlfaq new "Question?"` writes one that runs, for its author to change."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from dlfaq.cli.commands import DONE, add_command
from dlfaq.errors import InputError
from dlfaq.execution.site import read_pages
from dlfaq.pages.config import read_settings
from dlfaq.site.lists.curriculum import FORTY
from dlfaq.writing.files import write_whole

if TYPE_CHECKING:
    import argparse

    from dlfaq.cli.commands import Commands
    from dlfaq.pages.config import Settings

__all__ = ["new_page", "register"]

#: What a page begins as; our tests run it.
_TEMPLATE = Path(__file__).with_name("new_page.md")


def register(commands: Commands) -> None:
    """Add the command."""
    new = add_command(
        commands,
        "new",
        _run,
        "begin a page that runs",
        'dlfaq new "Why clip gradients?" --topic optimisation',
    )
    new.add_argument("question", help="the title of the page")
    new.add_argument("--topic", default="optimisation", help="a folder of docs (optimisation)")
    new.add_argument("--answers", metavar="ID", help="its ID, if it is one of the forty")


def _run(options: argparse.Namespace) -> int:
    settings = read_settings(options.folder)
    file = new_page(options.question, settings, options.topic, options.answers)
    print(f"{settings.relative(file)} is ready to edit; `make serve` shows it as you write")
    return DONE


def new_page(question: str, settings: Settings, topic: str, answer: str | None = None) -> Path:
    """Write a page that builds, last in its topic.

    Args:
        question: the title.
        settings: the site.
        topic: a folder of docs with an index.md.
        answer: the ID of the question, one of the forty; None for a further question.

    Returns:
        The new file.

    Raises:
        InputError: no letters in the question, no such topic, no such ID, or the file is there
            already.
    """
    slug = "-".join(re.findall(r"[a-z0-9]+", question.lower()))[:60].strip("-")
    if not slug:
        raise InputError(
            expected="a question",
            got=repr(question),
            cure='write for example "Why clip gradients?"',
        )
    folder = settings.docs_dir / topic
    if not (folder / "index.md").is_file():
        topics = sorted(file.parent.name for file in settings.docs_dir.glob("*/index.md"))
        raise InputError(
            expected=f"a topic, one of {', '.join(topics)}",
            got=repr(topic),
            cure="choose one with --topic, or write its index.md first",
        )
    if answer is not None and answer not in FORTY:
        raise InputError(
            expected="the ID of one of the forty questions, such as 000-1",
            got=repr(answer),
            cure="leave --answers out for a further question",
        )
    file = folder / f"{slug}.md"
    if file.exists():
        raise InputError(
            expected="a new file",
            got=settings.relative(file),
            cure="edit that page, or ask the question in other words",
        )
    others = [
        page for page in read_pages(settings, f"{topic}/*") if page.src != f"{topic}/index.md"
    ]
    order = 1 + max((float(page.meta.get("order", 0)) for page in others), default=0)
    filled = {
        "TITLE": '"' + question.replace("\\", "\\\\").replace('"', '\\"') + '"',
        "ANSWERS": "question: true" if answer is None else f"answers: [{answer}]",
        "ORDER": f"{order:g}",
    }
    template = _TEMPLATE.read_text(encoding="utf-8")
    text = re.sub(r"\b(TITLE|ANSWERS|ORDER)\b", lambda match: filled[match[0]], template)
    write_whole(file, text)
    return file
