"""What code reaches outside of a model: it is followed, compared and put back."""

from __future__ import annotations

import itertools
import random
from collections import deque
from functools import partial
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from dlfaq.training.surroundings.surroundings import Attributes, Surroundings, unlike_attribute

NUMBER = 0
NESTED = {"list": [1, {"deep": 2}], "array": np.zeros(3), "tensor": torch.zeros(2)}
SET, QUEUE, COUNT = {1}, deque([1, 2]), itertools.count()
SOURCE, PYTHON, TORCH = np.random.default_rng(0), random.Random(0), torch.Generator()


class Settings:
    level = 1

    def __init__(self):
        self.own = [1]


SETTINGS = Settings()
ELSEWHERE = ModuleType("elsewhere")
ELSEWHERE.level = 1


def reads():
    return NUMBER, NESTED, SET, QUEUE, COUNT, SOURCE, PYTHON, TORCH, SETTINGS, ELSEWHERE.level


def calls_it():
    return [reads() for _ in range(2)]


def set_number():
    global NUMBER  # noqa: PLW0603 - what is tested
    NUMBER += 1


def write(place, key, value):
    place[key] = value


CHANGES = {
    "a global number": set_number,
    "an entry of a list": lambda: write(NESTED["list"], 0, 7),
    "an entry further in": lambda: write(NESTED["list"][1], "deep", 7),
    "an array": lambda: write(NESTED["array"], 1, 7.0),
    "a tensor": lambda: NESTED["tensor"].add_(1),
    "a set": lambda: SET.add(2),
    "a generator of NumPy": SOURCE.random,
    "a generator of Python": PYTHON.random,
    "a generator of PyTorch": lambda: torch.rand(1, generator=TORCH),
    "an attribute": lambda: SETTINGS.own.__setitem__(0, 7),
    "a global of another module": lambda: setattr(ELSEWHERE, "level", 7),
    "an attribute of a class": lambda: setattr(Settings, "level", 7),
    "NumPy's own generator": np.random.random,
    "Python's own generator": random.random,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize(
    "function", [reads, partial(reads), calls_it], ids=["plain", "partial", "called"]
)
def test_a_change_is_seen_and_put_back(function, change):
    around = Surroundings([], [function])
    assert around.changed() is None
    change()
    assert around.changed() is not None
    around.put_back(draws=True)
    assert around.changed() is None


def test_a_count_and_a_queue_are_seen():
    for change in (lambda: next(COUNT), lambda: QUEUE.append(3)):
        around = Surroundings([], [reads])
        change()
        assert around.changed() is not None


def test_variables_around_a_function_are_put_back_and_a_log_is_kept():
    calls, log = 0, []

    def loss():
        nonlocal calls
        calls += 1
        log.append(calls)

    around = Surroundings([], [loss])
    loss()
    assert around.changed() is not None
    around.put_back(draws=False)
    assert (calls, log) == (0, [1])


def test_between_replicas_generators_go_on():
    around = Surroundings([], [reads])
    drawn = SOURCE.random(), np.random.random()  # noqa: NPY002
    around.put_back(draws=False)
    assert SOURCE.random() != drawn[0]
    assert np.random.random() != drawn[1]  # noqa: NPY002


def test_what_all_models_hold_is_outside_of_them_and_what_each_holds_is_not():
    class Holds(nn.Module):
        def __init__(self, shared):
            super().__init__()
            self.shared, self.own = shared, [0]

    shared = [0]
    models = [Holds(shared), Holds(shared)]
    around = Surroundings(models)
    models[0].own[0] = 1
    assert around.changed() is None
    shared[0] = 1
    assert around.changed() is not None


def test_nothing_of_packages_and_nothing_large_is_followed():
    data = list(range(100_000))
    around = Surroundings([nn.Linear(2, 2)], [nn.functional.cross_entropy, lambda: data])
    data[5] = -1
    assert around.changed() is None


def test_attributes_of_a_model_are_compared_without_what_it_learns():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    attributes = Attributes(model)
    model.eval()
    with torch.no_grad():
        model[0].weight.add_(1)
    assert not attributes.changed()
    model[1].p = 0.1
    assert attributes.changed()


def test_the_attribute_that_differs_is_named():
    assert unlike_attribute(nn.Linear(2, 2), nn.Linear(2, 2)) is None
    pair = [nn.Sequential(nn.Linear(2, 2), nn.Dropout(p)) for p in (0.1, 0.2)]
    assert unlike_attribute(*pair) == "1.p"
    for model, seed in zip(pair, (0, 1), strict=True):
        model[1].p = 0.1
        model.source = np.random.default_rng(seed)
    assert unlike_attribute(*pair) == "source"
