"""Writing with `mkdocs serve`: what is saved comes back, what fails stands in its place."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from html import unescape
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

WAIT_S = 60

PAGES = {
    "docs/index.md": "# Home\n",
    "docs/prose.md": "The first sentence.\n",
    "docs/snippet.md": '```python\nprint("first".upper())\n```\n',
    "docs/figure.md": """\
# Figure

`{figure} line`

```python
#| label: line
import matplotlib.pyplot as plt

height = 1
figure, axes = plt.subplots()
axes.plot([0, height])
print("drawn", height)
```
""",
    "docs/lab.md": "```python\nfrom lab import double\n\nprint(double(21))\n```\n",
    "docs/claim.md": """\
```python
from dlfaq import claim

measured = 4.0
claim("Four is at least four", measured, at_least=4)
print("measured", measured)
```
""",
    "docs/labs/it.py": """\
# ---
# title: A lab
# description: Words.
# order: 1
# ---

# %% [markdown]
# ## Do it

# %%
value = 21
print("value", value)
""",
    # The first build meets all of these.
    "docs/unreadable.md": "# Heading\n\nText.\n\n```python\n#| colour: red\n1\n```\n",
    "docs/failing.md": "Text.\n\n```python\nprint(1)\nunknown\n```\n",
    "docs/missing.md": 'Text.\n\n--8<-- "none.md"\n',
    "docs/latex.md": "A formula $\\nonsense$.\n",
}


class Serve:
    """`mkdocs serve` in a process of its own, and a reader of its pages."""

    def __init__(self, site, **environment: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.site = site
        self.address = f"127.0.0.1:{port}"
        self.log = site.folder.with_suffix(".log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mkdocs", "serve", "--dev-addr", self.address],
                cwd=site.folder,
                env={**site.environment, **environment},
                stdout=log,
                stderr=log,
            )

    @property
    def lines(self) -> list[str]:
        """What it has said so far."""
        return self.log.read_text(encoding="utf-8").splitlines()

    def wait_for(self, seen, what: str):
        """What `seen` returns, once it is true."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            if found := seen():
                return found
            assert self.process.poll() is None, "\n".join(self.lines)
            time.sleep(0.05)
        raise AssertionError(f"no {what} within {WAIT_S} s; it said:\n{self.log.read_text()}")

    def says(self, text: str) -> None:
        self.wait_for(lambda: any(text in line for line in self.lines), repr(text))

    def page(self, name: str) -> str:
        try:
            with urlopen(f"http://{self.address}/{name}/", timeout=WAIT_S) as answer:
                html = answer.read().decode()
        except URLError:
            return ""
        return re.search(r"<article.*</article>", html, re.DOTALL)[0]

    def shows(self, name: str, *texts: str) -> str:
        """The page, once it has each of the texts."""

        def seen():
            html = self.page(name)
            return html if all(text in html for text in texts) else None

        return self.wait_for(seen, f"page {name} with {texts}")

    def edit(self, file: str, old: str, new: str) -> None:
        text = (self.site.folder / file).read_text(encoding="utf-8")
        assert old in text
        self.site.write(file, text.replace(old, new))


def descendants(pid: int) -> set[int]:
    """The processes that a process started, and those they started, that live."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(status.parent.name)] = int(fields[1])
    found = {pid} & parents.keys()
    while new := {child for child, parent in parents.items() if parent in found} - found:
        found |= new
    return found - {pid}


def alive(pids: set[int]) -> set[int]:
    """Those that still run; a zombie whose parent never asks does not."""
    states = {}
    for pid in pids:
        try:
            states[pid] = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        except OSError:
            continue
    return {pid for pid, state in states.items() if state.split()[0] != "Z"}


@pytest.fixture(scope="module")
def serve(new_site):
    """The site being written; its first build fails in every way it can."""
    serving = Serve(new_site(PAGES))
    serving.says("Watching paths")
    yield serving
    serving.process.send_signal(signal.SIGINT)
    serving.process.wait(timeout=WAIT_S)


def test_it_says_at_once_where_it_serves_and_that_chains_run_meanwhile(serve):
    (said,) = [i for i, line in enumerate(serve.lines) if "what is stale runs meanwhile" in line]
    assert f"http://{serve.address}/" in serve.lines[said]
    assert said < min(i for i, line in enumerate(serve.lines) if "  docs/" in line)


SLOW = {
    "docs/index.md": "# Home\n",
    **{
        f"docs/slow{n}.md": f"```python\nimport time\n\ntime.sleep(4)\nprint('ran {n}')\n```\n"
        for n in range(6)
    },
}


@pytest.fixture(scope="module")
def cold(new_site):
    """A site whose chains take their time, served from nothing, one at a time."""
    serving = Serve(new_site(SLOW), DLFAQ_JOBS="1")
    yield serving
    serving.process.send_signal(signal.SIGINT)
    serving.process.wait(timeout=WAIT_S)


def test_a_cold_start_shows_pages_at_once_and_the_page_looked_at_fills_in_first(cold):
    html = cold.shows("slow4", "This runs now")
    assert "<samp>ran 4</samp>" not in html
    cold.shows("slow4", "<samp>ran 4</samp>")
    assert "This runs now" in cold.shows("slow3", "This runs now")
    for n in range(6):
        cold.shows(f"slow{n}", f"<samp>ran {n}</samp>")


def test_a_first_build_that_fails_does_not_end_it(serve):
    assert "NameError" in serve.shows("failing", "NameError")
    assert any("docs/latex.md:1: LaTeX: " in line for line in serve.lines)
    assert serve.process.poll() is None


def test_a_page_that_cannot_be_read_says_so_at_its_top(serve):
    html = serve.shows("unreadable", "dl-error")
    assert html.index('<div class="dl-error" role="alert"') < html.index("Heading<a")
    assert "<code>docs/unreadable.md:6</code>: unknown option 'colour'; " in unescape(html)
    assert '<li value="6" class=dl-here><code>#| colour: red</code></li>' in html
    serve.edit("docs/unreadable.md", "#| colour: red\n", "")
    html = serve.shows("unreadable", "<samp>1</samp>")
    assert "dl-error" not in html


def test_an_include_that_is_missing_says_so_until_it_is_there(serve):
    html = serve.shows("missing", "dl-error")
    assert "<code>docs/missing.md:3</code>: no file 'none.md' in snippets/" in unescape(html)
    serve.site.write("snippets/none.md", "Now it is there.\n")
    serve.shows("missing", "Now it is there.")


def test_a_module_that_nobody_lists_to_be_watched_is_watched(serve):
    serve.site.write("more.py", "word = 'first'\n")
    code = "```python\nimport more\n\nprint(more.word)\n```\n"
    serve.site.write("docs/more.md", code)
    serve.shows("more", "<samp>first</samp>")
    serve.site.write("more.py", "word = 'second'\n")
    serve.shows("more", "<samp>second</samp>")


def test_a_saved_sentence_comes_back(serve):
    serve.edit("docs/prose.md", "first sentence", "second sentence")
    serve.shows("prose", "The second sentence.")


def test_a_saved_snippet_comes_back(serve):
    serve.edit("docs/snippet.md", "first", "second")
    serve.shows("snippet", "<samp>SECOND</samp>")


def test_a_saved_module_of_the_lab_runs_its_chains_again(serve):
    serve.shows("lab", "<samp>42</samp>")
    serve.edit("lab.py", "2 * x", "2 * x + 1")
    serve.shows("lab", "<samp>43</samp>")


def test_a_snippet_that_fails_shows_why_and_what_it_showed_last(serve):
    before = serve.shows("figure", "<samp>drawn 1</samp>")
    assert before.count("<svg xmlns") == 2
    serve.edit("docs/figure.md", "height = 1\n", "height = 2 / 0\n")
    html = serve.shows("figure", "ZeroDivisionError")
    assert "<b>ZeroDivisionError</b> in <code>docs/figure.md:9</code>: division by zero" in html
    lines = re.findall(r'<li value="(\d+)"( class=dl-here)?><code>(.*?)</code>', html)
    assert [(number, bool(here)) for number, here, _ in lines] == [
        ("7", False),
        ("8", False),
        ("9", True),
        ("10", False),
        ("11", False),
    ]
    assert lines[2][2] == "height = 2 / 0"
    last = re.search(r'<div class="dl-stale">(.*)', html, re.DOTALL)[1]
    when = time.strftime("%-d %b %Y", time.gmtime())
    assert last.startswith(f'<p>Last good output, <span class="dl-run">{when}</span>:</p>')
    assert "<samp>drawn 1</samp>" in last
    assert last.count("<svg xmlns") == 2
    serve.edit("docs/figure.md", "height = 2 / 0\n", "height = 2\n")
    html = serve.shows("figure", "<samp>drawn 2</samp>")
    assert "dl-error" not in html
    assert "dl-stale" not in html


def test_a_claim_that_does_not_hold_says_so_on_its_card(serve):
    serve.shows("claim", "✓ Holds")
    serve.edit("docs/claim.md", "measured = 4.0", "measured = 3.5")
    html = serve.shows("claim", "Does not hold")
    assert '<article class="dl-claim dl-claim--fails" id="claim-four-is-at-least-four">' in html
    assert "<b>ClaimFailed</b> in <code>docs/claim.md:5</code>: " in html
    assert "<samp>measured 3.5</samp>" in html
    assert "dl-stale" not in html
    serve.edit("docs/claim.md", "measured = 3.5", "measured = 4.5")
    assert "dl-error" not in serve.shows("claim", "✓ Holds")


def test_a_saved_lab_runs_again_and_shows_in_place_why_it_fails(serve):
    serve.shows("labs/it", "<samp>value 21</samp>", 'id="do-it"')
    serve.edit("docs/labs/it.py", "value = 21", "value = 42")
    serve.shows("labs/it", "<samp>value 42</samp>")
    serve.edit("docs/labs/it.py", "value = 42", "value = 42 / 0")
    html = serve.shows("labs/it", "ZeroDivisionError", "dl-stale")
    assert "<b>ZeroDivisionError</b> in <code>docs/labs/it.py:11</code>: division by zero" in html
    assert '<li value="10"><code># %%</code></li>' in html
    assert html.index('id="do-it"') < html.index("dl-error") < html.index("value 42</samp>")
    serve.edit("docs/labs/it.py", "value = 42 / 0", "value = 43")
    assert "dl-error" not in serve.shows("labs/it", "<samp>value 43</samp>")


def test_a_lab_that_cannot_be_read_says_so_and_is_still_served(serve):
    serve.edit("docs/labs/it.py", "# order: 1\n# ---\n", "# order: 1\n")
    html = serve.shows("labs/it", "never closed")
    assert "<code>docs/labs/it.py:1</code>: the header is opened here" in unescape(html)
    assert '<li value="2"><code># title: A lab</code></li>' in html
    serve.edit("docs/labs/it.py", "# order: 1\n", "# order: 1\n# ---\n")
    assert "dl-error" not in serve.shows("labs/it", "<samp>value 43</samp>")


def test_the_fork_server_starts_at_once_in_the_background(new_site):
    site = new_site({"docs/index.md": "# Home\n"})
    serving = Serve(site)
    try:
        serving.says("Building documentation...")
        # Nothing is stale, so nothing but serve itself asks for it.
        serving.wait_for(lambda: descendants(serving.process.pid), "fork server")
    finally:
        serving.process.kill()
        serving.process.wait()


@pytest.mark.parametrize(
    "end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda s: s.name
)
def test_nothing_is_left_running(new_site, end):
    sleeper = "```python\nimport time\n\ntime.sleep(50)\n```\n"
    serving = Serve(new_site({"docs/index.md": sleeper}))
    # The fork server, its resource tracker, and the chain.
    started = serving.wait_for(
        lambda: len(found := descendants(serving.process.pid)) >= 3 and found, "chain"
    )
    os.kill(serving.process.pid, end)
    serving.process.wait(timeout=WAIT_S)
    until = time.monotonic() + 10
    while alive(started) and time.monotonic() < until:
        time.sleep(0.05)
    assert alive(started) == set()
