from __future__ import annotations

import io
import sys
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import StepLR

from dlfaq import Dataset, Examples, digits, fit, fit_many, mlp
from dlfaq.errors import InputError
from dlfaq.training.batches import batches


def small(n=20, dtype=torch.float64):
    g = torch.Generator().manual_seed(0)
    parts = [
        Examples(torch.randn(m, 3, generator=g, dtype=dtype), torch.arange(m) % 2)
        for m in (n, 6, 8)
    ]
    return Dataset(*parts)


def model(seed=0):
    return mlp([3, 4, 2], seed=seed, dtype=torch.float64)


def weights(history):
    return torch.cat([value.flatten() for value in history.weights.values()])


def by_hand(data, *, rates, batch_size=None, zeroed=True, seed=0):
    """Gradient descent written out, one rate a step; the last loss and the weights."""
    net = model(seed)
    order = batches([data.train.y], batch_size, [seed]) if batch_size else None
    total = [torch.zeros_like(p) for p in net.parameters()]
    for rate in rates:
        batch = next(order)[0] if order else torch.arange(len(data.train.y))
        x, y = data.train.x[batch], data.train.y[batch]
        loss = -torch.log_softmax(net(x), 1)[torch.arange(len(y)), y].mean()
        gradients = torch.autograd.grad(loss, list(net.parameters()))
        total = [g if zeroed else t + g for t, g in zip(total, gradients, strict=True)]
        with torch.no_grad():
            for parameter, gradient in zip(net.parameters(), total, strict=True):
                parameter.sub_(rate * gradient)
    return loss.item(), torch.cat([p.detach().flatten() for p in net.parameters()])


@pytest.mark.parametrize("batch_size", [None, 5, 20], ids=["full", "5", "permuted whole"])
@pytest.mark.parametrize("zeroed", [True, False], ids=["clears", "forgets"])
def test_sgd_is_the_loop_written_by_hand(batch_size, zeroed):
    data = small()
    history = fit(model(), data, lr=0.1, steps=9, batch_size=batch_size, zero_grad=zeroed)
    loss, expected = by_hand(data, rates=[0.1] * 9, batch_size=batch_size, zeroed=zeroed)
    torch.testing.assert_close(weights(history), expected, atol=1e-12, rtol=0)
    assert history.batch_loss[-1] == pytest.approx(loss, abs=1e-12)


def test_never_clearing_is_momentum_one():
    """`buffer = 1·buffer + gradient` is what `.grad` does on its own."""
    data = small()
    forgets = fit(model(), data, lr=0.1, steps=30, batch_size=5, zero_grad=False)
    rolls = fit(model(), data, lr=0.1, steps=30, batch_size=5, options={"momentum": 1.0})
    torch.testing.assert_close(weights(forgets), weights(rolls), atol=1e-12, rtol=0)
    assert not np.allclose(weights(forgets), weights(fit(model(), data, lr=0.1, steps=30)))


def test_a_scheduler_is_stepped_after_each_step():
    data = small()
    schedule = partial(StepLR, step_size=2, gamma=0.1)
    history = fit(model(), data, lr=0.5, steps=5, scheduler=schedule)
    _, expected = by_hand(data, rates=[0.5, 0.5, 0.05, 0.05, 0.005])
    torch.testing.assert_close(weights(history), expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        ("adam", {"betas": (0.8, 0.9)}),
        (torch.optim.Adam, {"betas": (0.8, 0.9)}),
        (partial(torch.optim.Adam, betas=(0.8, 0.9)), None),
    ],
    ids=["name", "class", "function"],
)
def test_adam_by_name_by_class_and_by_function(optimizer, options):
    data, net = small(), model()
    history = fit(model(), data, lr=0.01, steps=20, optimizer=optimizer, options=options)
    reference = torch.optim.Adam(net.parameters(), lr=0.01, betas=(0.8, 0.9), foreach=False)
    for _ in range(20):
        reference.zero_grad()
        nn.functional.cross_entropy(net(data.train.x), data.train.y).backward()
        reference.step()
    expected = torch.cat([p.detach().flatten() for p in net.parameters()])
    torch.testing.assert_close(weights(history), expected, atol=1e-10, rtol=0)


def test_an_epoch_is_a_permutation_without_the_last_short_batch():
    drawn = batches([torch.zeros(10)], 3, [7, 8])
    epochs = [torch.stack([next(drawn) for _ in range(3)], 1).flatten(1) for _ in range(2)]
    for epoch in epochs:
        assert epoch.shape == (2, 9)
        assert [len(set(order.tolist())) for order in epoch] == [9, 9]
    orders = {tuple(order.tolist()) for epoch in epochs for order in epoch}
    assert len(orders) == 4  # another one each time, and for each seed
    alone = batches([torch.zeros(10)], 3, [8])
    assert torch.equal(next(alone)[0], epochs[0][1, :3])


@pytest.mark.parametrize(
    ("lengths", "steps"),
    [
        ({"steps": 7}, [7]),
        ({"steps": 7, "evaluate_every": 3}, [0, 3, 6, 7]),
        ({"steps": 6, "evaluate_every": 3}, [0, 3, 6]),
        ({"epochs": 2, "batch_size": 6}, [0, 3, 6]),
        ({"epochs": 2}, [0, 1, 2]),
        ({"epochs": 2, "batch_size": 10, "evaluate_every": 4}, [0, 4]),
    ],
    ids=["end", "every", "every, even", "epochs", "full batch", "epochs, every"],
)
def test_when_it_is_evaluated(lengths, steps):
    history = fit(model(), small(), lr=0.1, **lengths)
    assert history.steps.tolist() == steps
    assert history.test.loss.shape == history.train.accuracy.shape == (len(steps),)
    assert history.batch_loss.shape == (steps[-1],)


def test_evaluation_measures_the_three_parts_before_and_after():
    data, net = small(), model()
    history = fit(net, data, lr=0.5, steps=4, evaluate_every=4)
    for part in ("train", "validation", "test"):
        x, y = getattr(data, part)
        for when, at in ((model(), 0), (net, -1)):
            p = torch.softmax(when(x), 1).detach()
            curve = history.curves[part]
            assert curve.loss[at] == pytest.approx(-p[torch.arange(len(y)), y].log().mean().item())
            assert curve.accuracy[at] == (p.argmax(1) == y).double().mean()
    assert history.batch_loss[0] == pytest.approx(history.train.loss[0])
    assert history.accuracy == history.test.accuracy[-1]


def test_only_the_parts_asked_for_are_evaluated():
    history = fit(model(), small(), lr=0.1, steps=1, parts=["validation"])
    assert list(history.curves) == ["validation"]


def test_values_that_are_not_finite_are_kept_and_counted():
    history = fit(model(), small(), lr=1e300, steps=5, evaluate_every=5)
    finite = np.isfinite(history.batch_loss)
    assert finite.tolist() == [True, *[False] * 4]
    assert history.non_finite == 4 + 3  # and the last evaluation of the three parts
    assert history.diverged
    assert history.failed
    assert history.accuracy == 0.5  # chance, with two classes


def test_a_finite_run_below_one_half_failed_without_diverging():
    flipped = small()
    worse = Dataset(flipped.train, flipped.validation, Examples(flipped.test.x, 1 - flipped.test.y))
    history, other = (fit(model(), d, lr=0.5, steps=9) for d in (flipped, worse))
    assert history.accuracy == 1 - other.accuracy != 0.5
    assert [history.failed, other.failed].count(True) == 1
    assert not history.diverged
    assert not other.diverged


def test_a_loss_of_ones_own():
    data, net = small(), model()

    def squared(outputs, labels):
        return ((outputs - nn.functional.one_hot(labels, 2)) ** 2).sum(1)

    history = fit(net, data, lr=0.1, steps=3, loss=squared)
    expected = squared(net(data.test.x), data.test.y).mean().item()
    assert history.test.loss[-1] == pytest.approx(expected)


def test_dropout_draws_from_the_seed_and_rests_while_measuring():
    def run(seed):
        net = nn.Sequential(model()[0], nn.Dropout(0.5), model()[2])
        return net, fit(net, small(), lr=0.1, steps=5, seed=seed)

    before = torch.get_rng_state()
    (net, first), (_, same), (_, other) = run(1), run(1), run(2)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(weights(first), weights(same))
    assert not torch.equal(weights(first), weights(other))
    assert not net.training
    outputs = net(small().test.x)
    assert first.test.loss[-1] == pytest.approx(
        nn.functional.cross_entropy(outputs, small().test.y).item()
    )


def test_the_history_gives_the_trained_model_back():
    net = model()
    history = fit(net, small(), lr=0.1, steps=3)
    x = small().test.x
    assert torch.equal(history.model()(x), net(x))


@pytest.mark.parametrize(("watched", "bar"), [(True, True), (False, False)])
def test_progress_shows_when_it_is_long_and_someone_watches(monkeypatch, watched, bar):
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: watched)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr("dlfaq.training.plan._SHOWN_AFTER_S", 0)
    fit(model(), small(), lr=0.1, steps=3)
    assert ("/3 [" in stream.getvalue()) == bar


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"lr": 0}, r"rate that is finite and above 0; got 0; start with"),
        ({"lr": -0.1}, "above 0; got -0.1"),
        ({"lr": float("nan")}, "above 0; got nan"),
        ({"steps": None}, "either steps or epochs; got steps=None, epochs=None"),
        ({"epochs": 2}, "either steps or epochs; got steps=5, epochs=2"),
        ({"steps": 0}, "steps, a whole number from 1; got 0"),
        ({"steps": 2.5}, "steps, a whole number from 1; got 2.5"),
        ({"batch_size": 21}, "at most the 20 training examples; got batch_size=21; lower it"),
        ({"batch_size": 0}, "batch_size, a whole number from 1; got 0"),
        ({"evaluate_every": -1}, "evaluate_every, a whole number from 1; got -1"),
        ({"parts": ["tset"]}, "parts among train, validation, test; got 'tset'"),
        ({"stesp": 3}, "training arguments among average, .*; got 'stesp'; did you mean 'steps'"),
        ({"sizes": [3, 2]}, "training arguments among average, .*; got 'sizes'; correct its name"),
        ({"order": "random"}, "an order among shuffled, fixed, by class, .*; got 'random'"),
        ({"order": "fixed"}, "a batch_size beside an order; got order='fixed' and batches of all"),
        ({"clip": 0}, "clip, a norm, finite and above 0; got 0; correct it, or leave it out"),
        ({"clip": float("inf")}, "clip, a norm, finite and above 0; got inf"),
        ({"clip": True}, "clip, a norm, finite and above 0; got True"),
        ({"clip": "1"}, "clip, a norm, finite and above 0; got '1'"),
        ({"average": 0.0}, r"average, a share of the steps, above 0 and at most 1; got 0\.0"),
        ({"average": 25}, "average, a share of the steps, .*; got 25"),
        ({"parts": []}, "parts among train, validation, test; got none"),
        ({"optimizer": "sdg"}, "an optimizer among adadelta.*; got 'sdg'"),
        ({"options": {"momentun": 0.9}}, "options that SGD takes; got .*momentun"),
        ({"options": {"momentum": -1.0}}, "options that SGD takes; got .*Invalid momentum"),
        ({"model": mlp([5, 2])}, r"inputs of shape \(n, 3\)"),
        ({"model": mlp([3, 2])}, r"takes torch\.float64 inputs.*data\.to\(dtype\) converts"),
        ({"model": mlp([3, 1], dtype=torch.float64)}, "got .* label 1; give the model 2 outputs"),
        (
            {"model": nn.Sequential(nn.Linear(3, 2, dtype=torch.float64), nn.Flatten(0))},
            r"number of outputs.*got outputs of shape",
        ),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_wrong_arguments_are_refused(changed, message):
    arguments = {"model": model(), "data": small(), "lr": 0.1, "steps": 5, **changed}
    with pytest.raises(InputError, match=message):
        fit(**arguments)


def test_a_part_that_was_not_evaluated_is_named():
    history = fit(model(), small(), lr=0.1, steps=1, parts=["validation", "train"])
    for asked in (lambda: history.test, lambda: history.accuracy):
        with pytest.raises(InputError, match="validation or train; got 'test'; add it to parts="):
            asked()


class TestOrder:
    labels = torch.tensor([2, 0, 1, 0, 2, 1, 0, 0, 2, 0])  # five of class 0, two of 1, three of 2

    def epochs(self, order, seed=7):
        drawn = batches([self.labels], 5, [seed], order)
        return [[*next(drawn)[0].tolist(), *next(drawn)[0].tolist()] for _ in range(2)]

    @pytest.mark.parametrize("order", ["fixed", "by class", "round-robin"])
    def test_all_but_shuffled_are_one_permutation_again_and_again(self, order):
        first, second = self.epochs(order)
        assert first == second
        assert sorted(first) == [*range(10)]
        assert self.epochs(order, seed=8)[0] != first

    def test_fixed_is_the_first_epoch_of_shuffled(self):
        first, second = self.epochs("shuffled")
        assert first != second
        assert self.epochs("fixed") == [first, first]

    @pytest.mark.parametrize(
        ("order", "expected"),
        [
            ("by class", [0, 0, 0, 0, 0, 1, 1, 2, 2, 2]),
            ("round-robin", [0, 1, 2, 0, 1, 2, 0, 2, 0, 0]),
        ],
    )
    def test_classes_stand_as_the_order_says_and_shuffled_within(self, order, expected):
        first, _ = self.epochs(order)
        assert self.labels[first].tolist() == expected
        of_class = [[i for i in first if self.labels[i] == label] for label in (0, 2)]
        assert of_class != [sorted(members) for members in of_class]

    def test_each_replica_follows_its_own_labels(self):
        others = self.labels.flip(0)
        drawn = batches([self.labels, others], 10, [7, 8], "by class")
        for indices, labels in zip(next(drawn), (self.labels, others), strict=True):
            assert labels[indices].tolist() == [0] * 5 + [1] * 2 + [2] * 3


def test_clipping_is_that_of_pytorch():
    data, net = small(), model()
    history = fit(model(), data, lr=0.5, steps=9, clip=0.3)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    norms = []
    for _ in range(9):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(data.train.x), data.train.y).backward()
        norms.append(nn.utils.clip_grad_norm_(net.parameters(), 0.3))
        optimizer.step()
    assert min(norms) < 0.3 < max(norms)  # some are scaled and others are left
    expected = torch.cat([p.detach().flatten() for p in net.parameters()])
    torch.testing.assert_close(weights(history), expected, atol=1e-12, rtol=0)


def test_the_mean_weights_of_the_last_steps_are_returned_and_evaluated():
    data, net = small(), model()
    settings = {"lr": 0.3, "batch_size": 5}
    history = fit(net, data, steps=8, average=0.25, evaluate_every=4, **settings)
    along = [fit(model(), data, steps=steps, **settings) for steps in (7, 8)]
    mean = (weights(along[0]) + weights(along[1])) / 2
    torch.testing.assert_close(weights(history), mean, atol=1e-12, rtol=0)
    torch.testing.assert_close(
        torch.cat([p.detach().flatten() for p in net.parameters()]), mean, atol=1e-12, rtol=0
    )
    loss = nn.functional.cross_entropy(net(data.test.x), data.test.y).item()
    assert history.test.loss[-1] == pytest.approx(loss)
    # On the way it is measured as it is, and the steps are those without an average.
    halfway = fit(model(), data, steps=4, **settings)
    assert history.test.loss[1] == halfway.test.loss[-1]
    assert history.batch_loss.tolist() == along[1].batch_loss.tolist()


def test_batch_norm_of_mean_weights_has_the_statistics_of_the_training_part():
    data = small()
    first = model()[0]
    net = nn.Sequential(first, nn.BatchNorm1d(4, dtype=torch.float64), nn.Dropout(), model()[2])
    history = fit(net, data, lr=0.3, steps=8, batch_size=5, average=0.5)
    hidden = first(data.train.x)
    torch.testing.assert_close(history.weights["1.running_mean"], hidden.mean(0))
    torch.testing.assert_close(history.weights["1.running_var"], hidden.var(0))
    assert net[1].momentum == 0.1


class Silent(nn.Module):
    """Raises an exception that says nothing."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, _):
        raise RuntimeError


def test_an_exception_without_a_message_is_named_by_its_type():
    with pytest.raises(InputError, match="got RuntimeError; match the model's first size"):
        fit(Silent(), small(), lr=0.1, steps=1)


def test_digits_are_learned():
    history = fit(mlp([64, 32, 10], seed=0), digits(seed=0), lr=0.3, epochs=10, batch_size=50)
    assert history.accuracy > 0.93
    assert history.test.accuracy[0] < 0.3


def test_a_model_that_changes_its_inputs_is_refused_before_it_does():
    data = small()
    before = data.train.x.clone(), data.test.x.clone()
    first = nn.Sequential(nn.LeakyReLU(inplace=True), *model())
    with pytest.raises(InputError, match=r"leaves its inputs as they are.*inplace=True out of"):
        fit(first, data, lr=0.1, steps=5, seed=0)
    assert torch.equal(data.train.x, before[0])
    assert torch.equal(data.test.x, before[1])


def test_a_run_says_what_it_is_in_a_line():
    data = small()
    history = fit(model(), data, lr=0.1, steps=5, seed=0)
    assert repr(history) == (
        f"one run of 5 steps, one by one; test accuracy {history.accuracy:.3g}"
    )
    many = fit_many(data, model=model, lr=[0.1, 0.2, 0.3], steps=5, seeds=[0, 1])
    assert repr(many).startswith("3 rates × 2 replicas of 5 steps, stacked; mean test accuracy 0.")
