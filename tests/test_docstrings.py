"""Every example in a docstring of the package runs, and gives what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import dlfaq

# What a reader of an example has imported already; all else stands in the example.
NAMES = {name: getattr(dlfaq, name) for name in dlfaq.__all__} | {
    "cross_entropy": cross_entropy,
    "gains": np.array([0.003, 0.004, 0.001, 0.002]),
    "nn": nn,
    "np": np,
    "plt": plt,
    "torch": torch,
}
MODULES = [module.name for module in pkgutil.walk_packages(dlfaq.__path__, "dlfaq.")]


def examples() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = []
    for name in MODULES:
        module = importlib.import_module(name)
        found += [test for test in finder.find(module, extraglobs=NAMES) if test.examples]
    return found


@pytest.fixture(autouse=True)
def _no_window():
    """Figures are drawn nowhere."""
    plt.switch_backend("Agg")
    yield
    plt.close("all")


@pytest.mark.parametrize("example", examples(), ids=lambda test: test.name.removeprefix("dlfaq."))
def test_an_example_in_a_docstring_gives_what_it_says(example):
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(example, out=said.append)
    assert runner.failures == 0, "".join(said)
