"""Whatever the layers and the optimizer: `fit_many` makes of a replica what `fit` makes of it."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn, optim
from torch.nn.functional import relu

from dlfaq import Dataset, Examples, fit, fit_many
from dlfaq.errors import InputError

SEEDS, RATES = [4, 9], [0.01, 0.002]
STEPS = 200


def signals(seed):
    g = torch.Generator().manual_seed(seed)
    parts = []
    for n in (20, 6, 8):
        x = torch.randn(n, 12, generator=g, dtype=torch.float64)
        parts.append(Examples(x, (x[:, :2].prod(1) > 0).long()))
    return Dataset(*parts)


def factory(*make):
    """Models of `seed=` from functions that make their layers, drawn from PyTorch's generator."""

    def model(*, seed):
        torch.manual_seed(seed)
        return nn.Sequential(*(layer() for layer in make)).double()

    return model


def compare_with_separate_training(model, *, how, tolerance=1e-10, lr=RATES, **options):
    options = {"optimizer": "adam", "steps": STEPS, "batch_size": 8, **options}
    with torch.random.fork_rng(devices=[]):
        together = fit_many(signals, model=model, seeds=SEEDS, lr=lr, **options)
        assert together.how.startswith(how), together.how
        for k, rate in enumerate(lr):
            for i, seed in enumerate(SEEDS):
                alone = fit(model(seed=seed), signals(seed), lr=rate, seed=seed, **options)
                assert together.weights.keys() == alone.weights.keys()
                for name, value in alone.weights.items():
                    same = together.weights[name][k, i]
                    torch.testing.assert_close(same, value, atol=tolerance, rtol=0)
                np.testing.assert_allclose(
                    together.batch_loss[k, i], alone.batch_loss, atol=tolerance
                )
                for part, curve in alone.curves.items():
                    losses = together.curves[part].loss[k, i]
                    np.testing.assert_allclose(losses, curve.loss, atol=tolerance)
                x = signals(seed).test.x
                torch.testing.assert_close(
                    together.model(k, i)(x), alone.model()(x), atol=tolerance, rtol=0
                )


def layer(kind, *args, **kwargs):
    return partial(kind, *args, **kwargs)


IMAGE = layer(nn.Unflatten, 1, (1, 3, 4))
SIGNAL = layer(nn.Unflatten, 1, (2, 6))
FIRST = layer(nn.Linear, 12, 8)
LAST = layer(nn.Linear, 8, 2)
NO_BIAS = layer(nn.Linear, 12, 8, bias=False)


class Signs(nn.Module):
    """An embedding of the signs of the inputs."""

    def __init__(self):
        super().__init__()
        self.vectors = nn.Embedding(2, 3)

    def forward(self, x):
        return self.vectors((x > 0).long()).flatten(1)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.last = nn.Linear(12, 12), nn.Linear(12, 2)

    def forward(self, x):
        return self.last(x + torch.tanh(self.inner(x)))


def tied():
    shared = nn.Linear(12, 12)
    return nn.Sequential(shared, nn.Tanh(), shared, nn.Linear(12, 2))


def tied_weight():
    first, second = nn.Linear(12, 12), nn.Linear(12, 12)
    second.weight = first.weight
    return nn.Sequential(first, nn.Tanh(), second, nn.Linear(12, 2))


def frozen():
    inner = nn.Linear(12, 8)
    inner.requires_grad_(requires_grad=False)
    return inner


def counting():
    """A buffer that is not part of state_dict."""
    module = nn.Tanh()
    module.register_buffer("scratch", torch.zeros(1), persistent=False)
    return module


STACKED = {
    "linear": [FIRST, nn.ReLU, LAST],
    "linear without biases": [layer(nn.Linear, 12, 8, bias=False), nn.Tanh, LAST],
    "linear over an axis in between": [
        SIGNAL,
        layer(nn.Linear, 6, 4),
        nn.ReLU,
        nn.Flatten,
        LAST,
    ],
    "nested, with names": [
        lambda: nn.Sequential(OrderedDict(first=FIRST(), bend=nn.GELU())),
        lambda: nn.Sequential(nn.Sequential(LAST())),
    ],
    "conv1d": [
        SIGNAL,
        layer(nn.Conv1d, 2, 4, 3, padding=1),
        nn.ReLU,
        layer(nn.MaxPool1d, 2),
        layer(nn.Conv1d, 4, 4, 2, bias=False),
        nn.Flatten,
        LAST,
    ],
    "conv1d in groups": [
        SIGNAL,
        layer(nn.Conv1d, 2, 4, 3, groups=2, stride=2, dilation=2, padding=2),
        layer(nn.AvgPool1d, 2),
        nn.Flatten,
        layer(nn.Linear, 4, 2),
    ],
    "conv1d that wraps around": [
        SIGNAL,
        layer(nn.Conv1d, 2, 2, 3, padding="same", padding_mode="circular"),
        nn.Flatten,
        layer(nn.Linear, 12, 2),
    ],
    "conv2d": [
        IMAGE,
        layer(nn.Conv2d, 1, 4, 3, padding="same"),
        nn.SiLU,
        layer(nn.AvgPool2d, (1, 2)),
        layer(nn.Conv2d, 4, 4, 2),
        nn.Flatten,
        LAST,
    ],
    "batch norm 1d": [NO_BIAS, layer(nn.BatchNorm1d, 8), nn.ReLU, LAST],
    "batch norm 2d": [
        IMAGE,
        layer(nn.Conv2d, 1, 4, 2, bias=False),
        layer(nn.BatchNorm2d, 4),
        nn.ReLU,
        nn.Flatten,
        layer(nn.Linear, 24, 2),
    ],
    "batch norm without memory": [
        layer(nn.BatchNorm1d, 12, affine=False, track_running_stats=False),
        NO_BIAS,
        layer(nn.BatchNorm1d, 8, momentum=0.3, eps=0.01),
        LAST,
    ],
    "layer norm": [FIRST, layer(nn.LayerNorm, 8), nn.ReLU, LAST],
    "group norm": [FIRST, layer(nn.GroupNorm, 2, 8), nn.ReLU, LAST],
    "learned slope": [FIRST, nn.PReLU, LAST],
    "dropout": [FIRST, nn.ReLU, layer(nn.Dropout, 0.4), LAST],
    "dropout twice": [
        layer(nn.Dropout, 0.2),
        SIGNAL,
        layer(nn.Conv1d, 2, 4, 3),
        layer(nn.Dropout, 0.5),
        nn.Flatten,
        layer(nn.Linear, 16, 2),
    ],
    "dropout of nothing": [FIRST, layer(nn.Dropout, 0.0), LAST],
    "dropout of all": [FIRST, layer(nn.Dropout, 1.0), LAST],
    "embedding": [Signs, layer(nn.Linear, 36, 2)],
    "no sequence": [Residual],
    "one activation twice": [lambda: nn.Sequential(FIRST(), *[nn.Tanh()] * 2, LAST())],
    "frozen": [frozen, nn.Tanh, LAST],
    "a buffer that is not kept": [FIRST, counting, LAST],
}


@pytest.mark.parametrize("layers", STACKED.values(), ids=STACKED)
def test_layers_stacked_are_those_of_separate_training(layers):
    compare_with_separate_training(factory(*layers), how="stacked")


@pytest.mark.parametrize(
    "options",
    [
        {"clip": 0.3},
        {"clip": 0.3, "optimizer": "sgd", "options": {"momentum": 0.9}},
        {"average": 0.25},
        {"average": 0.02, "clip": 0.3, "order": "by class"},
    ],
    ids=["clip", "clip, momentum", "average", "all"],
)
@pytest.mark.parametrize(
    "name", ["linear", "batch norm 1d", "batch norm 2d", "layer norm", "dropout", "frozen"]
)
def test_options_stacked_are_those_of_separate_training_at_several_rates(name, options):
    layers = STACKED[name]
    compare_with_separate_training(
        factory(*layers), how="stacked", tolerance=1e-12, lr=[0.1, 0.01], **{"steps": 30, **options}
    )


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.inner, self.last = kind(2, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.inner(x.unflatten(1, (6, 2)))[0][:, -1])


class Branches(nn.Module):
    """Looks at the values that go through it."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(12, 2)

    def forward(self, x):
        return self.last(x if x.mean() > 0 else -x)


class Scales(nn.Module):
    """Differs from seed to seed in what is no parameter."""

    def __init__(self, scale):
        super().__init__()
        self.scale = scale
        self.last = nn.Linear(12, 2)

    def forward(self, x):
        return self.scale * self.last(x)


class DropsInside(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.last = nn.Linear(12, 8), nn.Linear(8, 2)

    def forward(self, x):
        return self.last(nn.functional.dropout(relu(self.inner(x)), 0.3, self.training))


def partly_used():
    linear = nn.Linear(12, 2)
    linear.register_parameter("idle", nn.Parameter(torch.ones(3)))
    return linear


def hooked():
    linear = nn.Linear(12, 2)
    linear.weight.register_hook(lambda gradient: gradient / gradient.norm())
    return linear


def averaging():
    return nn.Sequential(NO_BIAS(), nn.BatchNorm1d(8, momentum=None), LAST())


LOOPED = {
    "batch norm of a running mean": (factory(averaging), "torch.func cannot map the model: "),
    "LSTM": (factory(partial(Recurrent, nn.LSTM)), "torch.func cannot map the model: "),
    "branches": (factory(Branches), "torch.func cannot map the model: vmap: "),
    "draws by itself": (factory(DropsInside), "torch.func cannot map the model: vmap: "),
    "dropout of channels": (
        factory(SIGNAL, layer(nn.Dropout1d, 0.5), nn.Flatten, layer(nn.Linear, 12, 2)),
        "torch.func cannot map the model: vmap: ",
    ),
    "a parameter that is not used": (factory(partly_used), "some parameters get no gradient"),
    "hook": (factory(hooked), "hooks of the model would"),
    "bias before batch norm": (
        factory(FIRST, layer(nn.BatchNorm1d, 8), LAST),
        "batch norm cancels the bias before it",
    ),
    "one layer twice": (factory(tied), "layers share parameters"),
    "one weight twice": (factory(tied_weight), "layers share parameters"),
}


@pytest.mark.parametrize(("model", "reason"), LOOPED.values(), ids=LOOPED)
def test_what_cannot_be_stacked_is_looped_over_and_says_why(model, reason):
    compare_with_separate_training(model, how=f"loop: {reason}", steps=20)


OPTIMIZERS = {
    "SGD": {"optimizer": "sgd"},
    "momentum": {"optimizer": "sgd", "options": {"momentum": 0.9}},
    "Nesterov and decay": {
        "optimizer": optim.SGD,
        "options": {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    },
    "Adam": {"options": {"betas": (0.8, 0.95), "weight_decay": 0.1}},
    "AMSGrad": {"options": {"amsgrad": True}},
    "AdamW": {"optimizer": "adamw", "options": {"weight_decay": 0.5}},
    "RMSprop": {"optimizer": "rmsprop", "options": {"momentum": 0.5, "centered": True}},
    "Adagrad": {"optimizer": partial(optim.Adagrad, lr_decay=0.1)},
    "Adadelta": {"optimizer": "adadelta"},
    "Adamax": {"optimizer": "adamax"},
    "NAdam": {"optimizer": optim.NAdam},
    "RAdam": {"optimizer": "radam"},
    "Rprop": {"optimizer": "rprop", "batch_size": None},
    "schedule": {"scheduler": partial(optim.lr_scheduler.CosineAnnealingLR, T_max=STEPS)},
}


@pytest.mark.parametrize("options", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_optimizers_stacked_are_those_of_separate_training(options):
    compare_with_separate_training(factory(FIRST, nn.Tanh, LAST), how="stacked", **options)


class Clipped(optim.SGD):
    """Steps of at most length 0.01 over all parameters together."""

    def step(self, closure=None):
        parameters = [p for group in self.param_groups for p in group["params"]]
        nn.utils.clip_grad_norm_(parameters, 0.01)
        return super().step(closure)


def clipped(parameters, lr):
    optimizer = optim.SGD(parameters, lr=lr)
    tensors = [p for group in optimizer.param_groups for p in group["params"]]

    def clip(*_):
        nn.utils.clip_grad_norm_(tensors, 0.01)

    optimizer.register_step_pre_hook(clip)
    return optimizer


COUPLED = {
    "norm clipped by a class": {"optimizer": Clipped},
    "norm clipped by a hook": {"optimizer": clipped},
    "part of it": {"optimizer": partial(Clipped, momentum=0.9)},
    "LBFGS": {"optimizer": optim.LBFGS, "batch_size": None, "steps": 5},
    "Adafactor": {"optimizer": optim.Adafactor},
}


@pytest.mark.parametrize("options", COUPLED.values(), ids=COUPLED)
def test_optimizers_that_couple_numbers_are_looped_over(options):
    compare_with_separate_training(
        factory(FIRST, nn.Tanh, LAST),
        how="loop: the optimizer is not known to work element by element",
        **{"steps": 20, **options},
    )


class ScalesInTraining(Scales):
    def forward(self, x):
        return super().forward(x) if self.training else self.last(x)


def partly_frozen(*, seed):
    model = factory(FIRST, nn.Tanh, LAST)(seed=seed)
    model[0].requires_grad_(seed == SEEDS[0])
    return model


UNLIKE = {
    "a constant in training": (
        lambda *, seed: factory(partial(ScalesInTraining, seed / 10))(seed=seed)
    ),
    "in what learns": partly_frozen,
    "a constant": (lambda *, seed: factory(partial(Scales, seed / 10))(seed=seed)),
    "in training": (
        lambda *, seed: factory(layer(nn.Dropout, seed / 20), layer(nn.Linear, 12, 2))(seed=seed)
    ),
    "in shape": (
        lambda *, seed: factory(layer(nn.Linear, 12, seed), layer(nn.Linear, seed, 2))(seed=seed)
    ),
}


@pytest.mark.parametrize("model", UNLIKE.values(), ids=UNLIKE)
def test_models_that_differ_in_more_than_their_weights_are_refused(model):
    with pytest.raises(InputError, match=r"values of parameters and buffers alone; got .*register"):
        fit_many(signals, model=model, seeds=SEEDS, lr=0.1, steps=1)


def test_one_model_for_all_is_refused():
    model = nn.Linear(12, 2).double()
    with pytest.raises(InputError, match=r"of its own for each seed; got one .*make a new one"):
        fit_many(signals, model=lambda seed: model, seeds=SEEDS, lr=0.1, steps=1)  # noqa: ARG005


class Moves(nn.Module):
    """Keeps a moving mean in a buffer, which it replaces instead of writing into it."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(12, 2)
        self.register_buffer("mean", torch.zeros(12))

    def forward(self, x):
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.mean(0)
        return self.last(x - self.mean)


class Counts(nn.Module):
    """Grows with its calls, which it counts in an attribute."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(12, 2)
        self.calls = 0

    def forward(self, x):
        self.calls += self.training
        return self.last(x) * (1 + 0.1 * self.calls)


class Remembers(nn.Module):
    """Has a second way to its weight, around the registered one."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(12, 2, dtype=torch.float64)
        self.again = [self.last.weight]

    def forward(self, x):
        return self.last(x) + torch.tanh(x @ self.again[0].T)


class Padded(Signs):
    def __init__(self):
        super().__init__()
        self.vectors = nn.Embedding(2, 3, padding_idx=0)


class Transposed(nn.Module):
    def forward(self, x):
        return x.transpose(1, 2)


class NoisyByNumPy(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(12, 2)

    def forward(self, x):
        noise = np.random.standard_normal(12) if self.training else np.zeros(12)  # noqa: NPY002
        return self.last(x + torch.from_numpy(noise))


def tied_memory():
    first, second = (nn.Linear(*sizes, dtype=torch.float64) for sizes in ((12, 5), (5, 12)))
    second.weight.data = first.weight.data.T
    return nn.Sequential(first, nn.Tanh(), second, nn.Linear(12, 2))


SILENT = {
    "a buffer replaced": (factory(Moves), "torch.func cannot map the model: it puts another"),
    "a weight in a list": (factory(Remembers), "models differ in their attribute 0.again"),
    "padding": (factory(Padded, layer(nn.Linear, 36, 2)), "in a trial of 2 steps"),
    "dropout of another memory order": (
        factory(SIGNAL, Transposed, layer(nn.Dropout, 0.5), nn.Flatten, layer(nn.Linear, 12, 2)),
        "in a trial of 2 steps",
    ),
    "memory shared": (factory(tied_memory), "layers share parameters"),
    "a bias taken away by an instance norm": (
        factory(
            SIGNAL,
            layer(nn.Conv1d, 2, 2, 3, padding=1),
            layer(nn.InstanceNorm1d, 2),
            nn.Flatten,
            layer(nn.Linear, 12, 2),
        ),
        "gradients of 1.bias are only rounding",
    ),
    "a bias taken away further on": (
        factory(FIRST, nn.Identity, layer(nn.BatchNorm1d, 8), LAST),
        "gradients of 0.bias are only rounding",
    ),
}


@pytest.mark.parametrize(("model", "reason"), SILENT.values(), ids=SILENT)
def test_what_torch_func_maps_to_something_else_in_silence_is_looped_over(model, reason):
    compare_with_separate_training(model, how=f"loop: {reason}", steps=20)


def test_a_model_that_counts_its_calls_has_made_none_before_training():
    compare_with_separate_training(factory(Counts), how="stacked", steps=20)


def test_replicas_do_not_share_what_numpy_draws():
    run = fit_many(signals, model=factory(NoisyByNumPy), seeds=SEEDS, lr=0.1, steps=2)
    assert run.how == "loop: replicas would share what Python or NumPy draw"


def test_lazy_layers_draw_from_the_seed_of_their_replica():
    def weights():
        model = factory(layer(nn.LazyLinear, 2))
        return fit_many(signals, model=model, seeds=SEEDS, lr=0.1, steps=1).weights["0.weight"]

    drawn = weights()
    assert torch.equal(drawn, weights())
    assert not torch.equal(drawn[0], drawn[1])


def test_an_operator_without_a_batching_rule_warns_of_nothing(recwarn):
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.GRUCell(12, 2)

        def forward(self, x):
            return self.inner(x)

    compare_with_separate_training(factory(Cell), how="stacked", steps=3)
    assert not [str(warning.message) for warning in recwarn]


def losses(outputs, y):
    return nn.functional.cross_entropy(outputs, y, reduction="none")


LOSSES = {
    "sum": (partial(nn.functional.cross_entropy, reduction="sum"), "stacked"),
    "weighted mean": (nn.CrossEntropyLoss(weight=torch.tensor([0.2, 0.8]).double()), "stacked"),
    "relative to the batch": (lambda o, y: losses(o, y) / losses(o, y).detach().mean(), "stacked"),
    "the harder half": (
        lambda o, y: losses(o, y) * (losses(o, y) >= losses(o, y).median()),
        "stacked",
    ),
    "mixed up": (lambda o, y: losses(o, y[torch.randperm(len(y))]), "loop: torch.func cannot map"),
    "branches": (
        lambda o, y: losses(o, y) * (2 if losses(o, y).mean() > 0.7 else 1),
        "loop: torch.func cannot map",
    ),
}


@pytest.mark.parametrize(("loss", "how"), LOSSES.values(), ids=LOSSES)
def test_a_loss_sees_the_batch_of_one_replica(loss, how):
    compare_with_separate_training(factory(FIRST, nn.Tanh, LAST), how=how, loss=loss, steps=20)


def test_a_scheduler_for_one_rate_is_stacked_at_several():
    scheduler = partial(optim.lr_scheduler.LambdaLR, lr_lambda=[lambda t: 1 / (1 + t)])
    compare_with_separate_training(
        factory(FIRST, nn.Tanh, LAST), how="stacked", scheduler=scheduler, steps=20
    )
