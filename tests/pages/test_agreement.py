"""Pages made at random: where our reader has no objection, all three readers see the same snippets.

The three are ours, pytest-codeblocks, and the HTML that Python-Markdown makes with the extensions
of the site. A page is drawn from well-formed blocks, and from lines that each reader takes for
something else; a few blank lines are left out.
"""

from __future__ import annotations

import html
import random
import re
from types import SimpleNamespace

import markdown
import pytest
from markdown.treeprocessors import Treeprocessor
from pytest_codeblocks import extract_from_file

from dlfaq.pages.agreement import disagreements
from dlfaq.pages.config import EXTENSION, read_settings
from dlfaq.pages.reader import read_page

PAGES = 1200

EXTENSIONS = {
    "attr_list": {},
    "md_in_html": {},
    "tables": {},
    "toc": {"permalink": True},
    "pymdownx.arithmatex": {"generic": True},
    "pymdownx.blocks.admonition": {},
    "pymdownx.blocks.details": {},
    "pymdownx.highlight": {"anchor_linenums": False},
    "pymdownx.mark": {},
    "pymdownx.superfences": {},
    EXTENSION: {},
}

SNIPPETS = (
    "```python\nx = 1\n```",
    "```python\ny = '''\n\n<b>&amp;</b> `{python} 1`\n'''\n\n\nz = 2\n```",
    "```python\n#| label: {label}\n#| echo: true\nx = 3\n```",
    "````python\n'''\n~~~ <!--\n> 1\n'''\n````",
    "```python\n```",
    "```python   \n    # indented\n```  ",
    "<!--pytest-codeblocks:cont-->\n```python\nx += 1\n```",
)
OTHERS = (
    "```text\n> ~~~\n<!-- \n```",
    "```py\nx = 1\n```",
    "````text\n```python\nx = 1\n```\n````",
    "- item\n\n    ```text\n    shown\n    ```",
    "- item\n    - deeper",
    "1. one\n2. two",
    "> quoted",
    "| a | b |\n|---|---|\n| 1 | `{python} 1` |",
    "/// details | More\n\nfolded",
    "///",
    "/// note\n\nboxed",
    "# Heading",
    "Setext\n---",
    "    indented code",
    "<div>raw</div>",
    "<div markdown>\n\ntext\n\n</div>",
    "<!-- a comment -->",
    "a `code` and `` `{python} 1` `` and ```three```",
    "value `{python} 1` ==mark== **bold** <b>",
    "---",
    "text {: .x }",
)
NOISE = (
    "```",
    "````",
    "``` ",
    "  ```",
    "~~~",
    "~~~python",
    "> ```python",
    "  ```python",
    "\t```python",
    "```python title='a'",
    "``` python",
    "```Python",
    "```bash",
    "<!--",
    "-->",
    "<!--pytest-codeblocks:cont-->",
    "<!--pytest-codeblocks:skip-->",
    "<!--pytest.mark.skip-->",
    "```inline``` here",
    "`",
    "<pre>",
    "<p>",
    "text\r",
    "\x0c",
    "\u2028```python",
    "\u00a0```python",
    '=== "Tab"',
    "//// note",
    "\\```",
    ":::python",
    "    #!python",
)


def draw(random_: random.Random) -> str:
    parts = []
    for number in range(random_.randint(1, 8)):
        kind = random_.choices((SNIPPETS, OTHERS, NOISE), weights=(5, 6, 1))[0]
        part = random_.choice(kind).replace("{label}", f"label-{number}")
        parts.append(part + random_.choice(("\n\n", "\n\n", "\n\n\n", "\n")))
    return "".join(parts)


@pytest.fixture
def render(site):
    """A function that gives line and code of each snippet in the HTML of docs/page.md."""
    md = markdown.Markdown(extensions=list(EXTENSIONS), extension_configs=EXTENSIONS)
    # What MkDocs registers, and how ours knows which page is converted.
    relpath = Treeprocessor(md)
    relpath.config = SimpleNamespace(config_file_path=str(site / "mkdocs.yml"), plugins={})
    relpath.file = SimpleNamespace(src_uri="page.md")
    md.treeprocessors.register(relpath, "relpath", 0)

    def render(text: str) -> list[tuple[int, str]]:
        md.reset()
        shown = md.convert(text)
        cells = re.findall(
            r'<div class="dl-snippet" data-line="(\d+)"><div class="dl-cell">'
            r'<div class="highlight"><pre tabindex="0" data-search-exclude><code>(.*?)</code>',
            shown,
            re.DOTALL,
        )
        assert len(cells) == shown.count("dl-snippet")
        return [(int(line), html.unescape(re.sub("<[^>]*>", "", code))) for line, code in cells]

    return render


def collected(file) -> list[str]:
    return [block.code for block in extract_from_file(file) if block.syntax == "python"]


def test_three_readers_agree_on_every_page_that_ours_accepts(site, render, caplog):
    settings = read_settings(site)
    file = site / "docs" / "page.md"
    accepted = snippets = 0
    random_ = random.Random(5)
    for _ in range(PAGES):
        text = draw(random_)
        file.write_text(text, encoding="utf-8", newline="")
        page = read_page(file, settings)
        if page.errors:
            continue
        accepted += 1
        ours = [snippet for chain in page.chains for snippet in chain.snippets]
        snippets += len(ours)
        assert disagreements(page) == [], text
        chains = ["".join(snippet.raw for snippet in chain.snippets) for chain in page.chains]
        assert collected(file) == chains, text
        caplog.clear()
        assert render("\n".join(page.lines)) == [
            (one.start, one.code or "\n")  # Pygments gives an empty text a line
            for one in ours
        ], text
        told = [record.message for record in caplog.records]
        assert [m for m in told if "no result for this chain" not in m] == [], text
    # The test is worth what gets through: a reader that refuses all agrees with everybody.
    assert accepted > PAGES / 4
    assert snippets > PAGES / 2


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
