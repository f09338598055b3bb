"""How `fit`, `fit_many`, `tune`, `compare` and `measure_arms` are used wrongly, and what they say.

Each message has what was expected, what was given, and the cure; the words here are some of it.
"""

# ruff: noqa: ARG005 - a function that is called by the names of its arguments has them

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot
from torch.optim import SGD, lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

from dlfaq import Dataset, Examples, compare, digits, fit, fit_many, measure_arms, mlp, tune
from dlfaq.errors import InputError


def small(seed=0, dtype=torch.float32):
    g = torch.Generator().manual_seed(seed)
    part = Examples(torch.randn(20, 3, generator=g, dtype=dtype), torch.arange(20) % 2)
    return Dataset(part, part, part)


def net():
    return mlp([3, 4, 2], seed=0)


def by_fit(**changed):
    return lambda: fit(**{"model": net(), "data": small(), "lr": 0.1, "steps": 2, **changed})


def by_fit_many(**changed):
    settings = {"data": small, "sizes": [3, 4, 2], "seeds": [1, 2], "lr": 0.1, "steps": 2}
    return lambda: fit_many(**{**settings, **changed})


def by_tune(**changed):
    return lambda: tune(**{"data": small, "sizes": [3, 4, 2], "lr": 0.1, "steps": 2, **changed})


def by_compare(**changed):
    settings = {"data": small, "sizes": [3, 4, 2], "steps": 2, "arms": {"a": {"lr": 0.1}}}
    return lambda: compare(**{**settings, "tuned": False, "replicas": 2, **changed})


def by_measure_arms(function=lambda seed, scale=1: seed * scale, **changed):
    return lambda: measure_arms(function, **{"arms": {"a": {}}, "replicas": 2, **changed})


def with_loss(loss):
    return by_fit(loss=loss)


def with_model(model):
    return by_fit_many(sizes=None, model=model)


def module(forward):
    """A module that has parameters, and that forward."""

    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(3, 2)

    Module.forward = forward
    return Module()


def examples(x=None, y=None):
    def make():
        part = Examples(torch.randn(6, 3) if x is None else x, torch.arange(6) % 2)
        part = part if y is None else part._replace(y=y)
        return Dataset(part, part, part)

    return make


ONE = net()
TENSORS = TensorDataset(small().train.x, small().train.y)
ARM = {"lr": 0.1}

RATES = {
    "text": (by_fit(lr="0.1"), "above 0; got '0.1'; start with 0.1 for SGD"),
    "text, many": (by_fit_many(lr="0.1"), "above 0; got '0.1'"),
    "nothing": (by_fit(lr=None), "above 0; got None"),
    "a switch": (by_fit(lr=True), "above 0; got True"),
    "negative": (by_fit(lr=-0.1), "above 0; got -0.1"),
    "zero": (by_fit(lr=0), "above 0; got 0; start"),
    "NaN": (by_fit_many(lr=float("nan")), "above 0; got nan"),
    "infinite": (by_fit(lr=float("inf")), "above 0; got inf"),
    "several for one": (by_fit(lr=[0.1, 0.2]), r"above 0; got \[0.1, 0.2\]"),
    "one of several": (by_fit_many(lr=[0.1, -1]), "above 0; got -1"),
    "nested": (by_fit_many(lr=[[0.1]]), r"above 0; got \[0.1\]"),
    "by name": (by_fit_many(lr={"a": 0.1}), "above 0; got {'a': 0.1}"),
    "none": (by_fit_many(lr=[]), "one seed and one rate; got 2 seeds and 0 rates"),
    "several to tune": (by_tune(lr=[0.1, 0.2]), r"above 0; got \[0.1, 0.2\]"),
    "text to tune": (by_tune(lr="fast"), "above 0; got 'fast'"),
    "text in an arm": (by_compare(arms={"a": {"lr": "0.1"}}), "above 0; got '0.1'"),
}

SEEDS = {
    "a number": (by_fit_many(seeds=16), r"a list of whole numbers from 0; got 16; .*seeds\(16\)"),
    "text": (by_fit_many(seeds="12"), "whole numbers from 0; got '12'"),
    "none": (by_fit_many(seeds=[]), "at least one seed and one rate; got 0 seeds"),
    "fractions": (by_fit_many(seeds=[0.5]), r"whole numbers from 0; got \[0.5\]"),
    "negative": (by_fit_many(seeds=[-1]), r"whole numbers from 0; got \[-1\]"),
    "twice": (by_fit_many(seeds=[3, 4, 3]), "seeds that differ.*; got 3 more than once"),
    "an array": (by_fit_many(seeds=np.arange(2)), r"whole numbers.*of an array, its tolist\(\)"),
    "one, a fraction": (by_fit(seed=1.5), "a seed that is a whole number from 0; got 1.5"),
    "one, negative": (by_fit(seed=-1), "whole number from 0; got -1; take one of seeds"),
}

DATA = {
    "a loader": (by_fit(data=DataLoader(TENSORS)), "a Dataset .*; got a DataLoader; write Dataset"),
    "tensors": (by_fit(data=TENSORS), "a Dataset .*; got a TensorDataset; .*batch_size="),
    "a tuple": (by_fit(data=tuple(TENSORS.tensors)), "a Dataset .*; got a tuple; write Dataset"),
    "not called": (by_fit(data=digits), r"got a function; call it: digits\(seed=0\)"),
    "a loader, many": (
        by_fit_many(data=DataLoader(TENSORS)),
        r"a function of seed= as data; got a DataLoader; .*Dataset\(Examples",
    ),
    "a list, many": (by_fit_many(data=[small()]), "a function of seed= as data; got a list"),
    "no seed": (by_fit_many(data=lambda: small(0)), "a function of seed= as data; got .*'seed'"),
    "tensors by seed": (
        by_fit_many(data=lambda seed: TENSORS),
        "a Dataset .* as what data gives; got a TensorDataset",
    ),
    "unlike sizes": (
        by_fit_many(data=lambda seed: examples(torch.zeros(5 + seed, 3), torch.arange(5 + seed))()),
        "of one shape and dtype, whatever the seed",
    ),
    "NaN": (examples(x=torch.full((6, 3), torch.nan)), "finite train inputs; got 18 values"),
    "float labels": (examples(y=torch.zeros(6)), r"labels, int64 .*y\.long\(\)"),
    "one-hot labels": (examples(y=one_hot(torch.arange(6))), r"labels, int64 of shape \(6,\)"),
    "labels from -1": (examples(y=torch.arange(6) - 1), "labels from 0; got label -1"),
    "fewer labels": (examples(y=torch.arange(4)), "one for each input; got .*4"),
    "whole inputs": (examples(x=torch.ones(6, 3).long()), "a floating dtype .*; got torch.int64"),
    "flat inputs": (examples(x=torch.ones(6)), r"shape \(n, features\); got .*reshape"),
    "labels too high": (
        by_fit(model=mlp([3, 2]), data=examples(y=torch.arange(6))()),
        "below the model's number of outputs, 2; got .* label 5; give the model 6",
    ),
    "other precision": (
        by_fit(data=small(dtype=torch.float64)),
        r"takes torch\.float64 inputs.*data\.to\(dtype\)",
    ),
}

MODELS = {
    "sizes that do not fit": (by_fit_many(sizes=[5, 2]), r"inputs of shape \(n, 3\)"),
    "too few outputs": (by_fit_many(sizes=[3, 1]), "give the model 2 outputs"),
    "one size": (by_fit_many(sizes=[3]), r"two or more sizes.*; got \[3\]"),
    "a number": (by_fit_many(sizes=64), "two or more sizes.*; got 64; write"),
    "text": (by_fit_many(sizes="3-4-2"), "two or more sizes.*; got '3-4-2'"),
    "a size of 2.5": (by_fit_many(sizes=[3, 2.5, 2]), "whole numbers from 1"),
    "neither": (by_fit_many(sizes=None), "sizes of an MLP or a model; got neither"),
    "both": (by_fit_many(model=lambda seed: net()), "sizes of an MLP or a model; got both"),
    "activation": (by_fit_many(activation="rleu"), "an activation among .*; did you mean 'relu'"),
    "no activation": (by_fit_many(activation=3), "an activation by name, .*; got 3; pass"),
    "no class of modules": (by_fit_many(activation=dict), "an activation by name, .*; got <class"),
    "init": (by_fit_many(init="kaiming"), "an initialisation among .*; got 'kaiming'"),
    "init below 0": (by_fit_many(init=-1.0), "a standard deviation, .*; got -1.0"),
    "bias": (by_fit_many(bias="no"), "bias, True or False; got 'no'"),
    "the class": (by_fit(model=nn.Linear), "an nn.Module as model; got the class Linear; call it"),
    "the function": (by_fit(model=lambda seed: net()), "got the function <lambda>; call it"),
    "text, one": (by_fit(model="mlp"), "an nn.Module as model; got a str; pass mlp"),
    "a made one": (with_model(net()), "a function of seed= as model; got a Sequential"),
    "no seed": (with_model(lambda: mlp([3, 2])), "a function of seed= as model; got .*may ignore"),
    "gives none": (with_model(lambda seed: None), "as what model gives; got a NoneType"),
    "one for all": (with_model(lambda seed: ONE), "a model of its own for each seed"),
    "frozen": (by_fit(model=net().requires_grad_(False)), "parameters that require gradients"),
    "nothing to learn": (by_fit(model=nn.Flatten()), "parameters that require .*; got none"),
    "a tuple": (by_fit(model=module(lambda self, x: (self.inner(x), x))), "one tensor.*; got a tu"),
    "detached": (by_fit(model=module(lambda self, x: self.inner(x).detach())), "do not depend on"),
    "of three axes": (
        by_fit(model=module(lambda self, x: self.inner(x)[..., None])),
        r"got outputs of shape \(n, 2, 1\)",
    ),
    "of two inputs": (by_fit(model=module(lambda self, x, mask: x)), "inputs of shape.*'mask'"),
    "changes its inputs": (
        by_fit(model=module(lambda self, x: self.inner(x.relu_()))),
        "leaves its inputs as they are; .*inplace=True out",
    ),
    "batch norm of one": (
        by_fit(model=nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)), batch_size=1),
        "a batch of one example; got Expected more than 1 value",
    ),
}

LENGTHS = {
    "no steps": (by_fit(steps=None), "either steps or epochs; got steps=None, epochs=None"),
    "steps and epochs": (by_fit(epochs=1), "either steps or epochs; got steps=2, epochs=1"),
    "a fraction": (by_fit(steps=1.5), "steps, a whole number from 1; got 1.5"),
    "a switch": (by_fit(steps=True), "steps, a whole number from 1; got True"),
    "text": (by_fit(steps="100"), "steps, a whole number from 1; got '100'"),
    "no epochs": (by_fit(steps=None, epochs=0), "epochs, a whole number from 1; got 0"),
    "a batch too large": (by_fit(batch_size=21), "at most the 20 training examples; got batch_si"),
    "a batch of none": (by_fit(batch_size=0), "batch_size, a whole number from 1; got 0"),
    "a fraction of a batch": (by_fit(batch_size=0.5), "batch_size, a whole number from 1; got 0.5"),
    "never evaluated": (by_fit(evaluate_every=0), "evaluate_every, a whole number from 1; got 0"),
    "an unknown part": (by_fit(parts=["valid"]), "parts among train, validation, test; got 'valid"),
    "a part as text": (by_fit(parts="test"), r"in a list; got 'test'; write parts=\['test'\]"),
    "no part": (by_fit(parts=[]), "parts among .*; got none; leave parts= out"),
    "an order": (by_fit(order="sorted", batch_size=5), "an order among .*; got 'sorted'"),
    "an order of one batch": (by_fit(order="fixed"), "a batch_size beside an order"),
    "no clip": (by_fit(clip=0), "clip, a norm, finite and above 0; got 0"),
    "a clip of text": (by_fit(clip="1"), "clip, a norm, .*; got '1'"),
    "a mean of steps": (by_fit(average=25), "average, a share of the steps, .*; got 25"),
    "zero_grad": (by_fit(zero_grad="no"), "zero_grad, True or False; got 'no'"),
    "a slip": (by_fit(stpes=3), "training arguments among .*; got 'stpes'; did you mean 'steps'"),
    "momentum": (by_fit(momentum=0.9), "training arguments among .*; got 'momentum'"),
    "sizes for one": (by_fit(sizes=[3, 2]), "training arguments among .*; got 'sizes'"),
    "weights": (by_fit(class_weights=np.array([1.0, -1.0])), "class_weights, a number from 0 for"),
    "a weight too few": (by_fit(class_weights=[1.0]), "for each of the model's 2 outputs; got 1"),
    "weights by a slip": (by_fit(class_weights="balance"), 'or "balanced"; got .balance'),
    "a slip, many": (by_fit_many(optimiser="adam"), "did you mean 'optimizer'"),
}

OPTIMIZERS = {
    "unknown": (by_fit(optimizer="admm"), "an optimizer among .*; got 'admm'; did you mean 'adam'"),
    "far": (
        by_fit(optimizer="zzz"),
        "an optimizer among .*; got 'zzz'; pass one of these, a class",
    ),
    "made": (
        by_fit(optimizer=SGD(net().parameters(), lr=0.1)),
        "by name, by class or by function; got one that is made already, a SGD; pass",
    ),
    "no optimizer": (by_fit(optimizer=0.9), "an optimizer by name, by class .*; got 0.9"),
    "gives none": (by_fit(optimizer=lambda parameters, lr: None), "which gives a NoneType; write"),
    "an option": (by_fit(options={"momentun": 0.9}), "options that SGD takes; .*mean 'momentum'"),
    "the rate": (by_fit(options={"lr": 0.9}), "options that SGD takes; .*pass the rate as lr="),
    "a value": (
        by_fit(options={"momentum": -1.0}),
        "options that SGD takes; got .*Invalid momentum",
    ),
    "options in a list": (by_fit(options=[0.9]), r"options by name; got \[0.9\]; write options="),
    "a scheduler": (by_fit(scheduler="cosin"), "a scheduler among .*; did you mean 'cosine'"),
    "a made scheduler": (
        by_fit_many(scheduler=lr_scheduler.ExponentialLR(SGD(net().parameters(), lr=0.1), 0.9)),
        "a scheduler by name, .*; got one that is made already, a ExponentialLR; pass",
    ),
    "ready for a measurement": (
        by_fit(scheduler=lr_scheduler.ReduceLROnPlateau),
        "without a measurement; got ReduceLROnPlateau",
    ),
    "lacks a length": (
        by_fit(scheduler="step"),
        "scheduler_options that StepLR takes; .*step_size",
    ),
    "when": (by_fit(scheduler="cosine", scheduler_every=3), '"step" or "epoch"; got 3'),
    "options of none": (by_fit(scheduler_options={"gamma": 1}), "a scheduler beside .*; got none"),
}

LOSSES = {
    "a name": (with_loss("mse"), "as loss a function of outputs .*; got 'mse'; leave it out"),
    "a class": (with_loss(nn.CrossEntropyLoss), "got the class CrossEntropyLoss; .*pass an object"),
    "pairs": (
        with_loss(lambda o, y: (o[:, :1] - y) ** 2),
        r"shape \(20, 20\), a loss for each pair .*\(n, 1\) against \(n,\); squeeze",
    ),
    "pairs in a mean": (
        with_loss(lambda o, y: nn.MSELoss()(o[:, :1], y.float())),
        "got Using a target size",
    ),
    "one per output": (
        with_loss(lambda o, y: (o - one_hot(y, 2)) ** 2),
        r"of shape \(20,\), or their mean; got shape \(20, 2\); take the mean .*mean\(1\)",
    ),
    "of two axes": (with_loss(lambda o, y: cross_entropy(o, y)[None, None]), r"got shape \(1, 1\)"),
    "a number": (
        with_loss(lambda o, y: cross_entropy(o, y).item()),
        "a tensor; got a float; leave",
    ),
    "a tuple": (with_loss(lambda o, y: (cross_entropy(o, y), o)), "a tensor; got a tuple"),
    "nothing": (with_loss(lambda o, y: None), "a loss that is a tensor; got a NoneType"),
    "without a gradient": (
        with_loss(lambda o, y: (o.argmax(1) != y).float()),
        "a loss with a gradient; got one that does not depend",
    ),
    "of whole labels": (
        with_loss(lambda o, y: binary_cross_entropy_with_logits(o[:, 1], y)),
        r"a function of outputs \(20, 2\) and labels \(20,\); got .*y\.float\(\)",
    ),
    "of one argument": (with_loss(lambda o: o.sum()), "a function of outputs .*positional"),
    "in many": (
        by_fit_many(loss=lambda o, y: (o[:, :1] - y) ** 2),
        "a loss for each pair of examples",
    ),
}

EXPERIMENTS = {
    "arms in a list": (by_compare(arms=[ARM]), "arms by name; got a list; write arms="),
    "no arm": (by_compare(arms={}), "at least one arm; got none"),
    "a rate as an arm": (by_compare(arms={"a": 0.1}), "its settings by name; got 0.1 for 'a'"),
    "no rate": (by_compare(arms={"a": {}}), "for the arm 'a': lr, the .*; got none; pass lr="),
    "a slip": (by_compare(arms={"a": {**ARM, "optmizer": "adam"}}), "did you mean 'optimizer'"),
    "seeds": (by_compare(seeds=[1, 2]), "got 'seeds'; pass replicas=16 in place"),
    "tuned": (by_compare(tuned="yes"), "tuned, True or False; got 'yes'"),
    "replicas in text": (by_compare(replicas="16"), "from 1 to 64 replicas; got '16'"),
    "replicas in fractions": (by_compare(replicas=2.5), "from 1 to 64 replicas; got 2.5"),
    "a replica as a switch": (by_compare(replicas=True), "from 1 to 64 replicas; got True"),
    "too many": (by_compare(replicas=65), "from 1 to 64 replicas; got 65; share"),
    "none": (by_compare(replicas=0), "from 1 to 64 replicas; got 0"),
    "seeds to tune": (by_tune(seeds=[1, 2]), "training arguments .*; got 'seeds'; pass replicas="),
    "an even grid": (by_tune(rates=4), "rates, an odd whole number from 3; got 4"),
    "a list of rates": (by_tune(rates=[0.1, 0.2, 0.3]), r"an odd whole number .*; got \[0.1"),
    "a ratio": (by_tune(ratio=0.5), "ratio, of neighbouring rates, above 1; got 0.5"),
    "a ratio of text": (by_tune(ratio="2"), "ratio, of neighbouring rates, .*; got '2'"),
    "too many to tune": (by_tune(tuning_replicas=37), "from 1 to 36 replicas; got 37"),
    "an arm that is not there": (
        lambda: by_compare()().difference("a", "b"),
        "an arm among a; got 'b'",
    ),
    "a quantity by name": (
        lambda: by_compare()().difference("a", "a", of="loss"),
        "a function of a history, .*; got 'loss'",
    ),
    "a quantity of all steps": (
        lambda: by_compare()().difference("a", "a", of=lambda history: history.batch_loss),
        r"one number for each of the 2 replicas; got shape \(2, 2\)",
    ),
    "a part that is not there": (
        lambda: by_compare(parts=["train"])()["a"].accuracy,
        "a part that was evaluated, train; got 'test'",
    ),
    "no function": (by_measure_arms(3.0), "a function of a seed .*; got a float"),
    "no seed": (by_measure_arms(lambda: 1.0), "a function of a seed .*; got .*too many"),
    "an unknown setting": (by_measure_arms(arms={"a": {"size": 1}}), "for 'a': .*'size'"),
    "arms of it in a list": (by_measure_arms(arms=[{}]), "arms by name; got a list"),
    "a setting": (by_measure_arms(arms={"a": 3}), "its settings by name; got 3 for 'a'"),
    "a result of text": (
        by_measure_arms(lambda seed: "7"),
        "numbers as results for 'a'; got a str",
    ),
    "no result": (by_measure_arms(lambda seed: None), "numbers as results for 'a'; got a NoneType"),
    "several shapes": (by_measure_arms(lambda seed: [0] * (seed % 3)), "one shape for 'a'"),
    "replicas of it": (by_measure_arms(replicas="8"), "from 1 to 64 replicas; got '8'"),
}

MISUSES = {
    f"{name}: {misuse}": row
    for name, rows in (
        ("lr", RATES),
        ("seeds", SEEDS),
        ("data", DATA),
        ("model", MODELS),
        ("length", LENGTHS),
        ("optimizer", OPTIMIZERS),
        ("loss", LOSSES),
        ("experiment", EXPERIMENTS),
    )
    for misuse, row in rows.items()
}


@pytest.mark.parametrize(("call", "words"), MISUSES.values(), ids=MISUSES)
def test_a_misuse_is_told_what_was_expected_what_it_gave_and_the_cure(call, words):
    with pytest.raises(InputError, match=words) as raised:
        call()
    assert all([raised.value.expected, raised.value.got, raised.value.cure])


def test_there_are_more_than_a_hundred_of_them():
    assert len(MISUSES) > 100
