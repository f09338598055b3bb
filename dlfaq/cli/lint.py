"""What is wrong with a page before it is run: grammar, front matter, anatomy, own seeds."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from dlfaq.cli.anatomy import anatomy
from dlfaq.cli.commands import DONE, FAILED, add_command
from dlfaq.cli.limits import limits
from dlfaq.errors import PageError
from dlfaq.execution.site import read_pages
from dlfaq.pages.agreement import disagreements
from dlfaq.pages.config import read_settings
from dlfaq.pages.sections import prose
from dlfaq.site.lists.catalogue import catalogue_of, labs_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from dlfaq.cli.commands import Commands
    from dlfaq.pages.config import Settings
    from dlfaq.pages.page import Chain, Page

__all__ = ["PENDING", "lint", "register"]

#: A file in docs: pages, one path per line, that are still to be written in the present anatomy.
PENDING = ".lint-pending"

_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*(\{[^}]*\})?\s*#*$")
_SEEDED = ("seed", "manual_seed", "default_rng", "RandomState")


def register(commands: Commands) -> None:
    """Add the command."""
    add_command(commands, "lint", _run, "check pages without running them", "dlfaq lint")


def _run(options: argparse.Namespace) -> int:
    errors = lint(read_settings(options.folder))
    for error in errors:
        print(error)
    return FAILED if errors else DONE


def lint(settings: Settings) -> list[PageError]:
    """Everything that is wrong on the pages of a site, in order, without running them."""
    errors: list[PageError] = []
    pending = _pending(settings)
    listed = len(pending)
    pages = read_pages(settings)
    for page in pages:
        found = [*page.errors, *disagreements(page), *_headings(page)]
        if not page.errors:
            found += _own_seeds(page)
            formed = [*anatomy(page), *limits(page)] if page.is_question else []
            if page.src not in pending:
                found += formed
            elif formed:
                del pending[page.src]  # it stands there rightly
        else:
            pending.pop(page.src, None)  # not known while the page cannot be read
        errors += sorted(found, key=lambda error: error.line)
    file = settings.docs_dir / PENDING
    for src, line in pending.items():
        message = f"{src} is no question's page with errors of anatomy; strike it from this list"
        errors.append(PageError(settings.relative(file), line, message))
    if not listed and file.is_file():
        errors.append(PageError(settings.relative(file), 1, "no page is pending; delete this file"))
    for list_all in (catalogue_of, labs_of):
        try:
            list_all(pages)
        except PageError as error:
            errors.append(error)
    return errors


def _pending(settings: Settings) -> dict[str, int]:
    """The pages whose anatomy is not reported yet, with their lines in the list."""
    file = settings.docs_dir / PENDING
    if not file.is_file():
        return {}
    lines = file.read_text(encoding="utf-8").split("\n")
    return {line.strip(): number for number, line in enumerate(lines, 1) if line.strip()}


def _headings(page: Page) -> Iterator[PageError]:
    for number, line in prose(page):
        match = _HEADING.match(line)
        if match and "$" in match[2] and not match[3]:
            message = "a heading with mathematics needs its own {#id}: the formula would be in it"
            yield PageError(page.path, number, message)


def _own_seeds(page: Page) -> Iterator[PageError]:
    """An experiment behind a claim takes its seeds from `seeds(n)`, so others can shift them."""
    for chain in page.chains:
        if any(re.search(r"\bclaim\(", snippet.code) for snippet in chain.snippets):
            yield from _literal_seeds(page, chain)


def _literal_seeds(page: Page, chain: Chain) -> Iterator[PageError]:
    try:
        tree = ast.parse("".join(snippet.code for snippet in chain.snippets))
    except SyntaxError:
        return  # the run reports it, with its line
    lines = chain.lines
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _literal_seed(node):
            line = lines[node.lineno - 1].page_line
            message = "an experiment behind a claim has a seed of its own; take it from seeds(n)"
            yield PageError(page.path, line, message)


def _literal_seed(call: ast.Call) -> bool:
    """Whether a call is given a seed as a number: `seed=0`, `manual_seed(0)`, `default_rng(0)`."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    given = [keyword.value for keyword in call.keywords if keyword.arg in {"seed", "random_state"}]
    if name in _SEEDED:
        given += call.args[:1]
    return any(isinstance(value, ast.Constant) and isinstance(value.value, int) for value in given)
