"""Front matter is read as MkDocs reads it, and what MkDocs passes over in silence is an error."""

from __future__ import annotations

import pytest
from mkdocs.utils.meta import get_data

from dlfaq.errors import PageError
from dlfaq.pages.front_matter import front_matter, key_line

PAGE = "---\ntitle: Why?\nanswers: [000-1]\n---\n\nBecause.\n"


@pytest.mark.parametrize(
    "text",
    [
        PAGE,
        PAGE.replace("---\n\n", "...\n\n"),
        PAGE.replace("---\n", "---  \n"),
        "Because.\n\n---\n\nmore\n",
        "",
    ],
    ids=["plain", "closed by dots", "trailing blanks", "none", "empty file"],
)
def test_reads_what_mkdocs_reads(text):
    meta, first = front_matter(text, "docs/why.md")
    body, expected = get_data(text)
    assert meta == expected
    assert "\n".join(text.split("\n")[first:]).lstrip("\n") == body.lstrip("\n")


@pytest.mark.parametrize(
    "text",
    ["\ufeff" + PAGE, PAGE.replace("\n", "\r\n"), "\ufeff" + PAGE.replace("\n", "\r\n")],
    ids=["byte-order mark", "CRLF", "both"],
)
def test_accepts_what_editors_write(text):
    assert front_matter(text, "docs/why.md") == ({"title": "Why?", "answers": ["000-1"]}, 4)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("---\ntitle: Why?\n", 1, "never closed"),
        ("---\ntitle: Why?\norder: [1\n---\n", 3, "not YAML"),
        ("---\n---\nBecause.\n", 1, "is empty"),
        ("---\ntitle: Why?\n---", 3, "ends in front matter"),
        ("---\ntitle: a: b\n---\n", 2, "not YAML"),
        ("---\n- a\n- b\n---\n", 2, "is a list"),
        ("---\njust words\n---\n", 2, "is a str"),
        ("---\n1: one\n---\n", 2, "key 1"),
        ("---\ntitle: \x07\n---\n", 2, "not YAML"),
    ],
    ids=[
        "open",
        "bracket",
        "empty",
        "unfinished",
        "colon",
        "list",
        "text",
        "number as key",
        "control character",
    ],
)
def test_an_error_names_file_and_line(text, line, words):
    with pytest.raises(PageError, match=words) as caught:
        front_matter(text, "docs/why.md")
    assert (caught.value.path, caught.value.line) == ("docs/why.md", line)


def test_key_line_stops_where_front_matter_ends():
    assert key_line(PAGE, "answers") == 3
    assert key_line(PAGE + "order: 3\n", "order") == 1
