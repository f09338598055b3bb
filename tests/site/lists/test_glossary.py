"""The glossary: what is read of its file, and which words of a page become links."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from dlfaq.pages.config import read_settings
from dlfaq.site.elements import html
from dlfaq.site.lists.glossary import Term, glossary_of, link_terms, terms_in

TERMS = [Term("ReLU", "max(0, x)."), Term("Batch norm", "It norms."), Term("Batch", "Some.")]


def linked(text, *terms, page="t/q.md"):
    """The words that became links, and the page as it then is."""
    root = fromstring(f"<div>{text}</div>")
    link_terms(root, terms or TERMS, page=page)
    return [a.text for a in root.iter("a") if a.get("class") == "dl-term"], html(root)


def test_a_term_is_a_line_and_its_definition_the_first_sentence_without_markup():
    text = "Batch norm\n:   A `layer`, see [here](a/b.md). More of it.\n\nStep\n:   One. Two.\n"
    first, second = terms_in(text)
    assert first == Term("Batch norm", "A layer, see here.", ("a/b.md",))
    assert (first.anchor, second) == ("batch-norm", Term("Step", "One."))


def test_the_first_use_is_a_link_with_its_definition():
    words, page = linked("<p>A ReLU, a ReLU.</p><p>ReLU</p>")
    assert words == ["ReLU"]
    assert page == (
        '<div><p>A <a class="dl-term" href="../glossary.md#relu" title="max(0, x).">ReLU</a>'
        ", a ReLU.</p><p>ReLU</p></div>"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>Two batches and batch norms.</p>", ["batches", "batch norms"]),
        ("<p>The longest counts: batch norm, then batch.</p>", ["batch norm", "batch"]),
        ("<p>relu is no ReLU</p>", ["ReLU"]),
        ("<p>a mini-batch, a batch-mate, batched</p>", []),
        ("<p>before <code>x</code> batch <em>a ReLU</em> after</p>", ["batch", "ReLU"]),
        ("<ul><li>batch</li></ul>", ["batch"]),
        ("<details><p>batch</p></details>", ["batch"]),
        ("<h2>Batch</h2><p><code>batch</code> <a href='x'>ReLU</a></p>", []),
        ('<p class="dl-answer">batch</p><div class="dl-say"><p>batch</p></div>', []),
        ("<blockquote><p>batch</p></blockquote>", []),
    ],
)
def test_prose_is_linked_and_nothing_else(text, expected):
    assert linked(text)[0] == expected


def test_a_page_to_which_the_definition_refers_needs_no_link():
    adam = Term("Adam", "An optimiser.", ("o/adam.md",))
    assert linked("<p>Adam</p>", adam, page="o/adam.md")[0] == []
    assert linked("<p>Adam</p>", adam, page="o/sgd.md")[0] == ["Adam"]


def test_the_text_of_a_page_stays_as_it_was():
    text = "<p>A batch <b>of</b> a ReLU, then <em>batch norm and ReLU</em> and batches.</p>"
    _, page = linked(text)
    assert "".join(fromstring(page).itertext()) == "".join(fromstring(text).itertext())


def test_the_glossarys_page_has_the_anchors_that_the_links_name(new_site):
    """A strict build fails where a link names an anchor that is not there."""
    site = new_site(
        {
            "docs/index.md": "---\ntitle: All\n---\n\n`{questions}`\n",
            "docs/t/index.md": "---\ntitle: A topic\norder: 1\n---\n\n`{questions}`\n",
            "docs/t/q.md": "---\ntitle: Q?\ndescription: A.\nanswers: [000-1]\nstatus: wrong\n"
            "order: 1\n---\n\nAn answer.\n\nIt has batch norm.\n",
            "docs/glossary.md": '---\ntitle: Glossary\n---\n\n--8<-- "glossary.md"\n',
            "snippets/glossary.md": "Batch norm\n:   It norms.\n",
        }
    )
    config = (site.folder / "mkdocs.yml").read_text(encoding="utf-8")
    site.write("mkdocs.yml", config.replace("  - attr_list\n", "  - attr_list\n  - def_list\n"))
    built = site.run("mkdocs", "build", "--strict")
    assert built.returncode == 0, built.stdout
    assert 'href="../../glossary/#batch-norm"' in site.article("t/q")
    assert '<dt id="batch-norm">Batch norm</dt>' in site.article("glossary")


def test_a_site_without_the_file_or_the_page_has_no_glossary(site):
    settings = read_settings(site)
    assert glossary_of(settings) == ()
    settings.snippets_dir.mkdir(exist_ok=True)
    (settings.snippets_dir / "glossary.md").write_text("Step\n:   One.\n", encoding="utf-8")
    assert glossary_of(settings) == ()
    settings.docs_dir.mkdir(exist_ok=True)
    (settings.docs_dir / "glossary.md").write_text("", encoding="utf-8")
    assert glossary_of(settings) == (Term("Step", "One."),)
