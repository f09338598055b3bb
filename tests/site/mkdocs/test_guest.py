"""The engine as a guest: the pages are those of MkDocs, whatever it takes them from."""

from __future__ import annotations

import pytest

CODE = '```python\nprint("ran".upper())\n```\n'
FAILS = "```python\n1 / 0\n```\n"

#: The engine's own part of a configuration, for a site that has nothing else.
PLAIN = """\
site_name: Plain
theme: {name: mkdocs}
plugins: [dlfaq]
strict: true
markdown_extensions:
  - pymdownx.superfences
  - pymdownx.snippets: {base_path: [snippets]}
  - dlfaq.site.markdown_extension: {preload: []}
"""


@pytest.fixture
def plain(new_site):
    """A site of one page with the plainest configuration."""
    site = new_site({"docs/index.md": "# Home\n"})
    site.write("mkdocs.yml", PLAIN)
    return site


def build(site, *arguments, **environment):
    built = site.run("mkdocs", "build", "--strict", *arguments, **environment)
    assert built.returncode == 0, built.stdout
    return built


def shows(site, page: str) -> bool:
    """Whether the published page shows what its snippet printed, and no code fence."""
    html = (site.folder / "site" / page).read_text(encoding="utf-8")
    assert "```" not in html
    return "RAN" in html


def hook(site, code: str) -> None:
    site.write("hook.py", code)
    yml = (site.folder / "mkdocs.yml").read_text(encoding="utf-8")
    site.write("mkdocs.yml", f"{yml}hooks: [hook.py]\n")


GENERATES = """\
from mkdocs.structure.files import File

def on_files(files, config):
    files.append(File.generated(config, "made.md", content={text!r}))
    return files
"""


def test_a_page_that_a_plugin_makes_is_run_and_shown(plain):
    hook(plain, GENERATES.format(text=f"Made.\n\n{CODE}"))
    build(plain)
    assert shows(plain, "made/index.html")


def test_a_page_that_a_plugin_makes_fails_with_its_line(plain):
    hook(plain, GENERATES.format(text=f"Made.\n\n{FAILS}"))
    built = plain.run("mkdocs", "build", "--strict")
    assert built.returncode == 1
    assert "docs/made.md:4: ZeroDivisionError: division by zero" in built.stdout


def test_a_page_that_a_plugin_takes_away_is_not_run(plain):
    plain.write("docs/gone.md", FAILS)
    hook(
        plain,
        "def on_files(files, config):\n"
        "    files.remove(files.get_file_from_path('gone.md'))\n    return files\n",
    )
    hook_first = (plain.folder / "mkdocs.yml").read_text(encoding="utf-8")
    plain.write("mkdocs.yml", hook_first.replace("strict: true\n", ""))
    built = plain.run("mkdocs", "build")
    assert "docs/gone.md" in built.stdout  # it was still a page when chains ran


def test_prose_that_a_plugin_changes_is_shown_with_what_ran(plain):
    code = CODE.replace("print(", "#| label: first\nprint(")
    plain.write("docs/index.md", f"NAME says `{{python first}} 1 + 1`\n\n{code}")
    change = "'New.\\n\\n' + markdown.replace('NAME', 'It')"
    hook(plain, f"def on_page_markdown(markdown, **_):\n    return {change}\n")
    build(plain)
    html = (plain.folder / "site" / "index.html").read_text(encoding="utf-8")
    assert "It says 2" in html
    assert shows(plain, "index.html")


@pytest.mark.parametrize(
    ("added", "told"),
    [
        (CODE, "docs/index.md:3: no result for this chain"),
        ("It is `{python} 1 + 1`.", "docs/index.md:3: no snippet stands above this value"),
    ],
)
def test_code_that_a_plugin_adds_and_nobody_ran_fails_a_strict_build(plain, added, told):
    text = f"\n{added}"
    hook(plain, f"def on_page_markdown(markdown, **_):\n    return markdown + {text!r}\n")
    built = plain.run("mkdocs", "build", "--strict")
    assert built.returncode == 1
    assert told in built.stdout


def test_another_configuration_has_its_own_pages(plain):
    plain.write("docs/index.md", FAILS)
    plain.write("pages/index.md", CODE)
    plain.write("mkdocs.fr.yml", PLAIN + "docs_dir: pages\n")
    build(plain, "-f", "mkdocs.fr.yml")
    assert shows(plain, "index.html")


def test_a_configuration_that_inherits_is_read_alike_by_command_and_build(plain):
    plain.write("pages/index.md", CODE)
    plain.write("base.yml", PLAIN + "docs_dir: nowhere\n")
    plain.write("mkdocs.yml", "INHERIT: base.yml\ndocs_dir: pages\n")
    ran = plain.dlfaq("run")
    assert (ran.returncode, ran.stdout) == (0, "1 of 1 chains run, 0 failures\n")
    build(plain)
    assert shows(plain, "index.html")


@pytest.mark.parametrize(
    ("docs_dir", "environment"),
    [
        ("!ENV [DOCS, pages]", {}),
        ("!ENV DOCS", {"DOCS": "pages"}),
        ("!ENV [A, DOCS, x]", {"DOCS": "pages"}),
    ],
)
def test_a_folder_named_by_the_environment_is_read_alike_by_command_and_build(
    plain, docs_dir, environment, monkeypatch
):
    plain.write("pages/index.md", CODE)
    plain.write("mkdocs.yml", f"{PLAIN}docs_dir: {docs_dir}\n")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ran = plain.dlfaq("run")
    assert (ran.returncode, ran.stdout) == (0, "1 of 1 chains run, 0 failures\n")
    build(plain, **environment)
    assert shows(plain, "index.html")


def test_a_folder_that_is_none_is_told(plain):
    plain.write("mkdocs.yml", PLAIN + "docs_dir: [a]\n")
    ran = plain.dlfaq("run")
    assert ran.returncode == 2
    assert "expected the path of a folder as docs_dir; got ['a']" in ran.stdout


def test_a_configuration_that_inherits_from_nothing_is_told(plain):
    plain.write("mkdocs.yml", "INHERIT: none.yml\n")
    ran = plain.dlfaq("run")
    assert ran.returncode == 2
    assert "expected a file that mkdocs.yml can inherit; got none at" in ran.stdout
    assert "correct INHERIT" in ran.stdout


def test_a_draft_is_not_run(plain):
    plain.write("docs/drafts/half.md", FAILS)
    yml = (plain.folder / "mkdocs.yml").read_text(encoding="utf-8")
    plain.write("mkdocs.yml", f"{yml}exclude_docs: drafts/\n")
    build(plain)


def test_the_lock_of_an_editor_is_no_page(plain):
    (plain.folder / "docs" / ".#index.md").symlink_to("nobody@nowhere.1")
    assert plain.dlfaq("run").returncode == 0
    build(plain)


def test_a_link_and_an_order_of_its_own_stay_in_a_navigation(plain):
    plain.write("docs/b.md", "---\norder: 1\n---\n\nB\n")
    plain.write("docs/a.md", "---\norder: first\n---\n\nA\n")
    yml = (plain.folder / "mkdocs.yml").read_text(encoding="utf-8")
    links = "nav:\n  - Far: https://example.org\n  - a.md\n  - b.md\n  - index.md\n"
    plain.write("mkdocs.yml", yml + links)
    build(plain)
    html = (plain.folder / "site" / "index.html").read_text(encoding="utf-8")
    places = [html.index(word) for word in ("example.org", "a/", "b/")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "text",
    [
        '--8<-- "none.md"\n',
        '```python\n--8<-- "none.py"\n```\n',
        '```text\n--8<-- "none.txt"\n```\n',
        '--8<-- "round.md"\n',
    ],
)
def test_an_include_that_cannot_be_had_is_told_and_ends_nothing(plain, text):
    plain.write("snippets/round.md", '--8<-- "round.md"\n')
    plain.write("docs/index.md", f"# Home\n\n{text}")
    plain.write("docs/other.md", CODE)
    built = plain.run("mkdocs", "build", "--strict")
    assert built.returncode == 1
    assert "docs/index.md:" in built.stdout
    assert "Traceback" not in built.stdout
    assert "SnippetMissingError" not in built.stdout


def test_an_order_that_is_no_number_sorts_last(plain):
    plain.write("docs/a.md", "---\norder: first\n---\n\nA\n")
    plain.write("docs/b.md", "---\norder: 1\n---\n\nB\n")
    build(plain)


def test_a_site_without_questions_has_no_heading_for_them(plain):
    plain.write("docs/about.md", "# About\n")
    plain.write("docs/more/index.md", "# More\n")
    build(plain)
    html = (plain.folder / "site" / "index.html").read_text(encoding="utf-8")
    assert "Questions" not in html
    assert "More" in html


FIGURE = """\
```python
#| fig-alt: A rising line
import matplotlib.pyplot as plt

figure, axes = plt.subplots()
axes.plot([0, 1, 4])
axes.set_xlabel("step")
```
"""

# The widths at which drawings of the page are shown, and how far text leaves its drawing.
SHOWN = """
return [...document.querySelectorAll(".dl-fig svg")]
  .filter((one) => one.checkVisibility())
  .map((one) => [one.parentElement.className, Math.max(...[...one.querySelectorAll("text")].map(
    (text) => text.getBoundingClientRect().bottom - one.getBoundingClientRect().bottom))]);
"""


@pytest.mark.parametrize("theme", ["mkdocs", "readthedocs", "material"])
def test_a_theme_that_does_not_know_us_shows_each_figure_once_and_whole(
    plain, theme, browser, serve
):
    yml = (plain.folder / "mkdocs.yml").read_text(encoding="utf-8")
    plain.write("mkdocs.yml", yml.replace("{name: mkdocs}", f"{{name: {theme}}}"))
    plain.write("docs/index.md", FIGURE)
    build(plain)
    address = serve(plain.folder / "site")
    for width, size in ((1280, "wide"), (400, "narrow")):
        browser.set_viewport(width)
        browser.driver.get(f"{address}/index.html")
        [(name, beyond)] = browser.driver.execute_script(SHOWN)
        assert (name, beyond < 1) == (f"dl-fig__{size}", True)


def test_a_style_sheet_of_the_site_takes_the_place_of_ours(plain):
    build(plain)
    sheet = plain.folder / "site" / "assets" / "dlfaq.css"
    assert ".dl-fig" in sheet.read_text(encoding="utf-8")
    plain.write("docs/assets/dlfaq.css", "body { color: red }")
    build(plain)
    assert sheet.read_text(encoding="utf-8") == "body { color: red }"


def test_the_style_of_this_house_is_there_for_the_asking(plain):
    plain.write("docs/index.md", FIGURE)
    yml = (plain.folder / "mkdocs.yml").read_text(encoding="utf-8")
    plain.write("mkdocs.yml", yml.replace("preload: []", "preload: [], style: house"))
    build(plain)
    html = (plain.folder / "site" / "index.html").read_text(encoding="utf-8")
    assert "var(--dl-c1)" in html  # the first colour of its cycle, which follows the mode


def test_a_site_without_claims_gets_no_evidence(plain):
    plain.write("docs/index.md", CODE)
    build(plain)
    assert not (plain.folder / "site" / "evidence.json").exists()


def test_a_warm_build_writes_nothing_into_the_store(tiny):
    def states():
        files = (tiny.folder / ".dlfaq").rglob("*")
        return {str(file): file.stat().st_mtime_ns for file in files}

    before = states()
    build(tiny, "--site-dir", "again")
    assert states() == before
