"""The same site for each engine: pages that train a little and draw, and a module for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ENGINES", "Site"]

ENGINES = ("plain", "dlfaq", "markdown-exec", "mkdocs-jupyter")

# Everything that a page shows of the module goes through VERSION: an engine that serves an old
# result after the module was edited shows the old one.
_MODULE = '''\
"""What the pages share."""

import torch
from torch import nn

VERSION = {version}


def train(seed, steps={steps}):
    """Losses of a small network, step by step."""
    torch.manual_seed(seed)
    x, y = torch.randn(200, 20), torch.randint(0, 5, (200,))
    model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 5))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
'''

_TRAINING = """\
import matplotlib.pyplot as plt
import study

losses = study.train(seed={number})
print("version", study.VERSION, "edition", {edition})
figure, axes = plt.subplots()
axes.plot(losses)
axes.set_xlabel("step")
"""

_LIGHT = '# variant {edition}\nprint("version 1 edition", {edition})\n'

# markdown-exec shows what is printed; this is how its gallery shows a figure.
_PRINT_FIGURE = """\
from io import StringIO

buffer = StringIO()
plt.savefig(buffer, format="svg")
plt.close()
print(buffer.getvalue())
"""

_PROSE = """\
# Page {number}

What this page asks stands here, with *emphasis*, `code`, and a [link](page{other}.md).

| left | right |
|------|-------|
| 1    | 2     |

And a second paragraph, revision {revision}, of a few more words than the first.
"""

_CONFIG = """\
site_name: Bench
theme: {{name: mkdocs}}
plugins:
{plugins}
markdown_extensions:
  - attr_list
  - tables
  - toc
  - pymdownx.highlight
  - pymdownx.superfences
{extensions}
"""

_PLUGINS = {
    "plain": "  - search",
    "dlfaq": "  - search\n  - dlfaq",
    "markdown-exec": "  - search\n  - markdown-exec",
    "mkdocs-jupyter": "  - search\n  - mkdocs-jupyter: {execute: true}",
}


@dataclass
class Site:
    """A site of `pages` pages for one engine, in a folder of its own.

    Attributes:
        folder: where mkdocs.yml stands.
        engine: one of `ENGINES`.
        pages: how many.
        light: pages print and nothing else.
        steps: of the training on each page.
    """

    folder: Path
    engine: str
    pages: int
    light: bool = False
    steps: int = 300

    def write(self) -> None:
        """Write all files."""
        docs = self.folder / "docs"
        docs.mkdir(parents=True)
        extensions = "  - dlfaq.site.markdown_extension" if self.engine == "dlfaq" else ""
        config = _CONFIG.format(plugins=_PLUGINS[self.engine], extensions=extensions)
        (self.folder / "mkdocs.yml").write_text(config, encoding="utf-8")
        (docs / "index.md").write_text("# Bench\n", encoding="utf-8")
        self.edit_module(1)
        for number in range(self.pages):
            self.edit_page(number)

    def edit_module(self, version: int) -> None:
        """Write the module, with another number for the pages to show."""
        text = _MODULE.format(version=version, steps=self.steps)
        (self.folder / "study.py").write_text(text, encoding="utf-8")

    def edit_page(self, number: int, *, edition: int = 1, revision: int = 1) -> None:
        """Write a page; `edition` is in its code, `revision` in its prose."""
        other = (number + 1) % self.pages
        prose = _PROSE.format(number=number, other=other, revision=revision)
        code = (_LIGHT if self.light else _TRAINING).format(number=number, edition=edition)
        path = self.folder / "docs" / f"page{number}.md"
        if self.engine == "mkdocs-jupyter":
            # Links from notebook to notebook would need the other suffix.
            cells = [new_markdown_cell(prose.replace(".md)", ".ipynb)")), new_code_cell(code)]
            for index, cell in enumerate(cells):
                cell.id = str(index)
            nbformat.write(new_notebook(cells=cells), path.with_suffix(".ipynb"))
            return
        if self.engine == "markdown-exec":
            info = 'python exec="true" html="true" source="above"'
            code += "" if self.light else _PRINT_FIGURE
        else:
            info = "python"
        path.write_text(f"{prose}\n```{info}\n{code}```\n", encoding="utf-8")

    def html(self, number: int) -> str:
        """A page as it was built."""
        folder = self.folder / "site" / f"page{number}"
        return (folder / "index.html").read_text(encoding="utf-8")

    def shows(self, number: int, *, version: int, edition: int) -> bool:
        """Whether a page shows what these versions of module and page put out."""
        return f"version {version} edition {edition}" in self.html(number)
