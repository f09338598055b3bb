"""What check_gradients is told or asked beyond the gradient: allow=, order=, budget_s=, layouts."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from dlfaq import check_gradients


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def differentiable(*shape, seed=0):
    return normal(*shape, seed=seed).requires_grad_()


class Called(nn.Module):
    """A function as a layer."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class HalfSquare(Function):
    """x², whose backward forgets the factor 2."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[0]


class Reversed(Function):
    """x, whose gradient is turned round. In the newer style."""

    @staticmethod
    def forward(x):
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, gradient):  # noqa: ARG004
        return -gradient


class Rounded(nn.Module):
    """Straight through: rounded on the way there, untouched on the way back."""

    def forward(self, x):
        return x + (x.round() - x).detach()


def straight_through(x):
    return x + (x.round() - x).detach()


def chain(*middle):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 4), *middle, nn.Tanh(), nn.Linear(4, 3)).double()


ALLOWED = {
    "a type of module": ([Rounded()], [Rounded]),
    "a layer by its path": ([Rounded()], ["1"]),
    "a custom function": ([Called(Reversed.apply)], [Reversed]),
    "a function": ([Called(lambda x: straight_through(2 * x))], [straight_through]),
    "two of them": ([Rounded(), nn.Linear(4, 4), Rounded()], [Rounded]),
}


@pytest.mark.parametrize(("middle", "allow"), ALLOWED.values(), ids=ALLOWED)
def test_a_deliberate_gradient_is_excused_where_it_is_named(middle, allow):
    model = chain(*middle)
    assert not check_gradients(model, normal(6, 5)).ok
    report = check_gradients(model, normal(6, 5), allow=allow)
    assert report.ok, report
    assert report.allowed
    assert f"Allowed to have another gradient: {', '.join(report.allowed)}." in str(report)
    # What comes before it is not excused, but held against the gradient that it hands back.
    assert {row.verdict for row in report.rows} == {"agrees"}


@pytest.mark.parametrize("middle", [[Called(HalfSquare.apply), Rounded()],
                                    [Rounded(), Called(HalfSquare.apply)]],
                         ids=["before", "after"])  # fmt: skip
def test_a_bug_beside_a_deliberate_gradient_is_found(middle):
    report = check_gradients(chain(*middle), normal(6, 5), allow=[Rounded])
    assert [place.code for place in report.places] == ["HalfSquare"]


def test_a_parameter_or_an_input_can_be_excused_by_name():
    report = check_gradients(
        lambda x, y: x.detach() * x + y, differentiable(3), differentiable(3, seed=1), allow=["x"]
    )
    assert [row.verdict for row in report.rows] == ["allowed", "agrees"]
    assert check_gradients(Reversed.apply, differentiable(3), allow=[Reversed]).ok


class SavedIntermediate(Function):
    """eˣ/(1 + eˣ), which saves eˣ: to the backward pass a constant."""

    @staticmethod
    def forward(ctx, x):
        e = x.exp()
        ctx.save_for_backward(e)
        return e / (1 + e)

    @staticmethod
    def backward(ctx, gradient):
        (e,) = ctx.saved_tensors
        return gradient * e / (1 + e) ** 2


class Once(Function):
    """x³, whose backward cannot be differentiated and says so."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        return 3 * gradient * ctx.saved_tensors[0] ** 2


def test_a_second_derivative_that_is_wrong_is_found_and_named():
    model = chain(Called(SavedIntermediate.apply))
    assert check_gradients(model, normal(6, 5)).ok
    report = check_gradients(model, normal(6, 5), order=2)
    (place,) = report.places
    assert (place.code, place.order) == ("SavedIntermediate", 2)
    assert "the second derivative of it for 'x'" in str(place)
    assert any(row.verdict == "wrong" for row in report.second)
    said = str(check_gradients(Once.apply, differentiable(4), order=2))
    assert "is marked @once_differentiable" in said


@pytest.mark.parametrize(
    "model",
    [chain(), chain(nn.ReLU()), nn.Linear(5, 3).double(), chain(nn.BatchNorm1d(4))],
    ids=["tanh", "ReLU", "linear", "batch norm"],
)
def test_right_second_derivatives_agree(model):
    report = check_gradients(model.double(), differentiable(6, 5), order=2)
    assert report.ok, report
    assert {row.name for row in report.second} > {row.name for row in report.rows}


def test_a_gradient_penalty_blames_the_function_whose_second_derivative_is_wrong():
    class Penalty(nn.Module):
        def __init__(self, function):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(5, 4), Called(function), nn.Linear(4, 1)).double()

        def forward(self, x):
            x = x.clone().requires_grad_()
            (slope,) = torch.autograd.grad(self.net(x).sum(), x, create_graph=True)
            return ((slope.norm(dim=1) - 1) ** 2).mean()

    assert check_gradients(Penalty(torch.sigmoid), normal(6, 5)).ok
    report = check_gradients(Penalty(SavedIntermediate.apply), normal(6, 5))
    assert [(place.code, place.order) for place in report.places] == [("SavedIntermediate", 2)]


class AsStrided(Function):
    """2x, whose backward reads its gradient as if it lay like the input."""

    @staticmethod
    def forward(ctx, x):
        ctx.stride = x.stride()
        return 2 * x

    @staticmethod
    def backward(ctx, gradient):
        return 2 * torch.as_strided(gradient, gradient.shape, ctx.stride)


class ReadsMemory(Function):
    """x³, whose backward reads the input as if it were contiguous."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        lies = torch.empty(x.shape, device="meta").stride()
        return 3 * gradient * torch.as_strided(x, x.shape, lies) ** 2


@pytest.mark.parametrize("function", [AsStrided, ReadsMemory])
def test_a_backward_that_reads_memory_as_if_it_were_contiguous_is_found(function):
    for report in (
        check_gradients(function.apply, differentiable(3, 4)),
        check_gradients(chain(Called(function.apply)), normal(6, 5)),
    ):
        (place,) = report.places
        assert place.code == function.__name__
        assert "not contiguous" in str(place)


def test_a_normalised_layer_by_hand_is_right_in_any_layout():
    class Normalised(Function):
        @staticmethod
        def forward(ctx, x, weight):
            hat = (x - x.mean(0)) / x.std(0, unbiased=False)
            ctx.save_for_backward(hat, weight, x.std(0, unbiased=False))
            return hat * weight

        @staticmethod
        def backward(ctx, gradient):
            hat, weight, std = ctx.saved_tensors
            inner = gradient * weight
            dx = (inner - inner.mean(0) - hat * (inner * hat).mean(0)) / std
            return dx, (gradient * hat).sum(0)

    report = check_gradients(Normalised.apply, differentiable(6, 3), differentiable(3, seed=1))
    assert report.ok, report


def test_what_a_budget_leaves_out_is_said():
    report = check_gradients(chain(), normal(6, 5), budget_s=1e-9)
    assert report.rows == ()
    assert set(report.unreached) >= {"0.weight", "2.bias"}
    assert "Not checked, as budget_s was over: '0.weight'" in str(report)
    assert check_gradients(chain(), normal(6, 5), budget_s=60).unreached == ()


def test_of_a_large_model_fewer_entries_are_compared_and_faults_are_found_all_the_same():
    class Wide(nn.Module):
        def __init__(self, function):
            super().__init__()
            torch.manual_seed(0)
            self.layers = nn.Sequential(
                nn.Linear(400, 1500), Called(function), nn.Linear(1500, 10)
            ).double()

        def forward(self, x):
            return self.layers(x)

    report = check_gradients(Wide(torch.tanh), normal(2, 400))
    assert report.ok, report
    assert report["layers.0.weight"].checked < 200
    report = check_gradients(Wide(HalfSquare.apply), normal(2, 400))
    assert [place.code for place in report.places] == ["HalfSquare"]
