"""Each page as plain Markdown: what was measured is filled in, and links lead on."""

from __future__ import annotations

import re

import pytest

PAGES = {
    "outputs": "Outputs",
    "figures": "Figures",
    "topic/question": "Why call backward() & wait?",
    "labs/tiny": "A tiny lab",
}


@pytest.fixture(scope="module")
def plain(tiny):
    """A function that reads a page of the tiny site as Markdown."""
    return lambda page: (tiny.folder / "site" / f"{page}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("page", "title"), PAGES.items())
def test_a_page_begins_with_its_title_and_no_front_matter(plain, page, title):
    assert plain(page).startswith(f"# {title}\n\n")


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_left_that_only_the_engine_understands(plain, page):
    text = re.sub(r"^````text.*?^````$", "", plain(page), flags=re.DOTALL | re.MULTILINE)
    for mark in ("{python", "`{", "#|", "pytest-codeblocks", "///", "--8<--", "dlfaqtoken"):
        assert mark not in text, mark


def test_values_stand_in_the_prose_as_they_are(plain):
    text = plain("outputs")
    assert "and a_b*c<d> stays as it is." in text
    assert "- a list 2\n    - of two levels x|y\n" in text
    assert "Five and five make 10." in text


def test_code_is_followed_by_what_it_printed_gave_and_raised(plain):
    text = plain("outputs")
    assert "\n\n```text\n<B>BOLD</B> & SO ON\n```\n\n```text\n2469.1356\n```\n" in text
    assert "```python\n1 / 0\n```\n\n```text\nZeroDivisionError: division by zero\n```" in text
    assert (
        "```python\ndef area(a, b):\n    return a * b\n\narea(6, 7)\n```\n\n```text\n42\n```"
        in text
    )


def test_code_keeps_its_blank_lines(plain):
    assert '+ "second".upper() + "</div>"\n\n\nTable()\n```' in plain("outputs")


def test_a_comment_in_code_is_no_title(new_site):
    page = "---\ntitle: Titled\n---\n\nWords.\n\n```py\n# a comment\n```\n"
    site = new_site({"docs/index.md": page})
    assert site.run("mkdocs", "build", "--strict").returncode == 0
    text = (site.folder / "site" / "index.md").read_text(encoding="utf-8")
    assert text.startswith("# Titled\n\nWords.")


def test_what_a_page_hides_is_hidden(plain):
    text = plain("outputs")
    assert 'print("only the output")' not in text
    assert "```text\nonly the output\n```" in text
    assert 'print("only the code")' in text
    assert "\nonly the code\n" not in text


def test_a_figure_is_told_in_words_where_it_stands(plain):
    text = plain("figures")
    first = text.index("**Figure 1: It rises to 4 with step() & <more>.** A line of 3 points.")
    assert 'What is to be seen: A "line" rises to 4.' in text
    assert first < text.index("Above its chain stands 4") < text.index("```python")
    assert "**Figure 3.**" in text


def test_a_claim_is_told_with_its_threshold_where_it_stands(plain):
    text = plain("figures")
    rises = text.index(
        "> **0.475** It rises by at least a fifth. ✓ Holds: effect, at least 0.2, 95 %"
    )
    assert rises < text.index("```python")
    below = text.index("It stays below one. ✓ Holds: effect, at most 1, 95 %")
    assert below > text.index("axes.set_xlabel")
    assert text.count("Two and two are `four`") == 2  # in the code, and above it


def test_marks_and_boxes_of_our_markdown_are_gone_and_their_words_stay(plain):
    assert "> It is fast.\n\nIt is slow." in plain("topic/question")
    assert "**Why?**\n\nBecause." in plain("topic/question")
    assert "**Folded**" in plain("outputs")


def test_a_list_is_one_of_links(plain):
    rows = [
        "- [A second question?](second.md): The second answer. (Common answer: wrong.)",
        "- [Why call backward() & wait?](question.md): Because it adds. (Common answer: inc",
    ]
    assert "\n".join(rows) in plain("topic/index")
    assert "- [A tiny lab](tiny.md): A lab of four cells." in plain("labs/index")
    assert "[evidence.json](evidence.json)" in plain("evidence")


def test_every_link_leads_to_a_file_of_the_site(tiny):
    folder = tiny.folder / "site"
    pages = list(folder.rglob("*.md"))
    assert len(pages) > 10
    for page in pages:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\((?!https?:|#)([^)\s#]+)", text):
            assert (page.parent / target).is_file(), (page, target)


def test_llms_txt_lists_every_question_with_its_verdict_and_its_markdown(tiny):
    text = (tiny.folder / "site" / "llms.txt").read_text(encoding="utf-8")
    assert text.startswith("# Tiny\n")
    assert "## A topic\n\n- [A second question?](topic/second.md): The second answer. (C" in text
    assert "- [Outputs](outputs.md)\n" in text
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (tiny.folder / "site" / target).is_file()
