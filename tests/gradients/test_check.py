"""Gradient checks: right gradients pass, each planted bug is found and its place named."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd import Function
from torch.nn.functional import cross_entropy

from dlfaq import check_gradients, mlp
from dlfaq.errors import InputError


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


def loss(output):
    return cross_entropy(output, LABELS)


def differentiable(*shape, seed=0):
    return normal(*shape, seed=seed).requires_grad_()


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


class HalfSquare(Function):
    """x², whose backward forgets the factor 2."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * x


class Transposed(Function):
    """xWᵀ, whose backward for x multiplies by Wᵀ instead of W. In the newer style, no context."""

    @staticmethod
    def forward(x, weight):
        return x @ weight.T

    @staticmethod
    def setup_context(ctx, inputs, output):  # noqa: ARG004  (called by name)
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, gradient):
        x, weight = ctx.saved_tensors
        return gradient @ weight.T, gradient.T @ x


class TransposedGradient(Function):
    """xWᵀ, whose gradient for W is the transpose of what it should be."""

    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return x @ weight.T

    @staticmethod
    def backward(ctx, gradient):
        x, weight = ctx.saved_tensors
        return gradient @ weight, x.T @ gradient


class SoftmaxWithoutSum(Function):
    """Softmax, whose backward forgets the term of the sum: p·g instead of p·(g − Σpg)."""

    @staticmethod
    def forward(ctx, logits):
        p = logits.softmax(1)
        ctx.save_for_backward(p)
        return p

    @staticmethod
    def backward(ctx, gradient):
        (p,) = ctx.saved_tensors
        return p * gradient


class Negated(Function):
    """tanh, whose backward has the wrong sign."""

    @staticmethod
    def forward(ctx, x):
        y = x.tanh()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, gradient):
        (y,) = ctx.saved_tensors
        return -gradient * (1 - y**2)


class Apply(nn.Module):
    """A custom function as a layer, with a square weight if it takes one."""

    def __init__(self, function, size=None):
        super().__init__()
        self.function = function
        self.weight = None if size is None else nn.Parameter(normal(size, size, seed=7))

    def forward(self, x):
        return self.function(x) if self.weight is None else self.function(x, self.weight)


class Detached(nn.Module):
    """x·σ(x) written with the second factor cut from the graph: a forgotten term, no function."""

    def forward(self, x):
        return x * torch.sigmoid(x).detach()


def chain(layer):
    """Linear, tanh, the layer under test, tanh, linear."""
    return nn.Sequential(
        nn.Linear(5, 4), nn.Tanh(), layer, nn.Tanh(), nn.Linear(4, 3)
    ).double()  # fmt: skip


MODELS = {
    "tanh": lambda: mlp([5, 4, 3], activation="tanh", dtype=torch.float64),
    "ReLU": lambda: mlp([5, 8, 8, 3], init="he", dtype=torch.float64),
    "batch norm in train mode": lambda: nn.Sequential(
        nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Sigmoid(), nn.Linear(4, 3)
    ),
    "convolution, in place, pooling": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 5)), nn.Conv1d(1, 2, 3), nn.ReLU(inplace=True),
        nn.MaxPool1d(2), nn.Flatten(), nn.Linear(2, 3),
    ),
}  # fmt: skip


@pytest.mark.parametrize("build", MODELS.values(), ids=MODELS)
def test_right_gradients_agree(build):
    model = build().double()
    report = check_gradients(model, normal(6, 5), loss=loss)
    assert report.ok, report
    assert [row.name for row in report.rows] == [name for name, _ in model.named_parameters()]
    assert max(row.relative_error for row in report.rows) < 1e-7


def test_both_numbers_are_the_derivative_in_closed_form():
    x = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True)
    report = check_gradients(lambda x: x.exp().sum() + (x**3).sum(), x)
    (row,) = report.rows
    at = x[row.index].item()
    expected = np.exp(at) + 3 * at**2
    assert row.analytic == pytest.approx(expected, rel=1e-12)
    assert row.numeric == pytest.approx(expected, rel=1e-8)
    assert (row.name, row.shape, row.checked, row.entries) == ("x", (3,), 3, 3)
    assert (row.step, row.dtype, row.verdict) == (1e-6, "float64", "agrees")


def test_a_step_far_from_zero_is_measured_after_rounding():
    x = torch.tensor([1e6 + 0.3, -1e6], dtype=torch.float64, requires_grad=True)
    report = check_gradients(lambda x: (x.abs() - 1e6).sin().sum(), x)
    assert report.ok, report  # the spacing of numbers there is 10⁻⁴ of the step


# The bug: the layer, the wrong argument, what is said of it, and the parameters before it.
PLANTED = {
    "missing factor": (Apply(HalfSquare.apply), "HalfSquare", "x", "is 0.5 times what"),
    "transposed weight": (Apply(Transposed.apply, 4), "Transposed", "x", "where its transpose"),
    "transposed gradient": (
        Apply(TransposedGradient.apply, 4), "TransposedGradient", "weight", "is transposed",
    ),
    "forgotten term": (Apply(SoftmaxWithoutSum.apply), "SoftmaxWithoutSum", "logits", "most at"),
    "wrong sign": (Apply(Negated.apply), "Negated", "x", "has the wrong sign"),
    "detached": (Detached(), "Detached", "x", "most at"),
}  # fmt: skip


@pytest.mark.parametrize(("layer", "code", "argument", "kind"), PLANTED.values(), ids=PLANTED)
def test_a_planted_bug_is_found_and_its_place_named(layer, code, argument, kind):
    report = check_gradients(chain(layer), normal(6, 5), loss=loss)
    assert not report.ok
    (place,) = report.places
    assert (place.code, place.path, place.layer) == (code, "2", type(layer).__name__)
    assert [row.name for row in place.rows if row.verdict == "wrong"] == [argument]
    assert kind in str(place)
    assert str(place) in str(report)
    # What comes after it is right, and only what comes before it suffers.
    assert {report["4.weight"].verdict, report["4.bias"].verdict} == {"agrees"}
    upstream = "2.weight" if argument == "weight" else "0.weight"
    assert report[upstream].verdict == "wrong"


@pytest.mark.parametrize(("layer", "code", "argument", "kind"), PLANTED.values(), ids=PLANTED)
def test_the_same_layer_with_pytorch_doing_backward_passes(layer, code, argument, kind):
    """The planted bugs are in the backward, not in what the functions compute."""
    right = {
        "HalfSquare": lambda x: x * x,
        "Transposed": lambda x: x @ layer.weight.T,
        "TransposedGradient": lambda x: x @ layer.weight.T,
        "SoftmaxWithoutSum": lambda x: x.softmax(1),
        "Negated": torch.tanh,
        "Detached": lambda x: x * torch.sigmoid(x),
    }[code]
    x = normal(6, 4)
    assert torch.equal(right(x), layer(x))
    assert check_gradients(right, x.requires_grad_()).ok


def test_two_bugs_are_named_from_the_output_on():
    model = nn.Sequential(
        nn.Linear(5, 4), Apply(HalfSquare.apply), nn.Linear(4, 4), Apply(Negated.apply)
    ).double()  # fmt: skip
    report = check_gradients(model, normal(6, 5))
    assert [(place.code, place.path) for place in report.places] == [
        ("Negated", "3"),
        ("HalfSquare", "1"),
    ]


def test_a_bug_in_a_block_is_not_blamed_on_what_contains_it():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(4, 4), Apply(HalfSquare.apply))

        def forward(self, x):
            return x + self.inner(x)

    report = check_gradients(chain(Block()), normal(6, 5), loss=loss)
    assert [(place.code, place.path) for place in report.places] == [("HalfSquare", "2.inner.1")]


def test_an_error_between_the_layers_is_the_containers():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 4)

        def forward(self, x):
            return x.detach() + self.linear(x)

    report = check_gradients(chain(Residual()), normal(6, 5), loss=loss)
    assert [(place.code, place.path) for place in report.places] == [("Residual", "2")]


def test_an_error_in_the_loss_is_none_of_the_layers():
    model = mlp([5, 4, 3], activation="tanh", dtype=torch.float64)
    report = check_gradients(
        model, normal(6, 5), loss=lambda z: (z * z.detach()).sum()
    )  # the gradient of z² with a factor forgotten
    assert not report.ok
    assert report.places == ()
    assert "look at the loss" in str(report)
    assert "is 0.5 times what it should be" in str(report)


def test_a_bug_that_is_multiplied_by_zero_here_is_found():
    """At a zero last layer every gradient before it is 0, right or wrong."""
    model = chain(Apply(HalfSquare.apply))
    nn.init.zeros_(model[4].weight)
    report = check_gradients(model, normal(6, 5), loss=loss)
    assert {row.verdict for row in report.rows} == {"agrees"}
    assert not report.ok
    assert [place.code for place in report.places] == ["HalfSquare"]


class OneWrongEntry(Function):
    """Σw², whose gradient is off in a single entry."""

    entry = 3003

    @staticmethod
    def forward(ctx, w):
        ctx.save_for_backward(w)
        return (w**2).sum()

    @staticmethod
    def backward(ctx, gradient):
        (w,) = ctx.saved_tensors
        wrong = 2 * gradient * w
        wrong.view(-1)[OneWrongEntry.entry] += 0.01
        return wrong


def test_one_wrong_entry_of_4096_is_found_though_only_ten_are_compared():
    report = check_gradients(OneWrongEntry.apply, differentiable(64, 64), entries=10)
    (row,) = report.rows
    assert (row.verdict, row.index) == ("wrong", divmod(OneWrongEntry.entry, 64))
    assert row.analytic - row.numeric == pytest.approx(0.01, rel=1e-4)
    assert (row.checked, row.entries) == (11, 4096)


def test_of_a_large_parameter_the_same_entries_are_compared_each_time():
    reports = [
        check_gradients(lambda w: w.exp().sum(), differentiable(64, 64), entries=20)
        for _ in range(2)
    ]
    assert reports[0] == reports[1]
    assert "20 of 4,096 entries one by one" in str(reports[0])
    assert reports[0].ok


# Kinks: the function, the point, and what the report calls them.
KINKS = {
    "ReLU": (lambda x: x.relu().sum(), [1.0, 0.0, -1.0], "relu, element 1"),
    "hinge": (lambda x: (1 - x).clamp(min=0).sum(), [0.3, 1.0], "clamp, element 1"),
    "clamp": (lambda x: x.clamp(-1, 1).sum(), [0.3, 1.0], "clamp, element 1"),
    "a tie of a maximum": (lambda x: x.max(0).values, [2.0, 2.0, 1.0], "max"),
    "where": (lambda x: torch.where(x > 0, 2 * x, x).sum(), [0.0, 1.0], "gt, element 0"),
    "within the step": (lambda x: x.relu().sum(), [1.0, 4e-7], "relu, element 1"),
}


@pytest.mark.parametrize(("function", "point", "named"), KINKS.values(), ids=KINKS)
def test_a_kink_is_named_and_is_no_error(function, point, named):
    x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
    report = check_gradients(function, x)
    assert report["x"].verdict == "kink"
    assert report["x"].relative_error > 0.1
    assert report.ok, report
    assert [kink.startswith(named) for kink in report.kinks] == [True]


@pytest.mark.parametrize("function", [torch.abs, lambda x: torch.maximum(x[0], x[1])])
def test_at_a_kink_the_mean_of_both_slopes_is_the_central_difference(function):
    assert check_gradients(function, torch.zeros(2).double().requires_grad_()).rows[0].verdict == (
        "agrees"
    )


def test_a_kink_in_a_model_is_named_by_layer_example_and_unit():
    model = mlp([5, 4, 3], dtype=torch.float64)
    nn.init.zeros_(model[0].bias)
    x = normal(6, 5)
    x[3] = 0
    report = check_gradients(model, x, loss=loss)
    assert report.ok, report
    assert report["0.bias"].verdict == "kink"
    units = [report.kinks[0] == f"ReLU at '1', example 3, unit {j}" for j in range(4)]
    assert sum(units) == 1
    assert "3 of 4 gradients agree." in str(report)
    assert {row.verdict for row in report.rows if row.name != "0.bias"} == {"agrees"}


class WrongLeft(Function):
    """A leaky ReLU, x or x/10, whose backward is wrong on the left side only."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x > 0, x, x / 10)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * torch.where(x > 0, 1.0, 0.3)


class HalfReLU(Function):
    """ReLU, whose backward forgets a factor: at 0 its 0.7 lies between the slopes 0 and 1."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.relu()

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 0.7 * gradient * (x >= 0)


class OutsideAtZero(Function):
    """ReLU, whose backward is right but at 0, where it is 3: no slope of either side."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.relu()

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * torch.where(x == 0, 3.0, (x > 0).to(x))


@pytest.mark.parametrize(
    "function",
    [WrongLeft.apply, HalfReLU.apply, OutsideAtZero.apply],
    ids=["wrong on one side", "between the slopes", "outside the slopes"],
)
def test_a_wrong_backward_does_not_hide_behind_a_kink(function):
    x = torch.zeros(1, dtype=torch.float64, requires_grad=True)  # nothing but the kink to see
    report = check_gradients(function, x)
    assert report["x"].verdict == "wrong"
    assert not report.ok


def by_hand(bias=0.0):
    """A linear layer under cross-entropy in NumPy, and its gradients from the lecture."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 5)), LABELS.numpy()
    parameters = {"w": rng.normal(size=(5, 3)), "b": np.full(3, bias)}

    def loss():
        z = x @ parameters["w"] + parameters["b"]
        z = z - z.max(1, keepdims=True)
        return float((np.log(np.exp(z).sum(1)) - z[range(6), y]).mean())

    z = x @ parameters["w"] + parameters["b"]
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    delta = (p - np.eye(3)[y]) / 6
    return loss, parameters, {"w": x.T @ delta, "b": delta.sum(0)}


def test_gradients_by_hand_in_numpy():
    loss, parameters, gradients = by_hand()
    before = {name: array.copy() for name, array in parameters.items()}
    report = check_gradients(loss, parameters=parameters, gradients=gradients)
    assert report.ok, report
    assert report.source == "given"
    assert all((parameters[name] == before[name]).all() for name in before)
    gradients["b"] *= 6  # the mean forgotten
    report = check_gradients(loss, parameters=parameters, gradients=gradients)
    assert (report["w"].verdict, report["b"].verdict) == ("agrees", "wrong")
    assert "The gradient for 'b' is 6 times what it should be." in str(report)


def test_a_forgotten_weight_decay_is_named():
    loss, parameters, gradients = by_hand(bias=0.3)

    def decayed():
        return loss() + 0.05 * (parameters["w"] ** 2).sum()

    report = check_gradients(decayed, parameters=parameters, gradients=gradients)
    assert report["w"].note == "lacks a term, 0.1 times the parameter itself"


def test_a_gradient_by_hand_at_a_kink_may_be_any_between_the_slopes():
    w = np.zeros(2)
    verdicts = [
        check_gradients(
            lambda: np.maximum(w, 0).sum(), parameters={"w": w}, gradients={"w": np.full(2, g)}
        )["w"].verdict
        for g in (0.0, 1.0, 0.7, 1.3, -0.2)
    ]
    assert verdicts == ["kink", "kink", "kink", "wrong", "wrong"]


def test_modules_whose_inputs_are_changed_in_place_or_share_a_name_with_a_parameter():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.x = nn.Parameter(normal(5, seed=3))

        def forward(self, x, *, scale=None):
            return (x.mul_(self.x) * scale).sin()

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.named = Named()
            self.squared = Apply(HalfSquare.apply)
            self.squared.forward = HalfSquare.apply  # built in: no signature of its own

        def forward(self, x):
            return self.squared(self.named(x * 1, scale=2 * x))

    x = differentiable(6, 5)
    report = check_gradients(Outer(), x)
    assert [(place.code, place.path) for place in report.places] == [("HalfSquare", "squared")]
    assert [row.name for row in report.rows] == ["named.x", "x"]

    class InPlace(Named):
        def forward(self, x):
            return x.mul_(self.x).sin()

    report = check_gradients(InPlace(), x)
    assert report.ok, report
    assert [row.name for row in report.rows] == ["x", "x (argument)"]
    assert torch.equal(x, normal(6, 5))


def test_tensors_that_a_loss_reads_are_checked_against_autograd():
    w, b = differentiable(5, 3), differentiable(3, seed=1)
    x = normal(6, 5)
    report = check_gradients(lambda: loss(x @ w + b), parameters={"w": w, "b": b})
    assert report.ok, report
    assert report.source == "autograd"
    assert w.grad is None


def test_everything_is_left_as_it_was():
    model = nn.Sequential(
        nn.Linear(5, 4), nn.BatchNorm1d(4), Apply(HalfSquare.apply), nn.Linear(4, 3)
    ).double()
    x = differentiable(6, 5)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    generator, forward = torch.get_rng_state(), HalfSquare.forward
    check_gradients(model, x, loss=loss)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(x, normal(6, 5))
    assert all(p.grad is None for p in (*model.parameters(), x))
    assert torch.equal(torch.get_rng_state(), generator)
    assert HalfSquare.forward is forward
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert model.training


def test_single_precision_is_refused_and_told_why():
    model = mlp([5, 4, 3])
    with pytest.raises(
        InputError, match=r"'0.weight' of float32.*double\(\), of the model.*eps·\|L\|/h"
    ):
        check_gradients(model, normal(6, 5).float(), loss=loss)


def drawing(x, generator=torch.Generator()):  # noqa: B008  (it keeps its state, as is the point)
    return x * torch.rand(3, generator=generator, dtype=x.dtype)


RANDOM = nn.Sequential(nn.Linear(5, 4), nn.Dropout(), nn.Linear(4, 3)).double()


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: check_gradients(drawing, differentiable(3)), "same value twice.*generators of"),
        (lambda: check_gradients(torch.exp, normal(3)), r"none; call requires_grad_\(\)"),
        (
            lambda: check_gradients(by_hand()[0], parameters=by_hand()[1]),
            r"'w' with requires_grad.*or pass gradients",
        ),
        (lambda: check_gradients(torch.log, -(differentiable(3) ** 2)), "finite value.*nan"),
        (
            lambda: check_gradients(RANDOM.eval(), normal(6, 5), loss=lambda z: z.sum(1)),
            "a loss that is one number; got 6 numbers",
        ),
        (lambda: check_gradients(torch.argmax, differentiable(3)), "floating-point output"),
        (
            lambda: check_gradients(
                by_hand()[0], parameters=by_hand()[1], gradients={"w": np.zeros((5, 3))}
            ),
            "a gradient for each of w, b; got w",
        ),
        (
            lambda: check_gradients(np.sum, parameters={"w": [1.0]}, gradients={"w": np.ones(1)}),
            r"'w' as a tensor or a NumPy array.*got list",
        ),
        (
            lambda: check_gradients(np.sum, parameters=[np.ones(2)]),
            "arrays by name; got list",
        ),
        (
            lambda: check_gradients(
                np.sum, parameters={"w": np.ones(4)[::-1]}, gradients={"w": np.ones(4)}
            ),
            "got a NumPy array that cannot, a view",
        ),
        (lambda: check_gradients(torch.exp, differentiable(3), step=0), "a step above 0"),
        (lambda: check_gradients(torch.exp, differentiable(3), entries=0), "at least one entry"),
        (lambda: check_gradients(torch.exp, differentiable(3), order=3), "got order=3"),
        (lambda: check_gradients(torch.exp, differentiable(3), budget_s=0), "got budget_s=0"),
        (
            lambda: check_gradients(RANDOM, normal(6, 5), allow=["tail"]),
            "in allow= names of.*got 'tail'; name one of '0.weight'",
        ),
        (lambda: check_gradients(torch.exp, differentiable(3), allow=[3]), "in allow=.*got int"),
        (
            lambda: check_gradients(torch.tanh, (1e15 * normal(3)).requires_grad_()),
            "numbers that a step changes",
        ),
        (
            lambda: check_gradients(nn.Linear(4, 3).double(), normal(2, 4).float()),
            "inputs of float64, as the model; got 'input' of float32",
        ),
        (
            lambda: check_gradients(nn.LazyLinear(3), normal(2, 4)),
            "'weight' of a lazy layer that has not run",
        ),
        (lambda: check_gradients(torch.exp, differentiable(3))["y"], "one of 'input 0'; got 'y'"),
        (
            lambda: check_gradients(
                by_hand()[0],
                parameters=by_hand()[1],
                gradients={"w": np.zeros((3, 5)), "b": np.zeros(3)},
            ),
            r"'w' in its shape \(5, 3\); got shape \(3, 5\)",
        ),
    ],
    ids=[
        "a generator of its own",
        "nothing to check",
        "no autograd",
        "nan",
        "a loss an example",
        "integers",
        "names",
        "lists",
        "no names",
        "a view backwards",
        "no step",
        "no entries",
        "order",
        "budget",
        "allow",
        "allow a number",
        "too large for the step",
        "float32 inputs",
        "lazy",
        "no such row",
        "shapes",
    ],
)
def test_what_cannot_be_checked_is_refused(check, message):
    RANDOM.train()
    with pytest.raises(InputError, match=message):
        check()


def test_a_refusal_leaves_the_random_generator_as_it_was():
    before = torch.get_rng_state()
    with pytest.raises(InputError, match="same value twice"):
        check_gradients(lambda x: drawing(x + torch.rand(3)), differentiable(3))
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_in_eval_mode_is_checked():
    assert check_gradients(RANDOM.eval(), normal(6, 5), loss=loss).ok


def test_the_report_as_a_table():
    report = check_gradients(chain(Apply(HalfSquare.apply)), normal(6, 5), loss=loss)
    lines = str(report).splitlines()
    headings = "name shape verdict relative error worst at autograd numeric"
    assert " ".join(lines[0].split()) == headings
    row = report["0.weight"]
    name, shape, verdict, error, *index, analytic, numeric = lines[1].split()
    assert (name, shape, verdict) == ("0.weight", "4×5", "WRONG")
    assert float(error) == 0.5  # the factor that is missing
    assert float(error) == pytest.approx(row.relative_error, rel=0.1)
    assert " ".join(index) == str(list(row.index))
    assert float(analytic) == pytest.approx(row.analytic, rel=1e-4)
    assert float(numeric) == pytest.approx(row.numeric, rel=1e-4)
    html = report._repr_html_()
    assert html.count("<tr>") == 1 + len(report.rows)
    assert "&#x27;2&#x27;" in html  # the place, escaped


class Infinite(Function):
    """x, whose backward overflows."""

    @staticmethod
    def forward(ctx, x):  # noqa: ARG004  (called by position)
        return x * 1

    @staticmethod
    def backward(ctx, gradient):  # noqa: ARG004
        return gradient * torch.inf


def test_an_infinite_gradient_agrees_with_nothing():
    report = check_gradients(Infinite.apply, differentiable(3))
    assert report.rows[0].verdict == "wrong"
    assert report.rows[0].note == "is not finite"
    w = np.ones(3)
    given = np.array([2.0, np.inf, 2.0])
    row = check_gradients(lambda: float((w**2).sum()), parameters={"w": w}, gradients={"w": given})[
        "w"
    ]
    assert (row.verdict, row.index, row.relative_error) == ("wrong", (1,), np.inf)


# The function and the point: the difference quotient is off by h²F‴/6, the gradient is right.
BENT = {
    "x³ at 0": (lambda x: x**3, [0.0, 0.0]),
    "x − tanh x at 0": (nn.functional.tanhshrink, [0.0, 0.0]),
    "many turns a unit": (lambda x: (1e4 * x).sin(), [0.3, -1.2]),
    "numbers as small as the step": (lambda x: (x / 1e-7).tanh(), [5e-8, -1e-7]),
    "next to where it ends": (torch.sqrt, [5e-7, 1.0]),
}


@pytest.mark.parametrize(("function", "point"), BENT.values(), ids=BENT)
def test_a_function_that_bends_within_a_step_is_not_called_wrong(function, point):
    x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
    report = check_gradients(function, x)
    assert report.rows[0].verdict == "agrees", report
    assert report.rows[0].relative_error < 1e-6


@pytest.mark.parametrize(("function", "point"), BENT.values(), ids=BENT)
def test_a_bug_in_a_function_that_bends_within_a_step_is_found(function, point):
    x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
    wrong = torch.autograd.grad(function(x).sum(), x)[0] * 1.001 + 1e-6
    with torch.no_grad():
        row = check_gradients(
            lambda: function(x).sum(), parameters={"x": x}, gradients={"x": wrong}
        ).rows[0]
    assert row.verdict == "wrong"


def test_gradients_below_rounding_are_said_to_be_untold_from_zero():
    w = np.zeros(3)
    half = np.full(3, 5e-13)  # of what it should be
    report = check_gradients(
        lambda: 2.3 + 1e-12 * np.tanh(w).sum(), parameters={"w": w}, gradients={"w": half}
    )
    assert "'w' is below 5e-08 everywhere, what rounding leaves" in str(report)
    assert "rounding leaves, and" not in str(check_gradients(lambda x: 0 * x, differentiable(3)))


class Padded(nn.Module):
    """An encoder that PyTorch runs on a path of its own where no gradients are wanted."""

    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=True)

    def forward(self, x):
        padding = torch.tensor([[False] * 3, [False, True, True]])
        return self.encoder(x, src_key_padding_mask=padding)


class Asking(nn.Module):
    """A layer that looks at a gradient of its own."""

    def __init__(self):
        super().__init__()
        self.linear, self.seen = nn.Linear(4, 3), []

    def forward(self, x):
        z = self.linear(x)
        z.register_hook(self.seen.append)
        z.retain_grad()
        return z


@pytest.mark.parametrize("model", [Padded, Asking])
@pytest.mark.parametrize("outside", [torch.enable_grad, torch.no_grad])
def test_values_are_those_of_the_pass_that_is_differentiated(model, outside):
    with outside():
        report = check_gradients(model().double().eval(), normal(2, 3, 4))
    assert report.ok, report


def test_the_row_of_the_padding_is_no_bug():
    model = nn.Embedding(4, 3, padding_idx=0, dtype=torch.float64)
    report = check_gradients(model, torch.tensor([[0, 1], [2, 0]]))
    assert report.ok, report
    assert model.padding_idx == 0


def test_a_hook_on_a_parameter_belongs_to_the_backward_pass():
    model = mlp([5, 4, 3], activation="tanh", dtype=torch.float64)
    model[0].weight.register_hook(lambda gradient: 2 * gradient)
    report = check_gradients(model, normal(6, 5), loss=loss)
    assert [row.name for row in report.rows if row.verdict == "wrong"] == ["0.weight"]
    assert "'0.weight' is 2 times what it should be" in str(report)


def test_inputs_in_tuples_and_dicts_are_checked():
    x, h, c = (differentiable(*shape) for shape in ((2, 6, 4), (1, 6, 3), (1, 6, 3)))
    report = check_gradients(nn.LSTM(4, 3, dtype=torch.float64), x, (h, c))
    assert report.ok, report
    assert {"input", "hx[0]", "hx[1]"} < {row.name for row in report.rows}
    report = check_gradients(lambda of: of["x"].sin() * of["scale"], {"x": h, "scale": 2})
    assert [row.name for row in report.rows] == ["of['x']"]


def test_the_input_of_a_single_layer_that_is_left_out_is_named():
    layer = nn.Linear(4, 3, dtype=torch.float64)
    x = normal(2, 4)
    words = "The gradient for the input 'input' was not checked"
    assert words in str(check_gradients(layer, x))
    assert words not in str(check_gradients(layer, x.requires_grad_()))
    assert words not in str(check_gradients(nn.Sequential(layer), x))


class Doubling(Function):
    """exp, whose backward changes what it saved."""

    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y.clone()

    @staticmethod
    def backward(ctx, gradient):
        (y,) = ctx.saved_tensors
        return gradient * y.mul_(2)


class Applied(nn.Module):
    def __init__(self, function, times=1):
        super().__init__()
        self.function, self.times = function, times

    def forward(self, x):
        for _ in range(self.times):
            x = self.function(x)
        return x


def test_a_backward_that_spoils_what_it_saved_is_reported():
    report = check_gradients(Applied(Doubling.apply), differentiable(3, 4))
    (place,) = report.places
    assert (place.code, place.rows[0].note) == ("Doubling", "is 2 times what it should be")


def test_code_that_runs_many_times_is_one_place():
    report = check_gradients(Applied(HalfSquare.apply, 4), differentiable(3, 4))
    assert [place.code for place in report.places] == ["HalfSquare"]


def test_a_detached_part_is_looked_for_between_the_parts():
    class Skipping(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 4)

        def forward(self, x):
            return self.linear(x) + x.detach()

    said = str(check_gradients(Skipping().double(), differentiable(2, 4)))
    assert "in Skipping: its gradient for 'x'" in said
    assert "Nothing inside it is wrong alone: look at what happens between the parts" in said
    said = str(check_gradients(Applied(HalfSquare.apply), differentiable(3, 4)))
    assert "Nothing inside" not in said


def test_a_factor_close_to_one_is_told_from_one():
    w = np.arange(1.0, 4.0)
    given = 2 * w * 1.00001
    row = check_gradients(lambda: float((w**2).sum()), parameters={"w": w}, gradients={"w": given})[
        "w"
    ]
    assert row.note == "is 1.00001 times what it should be"


def test_a_loss_that_reads_a_copy_is_told_so():
    w = np.arange(1.0, 4.0)
    copy = w.copy()
    row = check_gradients(
        lambda: float((copy**2).sum()), parameters={"w": w}, gradients={"w": 2 * w}
    )["w"]
    assert row.note.endswith("Does the loss read this very array, not a copy?")


def test_the_largest_entries_along_an_axis_are_a_kink_with_a_name():
    report = check_gradients(lambda x: x.amax(1), torch.zeros(1, 3).double().requires_grad_())
    assert report.kinks[0].startswith("amax, example 0, unit")
