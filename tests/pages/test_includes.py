"""Includes in snippets, in prose, and in fences that are shown only."""

from __future__ import annotations

import pytest

SECTIONS = """\
before = 0
# --8<-- [start:inner]
def f():
    # --8<-- [start:body]
    if True:
        return 1
    # --8<-- [end:body]
# --8<-- [end:inner]
after = 0
"""
WRITE = 'write an include as --8<-- "file" and nothing else on the line'


def python(*lines: str) -> str:
    return "\n".join(["```python", *lines, "```", ""])


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("a.py", "before = 0\ndef f():\n    if True:\n        return 1\nafter = 0\n"),
        ("a.py:inner", "def f():\n    if True:\n        return 1\n"),
        ("a.py:body", "if True:\n    return 1\n"),
    ],
)
def test_a_file_or_a_section_is_expanded_at_the_left_margin(read, target, expected):
    page = read(python("x = 1", f'--8<-- "{target}"', "y = 2"), a_py=SECTIONS)
    assert page.errors == []
    assert page.chains[0].head.code == f"x = 1\n{expected}y = 2\n"


def test_the_indentation_of_the_include_is_added_but_not_to_blank_lines(read):
    page = read(python("if True:", "    --8<-- 'a.py'"), a_py="x = 1\n\ny = 2\n")
    assert page.chains[0].head.code == "if True:\n    x = 1\n\n    y = 2\n"


def test_a_line_knows_the_file_it_stands_in_and_the_line_that_includes_it(read):
    page = read(
        python("x = 1", '--8<-- "a.py"'), a_py='y = 1\n--8<-- "b.py"\n', b_py="# b\nz = 1\n"
    )
    assert [(line.file, line.number, line.page_line) for line in page.chains[0].lines] == [
        ("docs/page.md", 2, 2),
        ("snippets/a.py", 1, 3),
        ("snippets/b.py", 1, 3),
        ("snippets/b.py", 2, 3),
    ]


def test_a_section_may_be_empty_and_a_file_too(read):
    text = "# --8<-- [start:a]\n# --8<-- [end:a]\n"
    page = read(python('--8<-- "a.py:a"', '--8<-- "b.py"', "x = 1"), a_py=text, b_py="")
    assert (page.errors, page.chains[0].head.code) == ([], "x = 1\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('--8<-- "none.py"', "docs/page.md:2: no file 'none.py' in snippets/; correct the name"),
        (
            '--8<-- "../mkdocs.yml"',
            "docs/page.md:2: '../mkdocs.yml' lies outside snippets/; move it there",
        ),
        (
            '--8<-- "/etc/hostname"',
            "docs/page.md:2: '/etc/hostname' lies outside snippets/; move it there",
        ),
        (
            '--8<-- "a.py:none"',
            "docs/page.md:2: no section 'none'; mark one with `# --8<-- [start:none]`",
        ),
        (
            '--8<-- "loop.py"',
            (
                "docs/page.md:2: includes itself: loop.py > loop.py; break the circle "
                "(in snippets/loop.py:2)"
            ),
        ),
        ("--8<-- a.py", f"docs/page.md:2: {WRITE}"),
        ('--8<-- "a.py" # why', f"docs/page.md:2: {WRITE}"),
        ('--8<-- "a.py" ', f"docs/page.md:2: {WRITE}"),
        ("--8<--", f"docs/page.md:2: {WRITE}"),
        (
            '--8<-- "latin.py"',
            "docs/page.md:2: snippets/latin.py is not UTF-8 at byte 1; save it as UTF-8",
        ),
    ],
    ids=lambda value: value if value.startswith("--8") else "",
)
def test_a_wrong_include_is_told_at_its_line(errors, site, line, message):
    (site / "snippets" / "latin.py").write_bytes(b"#\xe9\n")
    assert errors(python(line), a_py=SECTIONS, loop_py='x = 1\n--8<-- "loop.py"\n') == [message]


def test_an_included_file_may_have_a_byte_order_mark_and_crlf(read, site):
    (site / "snippets" / "a.py").write_bytes(b"\xef\xbb\xbfx = 1\r\ny = 2\r\n")
    assert read(python('--8<-- "a.py"')).chains[0].head.code == "x = 1\ny = 2\n"


@pytest.mark.parametrize(
    ("included", "message"),
    [
        pytest.param(
            "a\n\n```python\nx\n```\n",
            "3: Markdown included outside a fence holds no snippet; move it to the page",
            id="snippet",
        ),
        pytest.param(
            "a\n\n~~~\n",
            "3: write the fence with three backticks: ~~~ is not seen by the tests",
            id="tildes",
        ),
        pytest.param(
            "is `{python} x`\n",
            "1: values and figures stand on a page, not in included Markdown",
            id="value",
        ),
        pytest.param(
            "`{figure} x`\n",
            "1: values and figures stand on a page, not in included Markdown",
            id="figure",
        ),
        pytest.param(
            '\n--8<-- "a.md"\n',
            "2: includes itself: a.md > a.md; break the circle",
            id="cycle",
        ),
        pytest.param(
            '--8<-- "b.md"\n',
            "1: no file 'b.md' in snippets/; correct the name",
            id="missing",
        ),
    ],
)
def test_markdown_that_prose_includes_holds_nothing_to_run(errors, included, message):
    line, said = message.split(": ", 1)
    assert errors('a\n\n--8<-- "a.md"\n', a_md=included) == [
        f"docs/page.md:3: {said} (in snippets/a.md:{line})"
    ]


def test_prose_includes_in_one_notation_only(errors):
    assert errors("--8<--\na.md\n--8<--\n", a_md="a\n") == [
        f"docs/page.md:1: {WRITE}",
        f"docs/page.md:3: {WRITE}",
    ]


def test_an_escaped_include_is_text(errors):
    assert errors(';--8<-- "none.md"\n\n```text\n;--8<-- "none.md"\n```\n') == []


def test_a_file_shown_in_a_fence_does_not_end_it(errors):
    text = '```text\n--8<-- "a.md"\n```\n'
    assert errors(text, a_md="x = 1\n") == []
    assert errors(text, a_md="x\n ```\n") == [
        (
            "docs/page.md:2: a file included in a fence holds no fence, which would end it "
            "(in snippets/a.md:2)"
        )
    ]
