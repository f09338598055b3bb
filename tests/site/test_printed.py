"""What a chain prints is shown as text, whatever it looks like to HTML or to Markdown."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dlfaq.execution.key import chain_key
from dlfaq.execution.output import Output
from dlfaq.execution.result import Result
from dlfaq.execution.store import Store
from dlfaq.pages.config import read_settings

PAGE = """\
```python
#| raises: E
x
```

It is `{python} x`, and **so `{python} x`** in [a link `{python} x`](page.md).

- `{python} x`

| a | b |
|---|---|
| `{python} x` | c |
"""
VALUES = 5

LOOKS_LIKE = (
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</samp></pre></div><b>", "<b>"),
    *(
        "</p>",
        "<!--",
        "-->",
        "<![CDATA[",
        "<?php",
        "&lt;",
        "&amp;amp;",
        "&#60;b&#62;",
        '" onclick="a',
    ),
    *("**bold**", "==mark==", "[a](javascript:alert(1))", "![a](b)", "`code`", "{.x}", "{: #y }"),
    *("$x$", "$$", "\\(x\\)", "\\begin{a}", "# h", "---", "- item", "| a | b |", "> quote", "///"),
    *("    code", "```python", "~~~", "--8<-- 'x'", "[^1]", "*[HTML]: x", "HTML", "{--x--}", "(c)"),
    *(
        ":smile:",
        "http://a.b",
        "++ctrl++",
        "`{python} x`",
        "`{figure} x`",
        "`{questions}`",
        "--",
        "...",
    ),
    *(
        "dlfaqtoken0end",
        "<p>dlfaqpageend</p>",
        "wzxhzdk:0",
        "klzzwxh:0000",
        "a\u2028b",
        "\u200b",
        "é",
    ),
    *('<div class="dl-snippet" data-line="1">', "<li>", "</td>", "</details>", "\\", "\\`"),
)
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(LOOKS_LIKE),
        st.text(st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"]), min_size=1, max_size=5),
    ),
    min_size=1,
    max_size=3,
)


@pytest.fixture
def show(read, site, converters):
    """A function that shows the page where all that its chain gives is some text."""
    chain = read(PAGE).chains[0]
    known = read_settings(site)

    def show(text: str, whose: str) -> BeautifulSoup:
        output = Output(text, text, [("text", text)], exception=text)
        result = Result([output], {"x": text}, finished="2026-01-02")
        Store(known).put(chain_key(chain, known), result)
        return BeautifulSoup(converters[whose](PAGE), "html.parser")

    return show


def test_what_is_printed_is_shown_and_never_interpreted(show, caplog, count):
    tags = {whose: elements(show("plain", whose)) for whose in ("ours", "of others")}

    @settings(
        max_examples=count(60, soak=2000),
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(TEXTS, st.sampled_from(["", " ", "\n"]), st.sampled_from(sorted(tags)))
    def holds(parts: list[str], between: str, whose: str) -> None:
        caplog.clear()
        text = between.join(parts)
        page = show(text, whose)
        assert caplog.messages == []
        assert elements(page) == tags[whose]
        assert [one.text for one in page.select("samp")] == [text] * 4
        places = [page.p, page.strong, page.a, page.li, page.td]
        assert [text in place.text for place in places] == [True] * len(places)
        assert page.text.count(text) >= VALUES + 4

    holds()


def elements(page: BeautifulSoup) -> list[tuple[str, tuple[str, ...]]]:
    """Every element with the names of its attributes, in order."""
    return [(tag.name, tuple(tag.attrs)) for tag in page.find_all(True)]
