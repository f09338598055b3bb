"""A page as a file: its encoding, its line ends, its front matter, its parts."""

from __future__ import annotations

import pytest

PAGE = "---\ntitle: Why?\n---\n\n```python\nx = 'é'\n```\n\nis `{python} x`\n"


def structure(page) -> tuple[object, ...]:
    chains = [
        (c.index, [s.start for s in c.snippets], c.head.code, c.expressions) for c in page.chains
    ]
    return page.path, page.src, page.meta, page.first, chains, page.errors


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PAGE.encode(), id="plain"),
        pytest.param(b"\xef\xbb\xbf" + PAGE.encode(), id="byte-order mark"),
        pytest.param(PAGE.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(PAGE.replace("\n", "\r").encode(), id="CR"),
        pytest.param(PAGE.rstrip("\n").encode(), id="no last line end"),
    ],
)
def test_a_page_reads_alike_with_any_line_end_and_a_mark(read, data):
    assert structure(read(data)) == (
        "docs/page.md",
        "page.md",
        {"title": "Why?"},
        3,
        [(0, [5], "x = 'é'\n", ("x",))],
        [],
    )


@pytest.mark.parametrize(
    ("data", "line", "offset"),
    [
        (b"a\nb\xe9c\n", 2, 3),
        ("é\n\n".encode() + b"\xff", 3, 4),
        (PAGE.encode("utf-16"), 1, 0),
    ],
    ids=["latin-1", "last byte", "utf-16"],
)
def test_a_page_that_is_not_utf_8_is_told_with_its_offset(errors, data, line, offset):
    assert errors(data) == [
        f"docs/page.md:{line}: not UTF-8 at byte {offset} of the file; save it as UTF-8"
    ]


def test_a_mark_in_front_of_a_fence_would_hide_it_from_the_tests(errors):
    assert errors(b"\xef\xbb\xbf```python\nx = 1\n```\n") == [
        (
            "docs/page.md:1: pytest-codeblocks misses a fence behind a byte-order mark; "
            "begin with prose"
        )
    ]


def test_front_matter_that_cannot_be_read_is_told_and_nothing_else_of_the_page(read):
    page = read("---\ntitle: [\n---\n\n~~~\n")
    assert [(error.line, page.chains) for error in page.errors] == [(2, [])]


@pytest.mark.parametrize("text", ["", "\n", "\ufeff"], ids=repr)
def test_a_page_may_be_empty(read, text):
    page = read(text)
    assert (page.errors, page.chains) == ([], [])
