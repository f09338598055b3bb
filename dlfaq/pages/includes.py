"""Expands `--8<-- "file.py"` inside a snippet and remembers where every line came from."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dlfaq.errors import PageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["INCLUDE", "LOOKS_LIKE_INCLUDE", "WRITE_INCLUDE", "Line", "expand", "included_error"]

#: One include per line, as pymdownx.snippets writes it: `--8<-- "file.py"` or `"file.py:section"`.
INCLUDE = re.compile(r"^(?P<indent>[ \t]*)-+8<-+[ \t]+([\"'])(?P<target>[^\"']+)\2$")

#: What pymdownx.snippets might take for an include. A `;` before it makes it text.
LOOKS_LIKE_INCLUDE = re.compile(r"^[ \t]*-+8<-+")

WRITE_INCLUDE = 'write an include as --8<-- "file" and nothing else on the line'

_MARKER = re.compile(
    r"-+8<-+[ \t]+\[[ \t]*(?P<kind>start|end)[ \t]*:[ \t]*(?P<name>[a-z][\w-]*)[ \t]*\]",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Line:
    """One line of code and where it is written.

    Attributes:
        text: the line, without its end.
        file: the file it stands in, relative to the root.
        number: its line there, from 1.
        page_line: the line of the page it comes from: its own, or that of the include on the page.
    """

    text: str
    file: str
    number: int
    page_line: int


def _locate(target: str, snippets_dir: Path, root: Path, where: Line) -> tuple[Path, str]:
    """The file and the section (or "") that an include names.

    Raises:
        PageError: the file lies outside snippets/, or is not there.
    """
    name, _, section = target.partition(":")
    path = (snippets_dir / name).resolve()
    folder = snippets_dir.relative_to(root).as_posix()
    if not path.is_relative_to(snippets_dir.resolve()):
        raise PageError(where.file, where.number, f"{name!r} lies outside {folder}/; move it there")
    if not path.is_file():
        raise PageError(
            where.file, where.number, f"no file {name!r} in {folder}/; correct the name"
        )
    return path, section


def _section(lines: list[Line], name: str, where: Line) -> list[Line]:
    """The lines between the markers of a section, moved to the left margin as pymdownx does."""
    inside: list[Line] = []
    open_ = found = False
    for line in lines:
        marker = _MARKER.search(line.text)
        if marker and marker["name"] == name:
            if marker["kind"].lower() == "end":
                break
            open_ = found = True
        elif open_ and not marker:
            inside.append(line)
    if not found:
        raise PageError(
            where.file,
            where.number,
            f"no section {name!r}; mark one with `# --8<-- [start:{name}]`",
        )
    if not inside:
        return []
    texts = textwrap.dedent("\n".join(line.text for line in inside)).split("\n")
    return [replace(line, text=text) for text, line in zip(texts, inside, strict=True)]


def expand(
    lines: list[Line], snippets_dir: Path, root: Path, _open: tuple[Path, ...] = ()
) -> list[Line]:
    """Replace each include by the lines of its file, however deep.

    Args:
        lines: the body of a snippet, of an included file, or one include of prose.
        snippets_dir: the only folder that is read.
        root: what paths are relative to.

    Raises:
        PageError: a missing file or section, a file outside snippets/, or a cycle; at the line of
            the page, and where in an included file.
    """
    expanded: list[Line] = []
    for line in lines:
        match = INCLUDE.match(line.text)
        if match is None:
            if LOOKS_LIKE_INCLUDE.match(line.text):
                raise PageError(line.file, line.number, WRITE_INCLUDE)
            expanded.append(line)
            continue
        path, section = _locate(match["target"], snippets_dir, root, line)
        if path in _open:
            chain = " > ".join(p.name for p in (*_open, path))
            raise PageError(line.file, line.number, f"includes itself: {chain}; break the circle")
        included = _read(path, root, line)
        body = _section(included, section, line) if section else included
        body = [one for one in body if not _MARKER.search(one.text)]
        try:
            inner = expand(body, snippets_dir, root, (*_open, path))
        except PageError as error:
            raise error if _open else included_error(line, error) from None
        for one in inner:
            text = match["indent"] + one.text if one.text else one.text
            expanded.append(replace(one, text=text))
    return expanded


def included_error(include: Line, error: PageError) -> PageError:
    """What is wrong in an included file, at the line of the page that includes it."""
    message = f"{error.message} (in {error.path}:{error.line})"
    return PageError(include.file, include.page_line, message)


def _read(path: Path, root: Path, where: Line) -> list[Line]:
    file = path.relative_to(root).as_posix()
    try:
        texts = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise PageError(
            where.file, where.number, f"{file} is not UTF-8 at byte {error.start}; save it as UTF-8"
        ) from None
    lines = [Line(text, file, number, where.page_line) for number, text in enumerate(texts, 1)]
    return lines[:-1] if not texts[-1] else lines
