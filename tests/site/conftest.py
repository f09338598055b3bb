"""A tiny site that shows all that a page can show, built once by MkDocs for all its tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MKDOCS_YML = """\
site_name: Tiny
theme:
  name: material
  variant: classic
  font: false
  palette:
    - media: "(prefers-color-scheme: light)"
      scheme: default
      primary: custom
      accent: custom
      toggle: {icon: material/weather-night, name: Switch to dark mode}
    - media: "(prefers-color-scheme: dark)"
      scheme: slate
      primary: custom
      accent: custom
      toggle: {icon: material/weather-sunny, name: Switch to light mode}
  features: [content.code.copy]
extra: {generator: false}
extra_css: [assets/dlfaq.css]
extra_javascript: [assets/dlfaq.js]
watch: [snippets, lab.py]
plugins: [search, dlfaq]
strict: true
markdown_extensions:
  - attr_list
  - tables
  - toc: {permalink: true}
  - pymdownx.arithmatex: {generic: true}
  - pymdownx.blocks.admonition
  - pymdownx.blocks.details
  - pymdownx.highlight: {anchor_linenums: false}
  - pymdownx.mark
  - pymdownx.snippets: {base_path: [snippets], check_paths: true}
  - pymdownx.superfences
  - dlfaq.site.markdown_extension:
      style: house.mplstyle
      preload: [numpy, matplotlib.pyplot, scipy.stats]
"""

OUTPUTS = """\
---
title: Outputs
---

Answers come first: `{python sums} total`, and `{python sums} "a_b*c<d>"` stays as it is.

```python
#| label: sums
total = 1234.5678
print("<b>bold</b> & so on".upper())
total * 2
```

*In emphasis `{python} total / 3`* and **`{python} f"{total:.1f}"`**
in [link `{python} 7`](figures.md).

- a list `{python} 1 + 1`
    - of two levels `{python} "x|y"`

| row | value |
|---|---|
| nine | `{python} 3 * 3` |

<!--pytest-codeblocks:cont-->
```python
nothing = None
nothing
```

<!--pytest-codeblocks:cont-->
```python
total + 1;
```

```python
import sys

print("to stderr", file=sys.stderr)
```

```python
#| raises: ZeroDivisionError
1 / 0
```

```python
#| echo: false
print("only the output")
```

```python
#| output: false
print("only the code")
```

```python
#| code-fold: true
print("folded code")
```

```python
--8<-- "area.py:area"

area(6, 7)
```

```python
class Table:
    def _repr_html_(self):
        return "<div class='mine'><div>first</div>" + "second".upper() + "</div>"


Table()
```

```python
class Drawing:
    def _repr_svg_(self):
        return '<svg width="9" height="9" class="mine"><path d="M0 0h9v9"/></svg>'


Drawing()
```

```python
#| fig-alt: A dot & nothing else
class Photo:
    def _repr_png_(self):
        return b"not quite a PNG"


Photo()
```

/// details | Folded
Five and five make `{python} 5 + 5`.

```python
print("inside the details")
```

Words below.
///

```py
shown_only()
```

````text
```python
shown_as_text()
```
````
"""

FIGURES = """\
---
title: Figures
---

`{figure} rising`

`{claim} rises`

Above its chain stands `{python rising} last`; so does its second figure.

`{figure} rising.2`

```python
#| label: rising
#| fig-title: It rises to `{python} last` with `step()` & <more>
#| fig-sub: A line of `{python} len(line)` points.
#| fig-alt: A "line" rises to `{python} last`
import matplotlib.pyplot as plt

from dlfaq import claim

line = [0, 1, 4]
last = line[-1]
runs = [0.4 + 0.01 * i for i in range(16)]
claim("It rises by at least a fifth", runs, at_least=0.2, seeds=range(1000, 1016), label="rises")
claim("It stays below one", runs, at_most=1, seeds=range(1000, 1016))
for sign in (1, -1):
    figure, axes = plt.subplots()
    axes.plot([sign * height for height in line])
    axes.fill_between(range(3), line)
    axes.set_xlabel("step")
```

```python
import matplotlib.pyplot as plt

figure, axes = plt.subplots()
axes.plot([0, 1, 4])
axes.fill_between(range(3), [0, 1, 4])
axes.set_xlabel("tick".upper())
```

The claim of the next snippet stands here, above it:

`{claim} two`

```python
#| label: identity
from dlfaq import claim

claim("Two and two are `four`", 2 + 2, equals=4, label="two")
```
"""

SWEEP = """\
---
title: Sweep
---

```python
#| fig-title: The larger the rate, the steeper
#| fig-alt: Three lines that fall, each steeper than the one before
import matplotlib.pyplot as plt

from dlfaq import replicates, states

figure, axes = plt.subplots()
lines = {
    rate: replicates(axes, [0, 1], [[1, 1 - rate ** 0.1], [1, 0.5]], color=f"C{k}")
    for k, rate in enumerate((1e-10, 0.1, 1.0))
}
axes.plot([0, 1], [1, 1], color="C5", alpha=0.9)
states(axes, "learning rate", lines)
```
"""

MATHEMATICS = r"""---
title: Mathematics
---

Inline $a_1 < b^2$ and

$$
\sum_{i=1}^n x_i^2 = \mathtt{unsearchable}
$$

- in a list $x^3$

    $$
    y = x
    $$

/// details | Folded
Inside $z^4$ and

$$
\begin{aligned} z &= 1 \\ w &= 2 \end{aligned}
$$
///

## The cost $C$ {#cost}

| $n\,\mathrm{Var}\,W$ | b |
|---|---|
| $\lvert q\rvert$ | *$e$* |
"""

QUESTION = """\
---
title: "Why call backward() & wait?"
description: Because it adds.
answers: [000-1]
status: incomplete
order: 2
tags: []
---

Because it **adds**: `{python key} value` times.

People say: *it is fast.*

Verdict: incomplete. It is not.

`{figure} key`

`{claim} key`

## See it

```python
print("a line that is much too long for a phone " * 6)
```

## Measure it

```python
#| label: key
#| fig-title: The finding
#| fig-alt: A falling line
import matplotlib.pyplot as plt

from dlfaq import claim

value = 3
runs = [0.4 + 0.01 * i for i in range(16)]
claim("The mean is at least a fifth", runs, at_least=0.2, seeds=range(1000, 1016), label="key")
figure, axes = plt.subplots()
axes.plot([4, 1, 0])
axes.set_xlabel("step")
```

## What people say

> It is ==fast==.

It is ==slow==.

## Why

A long formula:

$$
a_1 + a_2 + a_3 + a_4 + a_5 + a_6 + a_7 + a_8 + a_9 + a_{10} + a_{11} + a_{12} + a_{13} + a_{14}
$$

## When it fails

Never.

## Exercises

/// details | Why?
Because.
///

## Sources

- None.
"""

SECOND = """\
---
title: A second question?
description: The second answer.
answers: [000-2]
status: wrong
order: 1
---

Words.
"""

LAB = """\
# ---
# title: A tiny lab
# description: A lab of four cells.
# order: 1
# tags: []
# ---

# %% [markdown]
# It begins with $\\mathtt{w}^2$ and ends at `{python} f"{total}*"`.
#
# `{figure} rising`
#
# ## Do it
#
# As [the question](../topic/question.md#see-it) says, ==slowly==.

# %%
#| label: first
from dlfaq import claim

total = 40 + 2
print("a line that is much too long for a phone " * 6)
claim("Forty and two are `42`", total, equals=42, label="answer")

# %%
#| label: rising
#| fig-title: It rises to `{python} total`
#| fig-alt: A line that rises to `{python} total`
import matplotlib.pyplot as plt

figure, axes = plt.subplots()
axes.plot([0, total])
axes.set_xlabel("step")
total / 5

# %% [markdown]
# ## Exercises
#
# /// details | Why?
# Because $a < b$.
# ///

# %%
#| raises: ZeroDivisionError
total / 0
"""

SHORT_LAB = """\
# ---
# title: A short lab
# description: A lab of one cell.
# order: 2
# ---

# %%
sum(range(5))
"""

PAGES = {
    "docs/index.md": "---\ntitle: All\n---\n\n# All of it\n\n`{cards}`\n\n`{questions}`\n",
    "docs/topic/index.md": "---\ntitle: A topic\norder: 1\n---\n\nThought.\n\n`{questions}`\n",
    "docs/topic/question.md": QUESTION,
    "docs/topic/second.md": SECOND,
    "docs/outputs.md": OUTPUTS,
    "docs/figures.md": FIGURES,
    "docs/mathematics.md": MATHEMATICS,
    "docs/sweep.md": SWEEP,
    "docs/evidence.md": "---\ntitle: Evidence\norder: 99\n---\n\n`{evidence}`\n",
    "docs/labs/index.md": "---\ntitle: Labs\norder: 9\n---\n\nThey are long.\n\n`{labs}`\n",
    "docs/labs/tiny.py": LAB,
    "docs/labs/short.py": SHORT_LAB,
}

# It loads in half a second, which the many sites without labs need not wait for.
SHOWS_LABS = """\
plugins:
  - search
  - dlfaq
  - mkdocs-jupyter: {include: [labs/*.ipynb], ignore: ["*.md"], execute: false}
"""


class Site:
    """A site in a folder, and the commands that are run there."""

    def __init__(self, folder: Path, pages: dict[str, str]) -> None:
        self.folder = folder
        labs = any(name.startswith("docs/labs/") for name in pages)
        plugins = SHOWS_LABS if labs else "plugins: [search, dlfaq]\n"
        self.write("mkdocs.yml", MKDOCS_YML.replace("plugins: [search, dlfaq]\n", plugins))
        self.write(
            "snippets/area.py",
            "# --8<-- [start:area]\ndef area(a, b):\n    return a * b\n# --8<-- [end:area]\n",
        )
        self.write("lab.py", "def double(x):\n    return 2 * x\n")
        shutil.copy(ROOT / "dlfaq" / "figures" / "house.mplstyle", folder)
        for name, text in pages.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        """Save a file, as an editor does."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        """The environment of commands: nothing of whoever runs the tests."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DLFAQ_")}
        return {**kept, "NO_MKDOCS_2_WARNING": "1", "SOURCE_DATE_EPOCH": "1796000000"}

    def run(self, module: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Run `python -m module`; the output is both streams together."""
        return self._call([sys.executable, "-m", module, *arguments], environment)

    def dlfaq(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run the command dlfaq; the output is both streams together."""
        return self._call([str(Path(sys.executable).with_name("dlfaq")), *arguments], {})

    def _call(self, command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess:
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def article(self, page: str, site: str = "site") -> str:
        """The HTML of a page between the theme's header and footer."""
        text = (self.folder / site / page / "index.html").read_text(encoding="utf-8")
        return re.search(r'<article class="md-content__inner[^>]*>(.*)</article>', text, re.DOTALL)[
            1
        ].strip()


@pytest.fixture(scope="session")
def new_site(tmp_path_factory):
    """A function that makes a site of pages."""

    def make(pages: dict[str, str]) -> Site:
        return Site(tmp_path_factory.mktemp("site"), pages)

    return make


@pytest.fixture(scope="session")
def tiny(new_site):
    """The tiny site, built cold by `mkdocs build --strict`, with the theme of the real one."""
    site = new_site(PAGES)
    config = (site.folder / "mkdocs.yml").read_text(encoding="utf-8")
    site.write("mkdocs.yml", config.replace("theme:\n", "theme:\n  custom_dir: theme\n"))
    shutil.copytree(ROOT / "theme", site.folder / "theme")
    shutil.copytree(ROOT / "docs" / "assets", site.folder / "docs" / "assets")
    built = site.run("mkdocs", "build", "--strict")
    assert built.returncode == 0, built.stdout
    return site
