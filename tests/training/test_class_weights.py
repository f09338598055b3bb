"""Class weights are those of `nn.CrossEntropyLoss(weight=…)`, alone, stacked and balanced."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dlfaq import Dataset, Examples, fit, fit_many, mlp
from dlfaq.errors import InputError
from dlfaq.training.batches import batches

SIZES = [3, 5, 3]
WEIGHTS = [0.2, 1.0, 4.0]


def uneven(seed):
    """Classes of unlike size, which differ from seed to seed."""
    g = torch.Generator().manual_seed(seed)
    parts = []
    for n in (30, 12, 9):
        x = torch.randn(n, 3, generator=g, dtype=torch.float64)
        parts.append(Examples(x, (x[:, 0] > 0.3).long() + (x[:, 0] > 1).long()))
    return Dataset(*parts)


def by_pytorch(data, weights, *, seed, batch_size, rate=0.1, steps=20):
    """The loop written out, with PyTorch's own weighted mean; the model and its batch losses."""
    net = mlp(SIZES, seed=seed, dtype=torch.float64)
    criterion = nn.CrossEntropyLoss(weight=weights)
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    order = batches([data.train.y], batch_size, [seed])
    losses = []
    for _ in range(steps):
        batch = next(order)[0]
        optimizer.zero_grad()
        loss = criterion(net(data.train.x[batch]), data.train.y[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return net, losses, criterion


def balanced(y):
    """As scikit-learn has it: n / (classes · count)."""
    return torch.tensor([len(y) / (3 * int((y == label).sum())) for label in range(3)]).double()


@pytest.mark.parametrize("chosen", [WEIGHTS, "balanced"], ids=["listed", "balanced"])
@pytest.mark.parametrize("shared", [False, True], ids=["own data", "shared data"])
@pytest.mark.parametrize("together", [False, True], ids=["alone", "stacked"])
def test_training_is_that_with_the_weighted_mean_of_pytorch(chosen, shared, together):
    seeds, rates = [4, 9], [0.1, 0.02]
    settings = {
        "optimizer": "adam",
        "steps": 20,
        "batch_size": 7,
        "class_weights": chosen,
    }
    data = uneven(4) if shared else uneven
    if together:
        run = fit_many(data, sizes=SIZES, seeds=seeds, lr=rates, **settings)
        assert run.how == "stacked"
    for k, rate in enumerate(rates):
        for i, seed in enumerate(seeds):
            own = uneven(4) if shared else uneven(seed)
            y = own.train.y
            weights = (
                torch.tensor(WEIGHTS, dtype=torch.float64) if chosen == WEIGHTS else balanced(y)
            )
            net, losses, criterion = by_pytorch(own, weights, seed=seed, batch_size=7, rate=rate)
            if together:
                index = (k, i)
            else:
                start = mlp(SIZES, seed=seed, dtype=torch.float64)
                run, index = fit(start, own, lr=rate, seed=seed, **settings), ()
            for name, value in net.state_dict().items():
                torch.testing.assert_close(run.weights[name][index], value, atol=1e-12, rtol=0)
            assert run.batch_loss[index].tolist() == pytest.approx(losses, abs=1e-12)
            for part in ("train", "test"):
                x, labels = getattr(own, part)
                expected = criterion(net(x), labels).item()
                got = run.curves[part].loss[index][..., -1]
                assert got == pytest.approx(expected, abs=1e-12)


def test_weights_matter_for_a_module_of_ones_own_too():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(3, 3, dtype=torch.float64)

        def forward(self, x):
            return self.inner(x)

    settings = {"lr": 0.1, "steps": 20, "batch_size": 2, "class_weights": "balanced"}
    run = fit_many(uneven, model=lambda seed: Own(), seeds=[4, 9], **settings)  # noqa: ARG005
    assert run.how == "stacked"
    for i, seed in enumerate([4, 9]):
        again = nn.CrossEntropyLoss(weight=balanced(uneven(seed).train.y))
        x, y = uneven(seed).test
        expected = again(run.model(i)(x), y).item()
        assert run.test.loss[i, -1] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"class_weights": [1.0, 2.0]}, "weight for each of the model's 3 outputs; got 2"),
        ({"class_weights": [1.0, -2.0, 1.0]}, r"a number from 0 .*; got \[1.0, -2.0"),
        ({"class_weights": [0.0, 0.0, 0.0]}, r"a number from 0 for each class.*; got \[0.0"),
        ({"class_weights": "balance"}, 'or "balanced"; got .balance'),
        ({"class_weights": 2.0}, r"a number from 0 for each class.*; got 2\.0"),
        ({"class_weights": {0: 1.0}}, "a number from 0 for each class.*; got {0"),
        (
            {"class_weights": WEIGHTS, "loss": nn.CrossEntropyLoss(reduction="none")},
            "with cross-entropy; got a loss of one's own",
        ),
    ],
)
def test_what_are_no_weights_is_refused(training, message):
    with pytest.raises(InputError, match=message):
        fit(mlp(SIZES, dtype=torch.float64), uneven(4), lr=0.1, steps=3, **training)


def test_a_class_without_training_examples_cannot_be_balanced():
    part = Examples(torch.zeros(4, 3), torch.tensor([0, 0, 2, 2]))
    with pytest.raises(InputError, match="of each class for balanced weights; got none of class 1"):
        fit(mlp(SIZES), Dataset(part, part, part), lr=0.1, steps=1, class_weights="balanced")
