from __future__ import annotations

import pytest
import torch
from torch import nn

from dlfaq import Dataset, Examples, fit, fit_many, mlp, seeds
from dlfaq.errors import InputError
from dlfaq.training import fit as training
from dlfaq.training import fit_many as together
from dlfaq.training.device import moved, training_device


def small(seed):
    g = torch.Generator().manual_seed(seed)
    part = Examples(torch.randn(12, 3, generator=g), torch.arange(12) % 2)
    return Dataset(part, part, part)


@pytest.fixture
def moves(monkeypatch):
    """Where models and data sets are moved to, on a device that is elsewhere by name only."""
    seen = []
    elsewhere = object()
    to = nn.Module.to

    def model_to(model, device):
        seen.append(("model", "elsewhere" if device is elsewhere else str(device)))
        return model if device is elsewhere else to(model, device)

    def data_moved(data, device):
        seen.append(("data", "elsewhere" if device is elsewhere else str(device)))
        return data

    monkeypatch.setattr(nn.Module, "to", model_to)
    for module in (training, together):
        monkeypatch.setattr(module, "training_device", lambda: elsewhere)
        monkeypatch.setattr(module, "moved", data_moved)
    return seen


@pytest.mark.parametrize("name", ["cpu", "cpu:0"])
def test_the_variable_names_the_device(monkeypatch, name):
    monkeypatch.setenv("DLFAQ_DEVICE", name)
    assert training_device() == torch.device("cpu")


def test_the_device_is_the_cpu_unless_named(monkeypatch):
    monkeypatch.delenv("DLFAQ_DEVICE", raising=False)
    assert training_device() == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "", "cpu:1:1"])
def test_a_device_that_is_none_is_refused(monkeypatch, name):
    monkeypatch.setenv("DLFAQ_DEVICE", name)
    for train in (
        lambda: fit(mlp([3, 2]), small(0), lr=0.1, steps=1),
        lambda: fit_many(small, sizes=[3, 2], lr=0.1, steps=1, seeds=seeds(2)),
    ):
        with pytest.raises(InputError, match=rf"DLFAQ_DEVICE.*; got '{name}' \(.*unset the"):
            train()


def test_data_that_is_there_stays_as_it_is():
    data = small(0)
    assert moved(data, torch.device("cpu")) is data


def test_model_and_data_go_to_the_device_and_the_model_comes_back(moves):
    fit(mlp([3, 2]), small(0), lr=0.1, steps=1)
    assert moves == [("model", "elsewhere"), ("data", "elsewhere"), ("model", "cpu")]


@pytest.mark.parametrize("optimizer", ["sgd", torch.optim.Adafactor], ids=["stacked", "loop"])
def test_all_replicas_go_to_the_device(moves, optimizer):
    fit_many(small, sizes=[3, 2], optimizer=optimizer, lr=0.1, steps=1, seeds=seeds(2))
    assert moves == [("model", "elsewhere")] * 2 + [("data", "elsewhere")] * 2
