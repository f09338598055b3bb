"""Begins a page: `dlfaq new "Question?"` writes one that runs, for its author to change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dlfaq.cli.commands import DONE, add_command
from dlfaq.errors import InputError
from dlfaq.pages.config import read_settings
from dlfaq.pages.front_matter import front_matter
from dlfaq.pages.text import page_text

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from dlfaq.cli.commands import Commands
    from dlfaq.pages.config import Settings

__all__ = ["new_page", "register"]

_TEMPLATE = """\
---
title: "{title}"
description: The answer in one sentence, without a measured number.
answers: [{answer}]
status: incomplete
order: {order:g}
tags: []
---

The answer, in one to three sentences.

People say: *the common answer, in a line of your own.*

Verdict: incomplete. What is right about it, and what is off.

`{{figure}} key`

`{{claim}} key`

## See it

The smallest demonstration.

```python
import torch

x = torch.tensor(2.0, requires_grad=True)
(x**2).backward()
print(x.grad.item())
```

## Measure it

What was trained, on which data, how often.

```python
#| label: key
#| fig-title: The finding, as a sentence
#| fig-sub: What is drawn, under which conditions, what thin and bold lines are.
#| fig-alt: What somebody who does not see the figure should know.
import matplotlib.pyplot as plt

from dlfaq import claim, digits, fit_many, line_labels, replicates, seeds, y_label

runs = fit_many(
    digits,
    sizes=[64, 32, 10],
    steps=100,
    batch_size=100,
    lr=0.5,
    evaluate_every=20,
    seeds=seeds(16),
)
claim(
    "After 100 steps at least 80 % of these digits are recognised",
    runs.accuracy,
    at_least=0.8,
    seeds=seeds(16),
    label="key",
)

figure, axes = plt.subplots()
line = replicates(axes, runs.steps, runs.validation.accuracy)
axes.set_xlabel("step")
y_label(axes, "accuracy")
line_labels(axes, {{line: "64-32-10"}})
```

## What people say

> The common answer, fairly, with ==what is off== marked.

What is exact, with ==what is right== marked.

## Why

The mathematics: $a^2 + b^2 = c^2$.

## When it fails

The case where the rule of thumb breaks, measured too.

## Exercises

/// details | A question?
Its answer.
///

## Sources

- Only what you checked.
"""


def register(commands: Commands) -> None:
    """Add the command."""
    new = add_command(
        commands,
        "new",
        _run,
        "begin a page that runs",
        'dlfaq new "Why clip gradients?" --topic optimisation',
    )
    new.add_argument("question", help="the title of the page")
    new.add_argument("--topic", default="optimisation", help="a folder of docs (optimisation)")
    new.add_argument("--answers", metavar="ID", help="the ID of the question (made of its words)")


def _run(options: argparse.Namespace) -> int:
    settings = read_settings(options.folder)
    file = new_page(options.question, settings, options.topic, options.answers)
    print(f"{settings.relative(file)} is ready to edit; `make serve` shows it as you write")
    return DONE


def new_page(question: str, settings: Settings, topic: str, answer: str | None = None) -> Path:
    """Write a page that builds, last in its topic.

    Args:
        question: the title.
        settings: the site.
        topic: a folder of docs with an index.md.
        answer: the ID of the question; a name made of the question if None.

    Returns:
        The new file.

    Raises:
        InputError: no letters in the question, no such topic, or the file is there already.
    """
    slug = "-".join(re.findall(r"[a-z0-9]+", question.lower()))[:60].strip("-")
    if not slug:
        raise InputError(
            expected="a question",
            got=repr(question),
            cure='write for example "Why clip gradients?"',
        )
    folder = settings.docs_dir / topic
    if not (folder / "index.md").is_file():
        topics = sorted(file.parent.name for file in settings.docs_dir.glob("*/index.md"))
        raise InputError(
            expected=f"a topic, one of {', '.join(topics)}",
            got=repr(topic),
            cure="choose one with --topic, or write its index.md first",
        )
    file = folder / f"{slug}.md"
    if file.exists():
        raise InputError(
            expected="a new file",
            got=settings.relative(file),
            cure="edit that page, or ask the question in other words",
        )
    title = question.replace("\\", "\\\\").replace('"', '\\"')
    order = 1 + max((_order(other, settings) for other in folder.glob("*.md")), default=0)
    file.write_text(
        _TEMPLATE.format(title=title, answer=answer or slug, order=order), encoding="utf-8"
    )
    return file


def _order(file: Path, settings: Settings) -> float:
    if file.name == "index.md":
        return 0
    path = settings.relative(file)
    return float(front_matter(page_text(file, path), path)[0].get("order", 0))
