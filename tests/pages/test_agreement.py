"""Pages made at random: all readers see the same snippets, or ours refuses the page with a line.

The readers are ours, pytest-codeblocks, and who looks at the HTML that Python-Markdown makes, with
the extensions of this site or with those that other sites use. A page is made of fences of all
shapes, of lines that some reader takes for something else, and of what these can stand in.
"""

from __future__ import annotations

import re

from bs4 import BeautifulSoup
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mkdocs.utils.meta import get_data
from pytest_codeblocks import extract_from_file

from dlfaq.pages.agreement import disagreements
from dlfaq.pages.config import read_settings
from dlfaq.pages.reader import read_page

CONT = "<!--pytest-codeblocks:cont-->"

INFOS = (
    *("", "text", "py", "pycon", "mermaid", "math", "a/b", "c++", "bash", "Python", "python3"),
    *(" python", "python ", "python\t", ".python", "{python}", "{.python}", "python `x`"),
    *("python title='a'", 'py title="a"', '{ .py title="a" }', 'text hl_lines="1"', "```"),
)
CODE = (
    *("x = 1", "", "    y = 2", "\ttab", "'''", "x = '\\\\`'", "~~~", "> q", "- a", "# h", "///"),
    *("<div>", "</div>", "</script>", "<!-- c", "-->", "<b>&amp;</b>", "$$", "$x$", "{.x}"),
    *("`{python} x`", "[a]: b", ": d", "*[x]: y", "{--x--}", "dlfaqtoken0end", "klzzwxh:0000"),
    *("\x0c", "\u2028z = 1", "\x02wzxhzdk:0\x03", "\x02amp\x03"),
)
IN_ODD_FENCES = (*CODE, "```", "````", "  ``` ", "```python", "#| label: a", "#| echo: true")
LINES = (
    *("text", "", "value `{python} 1`", "a `b` c", "``x ` y``", "`", "``", "```", "~~~"),
    *("```x``` y", "\\```", "> ```python", "~~~python", "\u2028```python", "\u00a0```python"),
    *("# H", "H\n---", "***", "---", "title: x", "| a | b |\n|---|---|\n| 1 | `{python} 1` |"),
    *("term\n: definition", "[^1]: note", "[^1]", "*[HTML]: x", "- [ ] task", "- item", "1. one"),
    *("> quote", "    code", "\tcode", ":::python", "#!python", "    #!python", "![a](b)"),
    *("<b>", "</b>", "<div>", "</div>", "<div markdown>", '<div markdown="1">', "<p>", "<br>"),
    *("<details>", "</details>", "<pre>", "</pre>", "<svg>", "</svg>", "<math>", "</math>"),
    *("<script>", "</script>", "<style>", "</style>", "<textarea>", "</textarea>", "<title>"),
    *("<iframe>", "</iframe>", "<template>", "</template>", "<select>", "<x-y>", "&lt;"),
    *("<table><tr><td>", "</td></tr></table>", '<div title="', '">', "<a href='"),
    *("<!-- c -->", "<!--", "-->", "<!-->", "<?php", "?>", "<![CDATA[", "]]>", "<!DOCTYPE html>"),
    *("$$", "$x$", "\\[", "\\(", "\\begin{a}", "\\end{a}", "{--", "--}", "{>>x<<}", "++a", "__"),
    *("/// details | More", "///", "//// note", "////", "/// html | div", "/// tab | A"),
    *("!!! note", "??? x", '=== "A"', "{.x}", "{: #y }", '--8<-- "x.md"', ';--8<-- "x.md"'),
    *(CONT, "<!-- pytest-codeblocks:cont -->", "<!--pytest-codeblocks:skip-->"),
    *("<!--pytest.mark.skip-->", "<!--pytest-codeblocks:skipfile-->", "`{figure} a`"),
    *("`{questions}`", "dlfaqtoken0end", "\x02wzxhzdk:0\x03", "\x02dlfaq\x03", "\x00", "\x1e"),
    *("\x85", "\u200b", "\u00a0", "\x0c"),
)
TOPS = (
    *("---\ntitle: x\n---\n", "---\ntitle: x\n...\n\n", "--- \na: b\n---\n", "---\n---\n"),
    *("---\na: |\n  ```python\n  1\n  ```\n---\n", "\ufeff", "title: x\n\n", "\n\n"),
)
# What may stand around a part of a page: above it, at the left of its lines, and below it.
AROUND = (
    *(("- item\n\n", "    ", ""), ("1. item\n\n", "   ", ""), ("", "> ", "")),
    *((f"{mark}\n\n", "    ", "") for mark in ("!!! note", "??? note", '=== "A"')),
    *(("term\n:   def\n\n", "    ", ""), ("[^1]: note\n\n", "    ", ""), ("$$\n", "", "\n$$")),
    *(("/// details | More\n", "", "\n///"), ("/// note\n\n", "", "\n\n///")),
    *((f"<{tag}>\n", "", f"\n</{tag}>") for tag in ("div", "pre", "script", "ul", "span")),
    *((f"<{tag}>\n\n", "", f"\n\n</{tag}>") for tag in ("div", "textarea", "table")),
    *((f"<{tag} markdown>\n", "", f"\n</{tag}>") for tag in ("div", "details", "section")),
    *(("<!--\n", "", "\n-->"), ("{--\n", "", "\n--}"), ("<?php\n", "", "\n?>")),
)


BODIES = st.lists(st.sampled_from(CODE), max_size=4)


@st.composite
def plain_fences(draw) -> str:
    """Fences as they should be."""
    ticks = draw(st.sampled_from(("```", "```", "````")))
    above, info = draw(
        st.sampled_from((*[("", "python")] * 5, (f"{CONT}\n", "python"), ("", "py"), ("", "text")))
    )
    return "\n".join([f"{above}{ticks}{info}", *draw(BODIES), ticks])


@st.composite
def odd_fences(draw) -> str:
    """Fences that are odd in one way."""
    ticks, indent, info, body, end = "```", "", "python", draw(BODIES), "```"
    odd = draw(st.sampled_from(("ticks", "indent", "info", "body", "end")))
    if odd == "ticks":
        ticks = end = draw(st.sampled_from(("~~~", "~~~~", "``", "`````")))
    if odd == "indent":
        indent = draw(st.sampled_from((" ", "  ", "    ", "\t", "\x0c", "\u00a0")))
    if odd == "info":
        info = draw(st.sampled_from(INFOS))
    if odd == "body":
        body += draw(st.lists(st.sampled_from(IN_ODD_FENCES), max_size=3))
    if odd == "end":
        end = draw(st.sampled_from(("````", "``` ", " ```", "``` x", "``", "")))
    return "\n".join(indent + line for line in [ticks + info, *body, end])


@st.composite
def joined(draw, parts: st.SearchStrategy) -> str:
    """Some parts, most of them with a blank line between."""
    text, *others = draw(st.lists(parts, min_size=1, max_size=4))
    for part in others:
        text += draw(st.sampled_from(("\n\n", "\n\n", "\n\n", "\n", "\n\n\n"))) + part
    return text


@st.composite
def wrapped(draw, parts: st.SearchStrategy) -> str:
    above, left, below = draw(st.sampled_from(AROUND))
    left = draw(st.sampled_from((left, "")))
    lines = draw(joined(parts)).split("\n")
    return above + "\n".join(left + line if line else line for line in lines) + below


PARTS = st.recursive(
    st.one_of(*[plain_fences()] * 5, odd_fences(), *[st.sampled_from(LINES)] * 2),
    lambda parts: st.one_of(wrapped(parts), joined(parts)),
    max_leaves=6,
)


@st.composite
def pages(draw) -> str:
    top = draw(st.sampled_from(("",) * 20 + TOPS))
    text = top + draw(joined(PARTS)) + draw(st.sampled_from(("\n", "\n", "\n", "", "\n\n")))
    return text.replace("\n", draw(st.sampled_from(("\n",) * 6 + ("\r\n", "\r"))))


# Elements of which no browser shows the contents as a page, by the HTML standard.
UNSHOWN = {
    *("audio", "canvas", "datalist", "iframe", "noembed", "noframes", "noscript", "object"),
    *("plaintext", "script", "select", "style", "template", "textarea", "title", "video", "xmp"),
}


def snippets_in(html: str) -> list[tuple[int, str]]:
    """Line and code of each snippet that who looks at a page in a browser sees."""
    found = BeautifulSoup(html, "html.parser").select("div.dl-snippet")
    return [
        (int(one["data-line"]), one.select_one(".dl-cell > .highlight > pre > code").text)
        for one in found
        if not UNSHOWN & {parent.name for parent in one.parents}
    ]


def collected(file) -> list[str]:
    """The code of each chain that pytest-codeblocks collects."""
    blocks = extract_from_file(file, encoding="utf-8-sig")
    return [block.code for block in blocks if block.syntax == "python"]


def test_readers_agree_on_every_page_that_ours_accepts(site, converters, caplog, count):
    known = read_settings(site)
    file = site / "docs" / "page.md"
    accepted, snippets = [], []

    @settings(
        max_examples=count(120, soak=2000),
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(pages(), st.sampled_from(sorted(converters)))
    def agree(text: str, whose: str) -> None:
        file.write_text(text, encoding="utf-8", newline="")
        page = read_page(file, known)
        caplog.clear()
        source, _ = get_data(file.read_text(encoding="utf-8-sig"))
        seen = snippets_in(converters[whose](source))  # of one that is refused too: serve shows it
        errors = [*page.errors, *disagreements(page)]
        if errors:
            lines = range(1, len(re.split("\r\n|\r|\n", text)) + 1)
            assert [error for error in errors if error.line not in lines] == []
            return
        ours = [snippet for chain in page.chains for snippet in chain.snippets]
        chains = ["".join(snippet.raw for snippet in chain.snippets) for chain in page.chains]
        assert collected(file) == chains
        told = [one.message for one in caplog.records]
        unshown = re.compile(r"docs/page\.md:\d+: (no result for|no figure 'a' |LaTeX: )")
        assert [message for message in told if not unshown.match(message)] == []
        # Pygments gives an empty text a line; two signs mean something to Python-Markdown.
        code = [one.code.translate({2: "␂", 3: "␃"}) or "\n" for one in ours]
        assert seen == list(zip([one.start for one in ours], code, strict=True))
        accepted.append(text)
        snippets.extend(ours)

    agree()
    # The test is worth what gets through: a reader that refuses all agrees with everybody.
    assert len(accepted) > count(120, soak=2000) / 8
    assert len(snippets) > count(120, soak=2000) / 8


def test_a_page_that_ours_refuses_is_not_compared(read):
    assert disagreements(read("```python\nx = 1\n```\n\n```sh\nls\n```\n")) == []


def test_a_mark_of_pytest_is_told(read):
    page = read("a\n\n```python\nx = 1\n```\n")
    page.lines[0] = "<!--pytest.mark.skip-->"
    assert list(map(str, disagreements(page))) == [
        "docs/page.md:3: a directive of pytest-codeblocks marks this snippet"
    ]


def test_a_difference_is_told_at_its_line(read):
    page = read("a\n\n```python\nx = 1\n```\n\n```python\ny = 2\n```\n")
    page.lines[3] = "x = 3"
    page.lines[6] = "```py"
    page.lines += ["```python", "```"]
    assert list(map(str, disagreements(page))) == [
        "docs/page.md:3: pytest-codeblocks reads other code in this chain; write a plain fence",
        "docs/page.md:7: pytest-codeblocks does not collect this snippet; write a plain fence",
        (
            "docs/page.md:11: "
            "pytest-codeblocks collects a snippet here that this site would not run; "
            "write a plain fence"
        ),
    ]
