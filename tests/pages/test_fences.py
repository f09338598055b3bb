"""Fences: which are run, which are shown, which are refused and with what words."""

from __future__ import annotations

import markdown
import pytest

RUN_OR_SHOW = "write `python` to run this fence, `py` or `pycon` to show it only"
MARGIN = "a snippet stands at the left margin: move it there, or write `py` to show it"
DIRECTIVE = (
    "the only directive is <!--pytest-codeblocks:cont--> at the left margin; "
    "a snippet is never skipped"
)
ABOVE = "<!--pytest-codeblocks:cont--> stands directly above a python fence"
QUOTED = "a fence in a quotation is read differently by tests and site; take it out"
TILDES = "write the fence with three backticks: ~~~ is not seen by the tests"
COMMENT = "a comment stands on one line: close it with --> here"
PROSE = "no line of prose begins with three backticks; put a word before them"
FRONT = "front matter holds no fence and no directive: the tests would read it"
CONT = "<!--pytest-codeblocks:cont-->"


def fence(info: str, indent: str = "", body: str = "x = 1") -> str:
    return f"{indent}```{info}\n{indent}{body}\n{indent}```\n"


@pytest.mark.parametrize(
    "info",
    [
        "Python",
        "PYTHON",
        "python3",
        "python2",
        "ipython",
        "ipython3",
        "py3",
        " python",
        "\tpython",
        "{.python}",
        "{ .python }",
        "{python}",
        ".python",
        'python title="a.py"',
        'python hl_lines="1"',
        "python {.x}",
        "python,",
    ],
)
def test_what_looks_like_python_says_which_word_to_write(errors, info):
    assert errors(fence(info)) == [f"docs/page.md:1: {RUN_OR_SHOW}"]


@pytest.mark.parametrize(
    "info",
    ["text output", "py title=x.py", "diff -u", "text linenums", "text {", "c++ c", 'py titel="x"'],
)
def test_what_the_renderer_takes_for_no_fence_is_refused(errors, info):
    text = fence(info) + "\nProse.\n\n" + fence("python") + "\n" + fence("text")
    (error,) = errors(text)
    assert error.startswith("docs/page.md:1: the site would see no fence here")


# Exactly what pymdownx.superfences says of a line; a new version of it may say something else.
@pytest.mark.parametrize(
    "info",
    [
        "", "text", ".text", "c++", "objective-c", 'text title="a b"', "text title='a'",
        'text title="a" linenums="1"', 'text hl_lines="1 2"', "{.text}", "{ .text #a }",
        "text {.a}", "text output", "py title=x.py", "diff -u", 'py titel="x"', "text linenums",
        "text,more", "a:b",
    ],
)  # fmt: skip
def test_our_reader_and_the_renderer_agree_on_what_is_a_fence(errors, info):
    html = markdown.markdown(fence(info), extensions=["attr_list", "pymdownx.superfences"])
    rendered = 'class="highlight"' in html
    assert (errors(fence(info)) == []) == rendered


@pytest.mark.parametrize(
    "info",
    ["", "py", "pycon", "text", "console", "python-traceback", "pytb", "pytest", "diff", "yaml"],
)
def test_other_fences_are_shown_only(read, info):
    page = read(fence(info))
    assert (page.errors, page.chains) == ([], [])


# Each fault alone on a page: what is written, the line it is found on, what is said.
@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        pytest.param(fence("python", "  "), 1, MARGIN, id="indented"),
        pytest.param("- a\n\n" + fence("python", "    "), 3, MARGIN, id="in a list"),
        pytest.param(
            "\t```text\n\tx\n\t```\n", 1, "a fence is indented by spaces and nothing else", id="tab"
        ),
        pytest.param("> ```python\n> x = 1\n", 1, QUOTED, id="quoted"),
        pytest.param("> > ```text\n", 1, QUOTED, id="quoted twice"),
        pytest.param("> ~~~\n", 1, QUOTED, id="quoted tildes"),
        pytest.param("~~~python\nx = 1\n", 1, TILDES, id="tildes"),
        pytest.param("  ~~~~\n", 1, TILDES, id="indented tildes"),
        *(
            pytest.param(
                fence(word),
                1,
                f"pytest-codeblocks would run this `{word}` fence; write `console`",
                id=word,
            )
            for word in ("sh", "bash")
        ),
        pytest.param("```text```\n", 1, PROSE, id="inline at the margin"),
        pytest.param("``` `x` is code\n", 1, PROSE, id="prose begins with backticks"),
        pytest.param(
            "```python\nx = 1\n", 1, "this fence is never closed; close it with ```", id="open"
        ),
        pytest.param(
            "```python\nx = 1\n````\n",
            3,
            "the fence of line 1 closes with exactly ``` and nothing else",
            id="closed by more",
        ),
        pytest.param(
            "```python\nx = 1\n``` end\n",
            3,
            "the fence of line 1 closes with exactly ``` and nothing else",
            id="closed with a word",
        ),
        pytest.param(
            "```python\nx = '''\n  ```\n'''\n",
            3,
            "the fence of line 1 closes with exactly ``` and nothing else",
            id="closed deeper",
        ),
        pytest.param(
            "- a\n\n    ```text\n  b\n    ```\n",
            4,
            "this line is indented less than its fence of line 3",
            id="less indented",
        ),
        pytest.param("a <!-- b\nc -->\n", 1, COMMENT, id="comment over lines"),
        pytest.param("<!-- a --> <!-- b\n-->\n", 1, COMMENT, id="second comment over lines"),
        pytest.param("<!--pytest-codeblocks:skip-->\n" + fence("python"), 1, DIRECTIVE, id="skip"),
        pytest.param("<!--pytest-codeblocks:skipfile-->\n", 1, DIRECTIVE, id="skipfile"),
        pytest.param("<!-- pytest-codeblocks:expected-output -->\n", 1, DIRECTIVE, id="expected"),
        pytest.param("<!--pytest.mark.skip-->\n" + fence("python"), 1, DIRECTIVE, id="mark"),
        pytest.param(
            f"{fence('python')}\n {CONT}\n{fence('python')}", 5, DIRECTIVE, id="indented cont"
        ),
        pytest.param(
            f"{fence('python')}\n<!-- pytest-codeblocks:cont -->\n{fence('python')}",
            5,
            DIRECTIVE,
            id="cont with spaces",
        ),
        pytest.param(
            f"{fence('python')}\n{CONT}\n\n{fence('python')}", 5, ABOVE, id="cont and a gap"
        ),
        pytest.param(f"{fence('python')}\n{CONT}\n{fence('py')}", 5, ABOVE, id="cont above py"),
        pytest.param(f"{fence('python')}\n{CONT}", 5, ABOVE, id="cont at the end"),
        pytest.param(
            f"{CONT}\n{fence('python')}",
            1,
            "there is no snippet above to continue; delete the comment",
            id="cont of nothing",
        ),
        pytest.param(
            f"{fence('python')}{fence('text')}{CONT}\n{fence('python')}",
            8,
            "the fence of line 4 stands between this snippet and the one it continues; "
            "pytest-codeblocks would join the two, so move it",
            id="cont across a fence",
        ),
        pytest.param(
            f"<div>\n<Script type=module>\n{fence('python')}</script>",
            3,
            "no browser shows a snippet within the <script> of line 2; close it above with "
            "</script>, or write `<script>` if it is prose",
            id="within a script",
        ),
        pytest.param(
            f"So <textarea> is prose.\n\n{fence('python')}",
            3,
            "no browser shows a snippet within the <textarea> of line 1; close it above with "
            "</textarea>, or write `<textarea>` if it is prose",
            id="below an element that never closes",
        ),
        pytest.param(
            f"<?php\n\n{fence('python')}",
            3,
            "no browser shows a snippet within the <? of line 1; close it above with >, or write "
            "`<?` if it is prose",
            id="within an instruction",
        ),
        pytest.param(
            f"<div>\n<div title='\n\n{fence('python')}",
            4,
            "no browser shows a snippet within the < of line 2; close it above with >, or write "
            "`<` if it is prose",
            id="within the value of an attribute",
        ),
        pytest.param(
            f"---\na: |\n  ```\n---\n{fence('python')}", 3, FRONT, id="fence in front matter"
        ),
        pytest.param(
            "---\na: |\n  <!--pytest.mark.skip-->\n---\n", 3, FRONT, id="mark in front matter"
        ),
    ],
)
def test_a_fault_is_told_at_its_line(errors, text, line, message):
    assert errors(text) == [f"docs/page.md:{line}: {message}"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a ```text``` in prose\n", id="triple backticks inside a line"),
        pytest.param("A `<!--` opens a comment\n", id="comment sign in code"),
        pytest.param("<!-- one line -->\n", id="comment"),
        pytest.param(
            f"<script>\n1\n</script> `<style>` <titled> <!doctype\nhtml>\n\n{fence('python')}",
            id="elements that are closed",
        ),
        pytest.param(f"So a<b and c\n\n{fence('python')}", id="a sign that is smaller than"),
        pytest.param(f"<img alt='a\nb'>\n\n{fence('python')}", id="a tag of two lines"),
        pytest.param("<script>\n```py\nx\n```\n", id="what is shown only"),
        pytest.param("    > quoted\n", id="quotation"),
        pytest.param(
            "````text\n```python\nx\n```\n````\n", id="a page shown inside four backticks"
        ),
        pytest.param("```text\n~~~\n> ```\n<!-- \n```\n", id="whatever stands in a fence"),
        pytest.param("```python   \nx = 1\n```   \n", id="trailing spaces"),
    ],
)
def test_what_is_read_alike_is_accepted(errors, text):
    assert errors(text) == []


def test_a_snippet_knows_its_lines_and_its_code(read):
    page = read(f"a\n\n{fence('python')}\nb\n\n````python\ny = 2\n\nz = '```'\n````\n")
    assert [(s.start, s.end, s.code) for c in page.chains for s in c.snippets] == [
        (3, 5, "x = 1\n"),
        (9, 13, "y = 2\n\nz = '```'\n"),
    ]


def test_a_comment_joins_a_snippet_to_the_chain_above(read):
    one = fence("python")
    text = f"{one}\n{CONT}\n{one}\n{one}{fence('py')}\n{one}"
    starts = [[snippet.start for snippet in chain.snippets] for chain in read(text).chains]
    assert starts == [[1, 6], [10], [17]]


def test_every_fault_of_a_page_is_told_in_the_order_of_lines(errors):
    text = (
        "~~~\n\n" + fence("Python") + "\n> ```\n\n```python\n#| echo: no\n```\n\n`{python} 1 +`\n"
    )
    found = errors(text)
    assert [error.split(":")[1] for error in found] == ["1", "3", "7", "10", "13"]
