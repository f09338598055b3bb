"""Finds the fences of a page; refuses what pytest-codeblocks or the renderer read otherwise.

pytest-codeblocks takes any line that begins with three backticks for a fence, closes it at any line
that begins with as many, and knows neither tildes nor quotes; pymdownx.superfences closes at an
exact match only. A page that both read alike is one on which every fence is plain. So this reader
is stricter than both: where they would differ it says so, with the line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["CONTINUE", "Fail", "Fence", "scan"]

#: The comment that makes a snippet continue the chain of the snippet before it.
CONTINUE = "<!--pytest-codeblocks:cont-->"

_DIRECTIVE = re.compile(r"<!--[-\s]*(pytest-codeblocks:|pytest\.mark\.)")
# Any white space, as pytest-codeblocks has it, a form feed and a no-break space included.
_TICKS = re.compile(r"^(?P<indent>\s*)(?P<ticks>`{3,})(?P<info>.*)$")
_QUOTED = re.compile(r"^\s*>[\s>]*(```|~~~)")
_TILDES = re.compile(r"^\s*~~~")
_PYTHON_LIKE = re.compile(r"^\s*\{?\s*\.?\s*(python|ipython|py3|py2)\w*(?![\w-])", re.IGNORECASE)
# What pymdownx.superfences takes for a fence, of what is only shown; at anything else it goes on
# without one, and prose and snippets below land in a block of code.
_SHOWN = re.compile(
    r"""\{[^{}\n]*\}|(\.?[\w#.+-]+)?([ \t]+(title|hl_lines|linenums)=("[^"]*"|'[^']*'))*"""
)
_SHELL = ("sh", "bash")
_CODE_SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
# What stands in these elements is a program, a text without markup, or for who cannot play them.
_UNSHOWN = re.compile(
    r"<(?P<end>/?)(?P<name>audio|canvas|datalist|iframe|noembed|noframes|noscript|object|plaintext"
    r"|script|select|style|template|textarea|title|video|xmp)(?![\w-])",
    re.IGNORECASE,
)
# To a browser a comment, or the value of an attribute, which ends at a bracket further below.
_NO_TAG = re.compile(r"""(<[?!](?!--)(?=[^>]*$)|<(?=[A-Za-z][^<>]*=\s*("[^"]*|'[^']*)$))""")
_NO_TAGS = {"<?", "<!", "<"}

Fail = Callable[[int, str], None]


@dataclass(frozen=True)
class Fence:
    """A fence of a page.

    Attributes:
        start: line of the opening backticks, from 1.
        end: line of the closing backticks.
        info: what stands behind the opening backticks.
        body: the lines between, as written.
        continues: whether the line above says that it continues a chain.
    """

    start: int
    end: int
    info: str
    body: tuple[str, ...]
    continues: bool = False

    @property
    def is_snippet(self) -> bool:
        """Whether it is run: its info string is exactly `python`."""
        return self.info == "python"


def scan(lines: list[str], first: int, fail: Fail) -> list[Fence]:
    """The fences of a page, in order.

    Args:
        lines: all lines of the file.
        first: index of the first line behind the front matter.
        fail: told of each line that cannot be read, with what to write instead.
    """
    fences: list[Fence] = []
    for number, line in enumerate(lines[:first], 1):
        if line.lstrip().startswith("```") or _DIRECTIVE.match(line.strip()):
            fail(number, "front matter holds no fence and no directive: the tests would read it")
    index = first
    unshown: dict[str, int] = {}
    while index < len(lines):
        match = _TICKS.match(lines[index])
        if match is not None and "`" in match["info"]:
            fail(index + 1, "no line of prose begins with three backticks; put a word before them")
            match = None
        if match is None:
            _check_prose(lines, index, fail)
            _note_unshown(lines[index], index + 1, unshown)
            index += 1
            continue
        _check_opening(match, index + 1, fail)
        end = _close(lines, index, match, fail)
        continues = index > first and lines[index - 1] == CONTINUE
        info = match["info"].rstrip(" \t")
        fences.append(Fence(index + 1, end + 1, info, tuple(lines[index + 1 : end]), continues))
        if continues:
            _check_continue(fences, fail)
        if fences[-1].is_snippet and unshown:
            begun, opened = next(iter(unshown.items()))
            end_ = ">" if begun in _NO_TAGS else f"</{begun[1:]}"
            fail(
                index + 1,
                f"no browser shows a snippet within the {begun} of line {opened}; close it above "
                f"with {end_}, or write `{begun}` if it is prose",
            )
        index = end + 1
    return fences


def _note_unshown(line: str, number: int, unshown: dict[str, int]) -> None:
    """Keep what is open at this line of which no browser shows the contents, and since when."""
    bare = _CODE_SPAN.sub("", line)
    for begun in _NO_TAGS & unshown.keys() if ">" in bare else ():
        del unshown[begun]
    for tag in _UNSHOWN.finditer(bare):
        begun = f"<{tag['name'].lower()}>"
        if tag["end"]:
            unshown.pop(begun, None)
        else:
            unshown.setdefault(begun, number)
    if no_tag := _NO_TAG.search(bare):
        unshown.setdefault(no_tag[1], number)


def _check_prose(lines: list[str], index: int, fail: Fail) -> None:
    line, number = lines[index], index + 1
    if _QUOTED.match(line):
        fail(number, "a fence in a quotation is read differently by tests and site; take it out")
    elif _TILDES.match(line):
        fail(number, "write the fence with three backticks: ~~~ is not seen by the tests")
    if _DIRECTIVE.match(line.strip()):
        _check_directive(lines, index, fail)
    elif "<!--" in (bare := _CODE_SPAN.sub("", line)) and "-->" not in bare.split("<!--")[-1]:
        fail(number, "a comment stands on one line: close it with --> here")


def _check_directive(lines: list[str], index: int, fail: Fail) -> None:
    number = index + 1
    if lines[index] != CONTINUE:
        fail(
            number,
            f"the only directive is {CONTINUE} at the left margin; a snippet is never skipped",
        )
    elif index + 1 == len(lines) or not re.match(r"```+python[ \t]*$", lines[index + 1]):
        fail(number, f"{CONTINUE} stands directly above a python fence")


def _check_opening(match: re.Match[str], number: int, fail: Fail) -> None:
    indent, info = match["indent"], match["info"].rstrip(" \t")
    if indent.strip(" "):
        fail(number, "a fence is indented by spaces and nothing else")
    elif info == "python":
        if indent:
            fail(
                number,
                "a snippet stands at the left margin: move it there, or write `py` to show it",
            )
    elif _PYTHON_LIKE.match(info):
        fail(number, "write `python` to run this fence, `py` or `pycon` to show it only")
    elif info in _SHELL:
        fail(
            number,
            f"pytest-codeblocks would run this `{info}` fence; write `console`",
        )
    elif not _SHOWN.fullmatch(info.strip(" \t")):
        fail(
            number,
            "the site would see no fence here: behind the backticks stands one word, then only "
            'title="…", hl_lines="…", linenums="…"; or {.word …}',
        )


def _close(lines: list[str], index: int, opening: re.Match[str], fail: Fail) -> int:
    """Index of the line that closes the fence opened at `index`."""
    indent, ticks = opening["indent"], opening["ticks"]
    for end in range(index + 1, len(lines)):
        line = lines[end]
        if line.rstrip(" \t") == indent + ticks:
            return end
        if line.lstrip().startswith(ticks):
            fail(
                end + 1,
                f"the fence of line {index + 1} closes with exactly {ticks} and nothing else",
            )
            return end
        if line.strip() and not line.startswith(indent):
            fail(end + 1, f"this line is indented less than its fence of line {index + 1}")
    fail(index + 1, f"this fence is never closed; close it with {ticks}")
    return len(lines)


def _check_continue(fences: list[Fence], fail: Fail) -> None:
    """A continuation joins the fence before it in pytest-codeblocks, whatever that fence is."""
    fence = fences[-1]
    if not fence.is_snippet:
        return
    if len(fences) == 1:
        fail(fence.start - 1, "there is no snippet above to continue; delete the comment")
    elif not fences[-2].is_snippet:
        fail(
            fence.start,
            f"the fence of line {fences[-2].start} stands between this snippet and the one it "
            "continues; pytest-codeblocks would join the two, so move it",
        )
