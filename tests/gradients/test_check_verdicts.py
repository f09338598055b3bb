"""A gradient is called wrong only where differences settle on another, and missed nowhere above."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd import Function
from torch.nn import functional as F  # noqa: N812  (as everybody calls it)
from torch.utils.checkpoint import checkpoint

from dlfaq import check_gradients


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def differentiable(*shape, seed=0):
    return normal(*shape, seed=seed).requires_grad_()


def at(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def positive_definite(n=4):
    a = normal(n, n)
    return (a @ a.T + n * torch.eye(n)).requires_grad_()


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


def single(x):
    return x.float().tanh().double()


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def test_float32_inside_is_named_and_is_no_mistake():
    report = check_gradients(
        nn.Sequential(nn.Linear(5, 4), Called(single), nn.Linear(4, 3)).double(), normal(6, 5)
    )
    assert report.ok, report
    assert report.narrow == ("float32 in Called at '1'",)
    assert "Computed in float32 in Called at '1'" in str(report)
    # What comes after it is as exact as ever.
    assert report["2.weight"].resolution < 1e-5 < report["0.weight"].resolution < 0.1


def test_a_factor_of_two_is_found_through_float32():
    report = check_gradients(lambda x: HalfSquare.apply(x.float()).double(), differentiable(3, 4))
    assert report.rows[0].verdict == "wrong"


def test_single_precision_of_numpy_is_seen_by_its_scatter():
    w = np.full(3, 0.7)
    report = check_gradients(
        lambda: float(np.tanh(w.astype(np.float32)).sum()),
        parameters={"w": w},
        gradients={"w": 1 - np.tanh(w) ** 2},
    )
    assert report.ok, report
    assert report.narrow


CANCELLING = {
    "layer norm, summed": lambda: check_gradients(
        nn.LayerNorm(4).double(), differentiable(3, 4), loss=torch.sum
    ),
    "instance norm, summed": lambda: check_gradients(
        nn.Sequential(nn.Conv1d(2, 3, 3), nn.InstanceNorm1d(3)).double(),
        normal(2, 2, 8),
        loss=torch.sum,
    ),
    "an offset": lambda: check_gradients(lambda x: (x + 1e8).sum() - 3e8, differentiable(3)),
    "a mean taken off": lambda: check_gradients(lambda x: (x - x.mean()).sum(), differentiable(50)),
}


@pytest.mark.parametrize("check", CANCELLING.values(), ids=CANCELLING)
def test_a_sum_that_cancels_is_rounded_like_its_terms(check):
    report = check()
    assert report.ok, report


EDGES = {
    "log": (torch.log, at(1e-12)),
    "square root": (torch.sqrt, at(1e-14, 1.0)),
    "arc cosine": (torch.acos, at(1 - 1e-10, 0.3)),
    "a distribution that refuses": (
        lambda p: torch.distributions.Bernoulli(p).log_prob(at(1.0, 0.0).detach()),
        at(1e-8, 1 - 1e-8),
    ),
    "from one side": (lambda x: x.log1p() if (x >= 0).all() else x * torch.nan, at(0.0, 1.0)),
}


@pytest.mark.parametrize(("function", "x"), EDGES.values(), ids=EDGES)
def test_beside_the_edge_of_a_domain_a_shorter_step_is_taken(function, x):
    report = check_gradients(function, x)
    assert report.rows[0].verdict == "agrees", report
    assert "is at the edge of the domain; step=" in str(report)


@pytest.mark.parametrize(("function", "x"), EDGES.values(), ids=EDGES)
def test_beside_the_edge_of_a_domain_a_wrong_gradient_is_found(function, x):
    right = torch.autograd.grad(function(x).sum(), x)[0]
    with torch.no_grad():
        report = check_gradients(
            lambda: function(x).sum(), parameters={"x": x}, gradients={"x": right / 2}
        )
    assert report["x"].verdict == "wrong"


def test_where_the_slope_grows_without_end_there_is_no_verdict():
    report = check_gradients(torch.sqrt, at(0.0, 1.0))
    assert (report.ok, report.undecided) == (True, ("input 0",))


class Largest(Function):
    """The maximum, whose backward gives every largest entry the whole gradient."""

    @staticmethod
    def forward(ctx, x):
        largest = x.max()
        ctx.save_for_backward(x, largest)
        return largest

    @staticmethod
    def backward(ctx, gradient):
        x, largest = ctx.saved_tensors
        return gradient * (x == largest)


class Shared(Largest):
    """The same, whose backward shares the gradient among them."""

    @staticmethod
    def backward(ctx, gradient):
        x, largest = ctx.saved_tensors
        among = (x == largest).to(x) * torch.arange(1, 1 + len(x))
        return gradient * among / among.sum()


def test_at_a_tie_a_gradient_may_be_shared_and_not_doubled():
    assert not check_gradients(Largest.apply, at(1.0, 1.0)).ok
    assert not check_gradients(lambda x: 2 * Largest.apply(x), at(1.0, 0.5, 1.0)).ok
    assert check_gradients(Shared.apply, at(1.0, 1.0, 0.5)).ok


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x.sort().values * torch.tensor([1.0, 5.0, 2.0])).sum(),
        torch.median,
        lambda x: x.topk(2).values.sum(),
        lambda x: (x.relu() - (-x).relu()).sum(),
    ],
    ids=["sort", "median", "top two", "two that cancel"],
)
def test_what_pytorch_chooses_among_ties_is_no_mistake(function):
    assert check_gradients(function, at(0.0, 0.0, 0.0)).ok


class Scaled(Function):
    """x², whose backward is off by a factor."""

    @staticmethod
    def forward(ctx, x, factor):
        ctx.save_for_backward(x)
        ctx.factor = factor
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        return 2 * ctx.factor * ctx.saved_tensors[0] * gradient, None


def test_a_small_factor_over_many_outputs_is_found():
    x = differentiable(10_000)
    assert not check_gradients(lambda x: Scaled.apply(x, 1.0001), x).ok
    assert check_gradients(lambda x: Scaled.apply(x, 1.0), x).ok


def test_an_error_above_the_stated_resolution_is_found_and_the_statement_is_not_idle():
    x = normal(40)
    resolutions = []
    for by in (0.0, 1.0, 3.0):
        w, right = x.clone().numpy(), (2 * x).numpy()
        right[7] += by * 1e-5 * abs(right).max()
        row = check_gradients(
            lambda w=w: float((w**2).sum()), parameters={"w": w}, gradients={"w": right}
        )["w"]
        assert row.verdict == ("wrong" if by else "agrees")
        resolutions.append(row.resolution)
    assert resolutions[0] < 1e-5


def test_gradients_that_are_all_zero_are_said_to_be():
    model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3)).double()
    nn.init.constant_(model[0].bias, -100)
    report = check_gradients(model, normal(6, 5))
    assert report.ok
    assert report.zero == ("0.weight", "0.bias", "2.weight")
    assert "Gradients that are 0 here: '0.weight', '0.bias', '2.weight'" in str(report)


@pytest.mark.parametrize(
    "function",
    [
        torch.linalg.cholesky,
        torch.linalg.eigvalsh,
        torch.linalg.inv,
        lambda a: torch.distributions.MultivariateNormal(torch.zeros(4).double(), a).log_prob(
            torch.ones(4)
        ),
    ],
    ids=["cholesky", "eigvalsh", "inverse", "a covariance"],
)
def test_symmetric_arguments_are_moved_symmetrically_where_one_triangle_is_read(function):
    report = check_gradients(function, positive_definite())
    assert report.rows[0].verdict == "agrees", report
    assert not check_gradients(lambda a: HalfSquare.apply(function(a)), positive_definite()).ok


def test_random_numbers_are_the_same_in_each_pass():
    net = nn.Sequential(nn.Linear(5, 8), nn.Dropout(), Called(torch.tanh), nn.Linear(8, 3)).double()
    assert check_gradients(net, normal(6, 5)).ok
    assert check_gradients(lambda x: x * float(np.random.rand()), differentiable(3)).ok  # noqa: NPY002
    net[2] = Called(HalfSquare.apply)
    assert [place.code for place in check_gradients(net, normal(6, 5)).places] == ["HalfSquare"]


def test_the_implicit_gradient_of_a_draw_is_not_judged():
    report = check_gradients(
        lambda a: torch.distributions.Gamma(a.exp(), torch.ones(3).double()).rsample(),
        differentiable(3),
    )
    assert (report.ok, report.undecided) == (True, ("a",))
    assert "is implicit in standard_gamma" in str(report)


def test_complex_numbers_are_checked_part_by_part():
    class Unconjugated(Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return z * z

        @staticmethod
        def backward(ctx, gradient):
            return 2 * gradient * ctx.saved_tensors[0]

    z = torch.complex(normal(3), normal(3, seed=1)).requires_grad_()
    assert check_gradients(lambda z: z * z, z).ok
    assert check_gradients(torch.fft.fft, differentiable(4)).ok
    assert not check_gradients(Unconjugated.apply, z).ok


def test_sparse_gradients_and_sparse_arguments_are_checked():
    rows = nn.Embedding(5, 3, sparse=True, dtype=torch.float64)
    assert check_gradients(rows, torch.tensor([0, 1, 1, 4])).ok
    sparse = torch.sparse_coo_tensor([[0, 1, 2], [1, 0, 2]], [1.0, 2, 3], check_invariants=True)
    sparse = sparse.double()
    report = check_gradients(torch.sparse.mm, sparse.requires_grad_(), differentiable(3, 2))
    assert report.ok, report
    assert [row.entries for row in report.rows] == [3, 6]


class Checkpointed(nn.Module):
    """A part of it runs again in the backward pass."""

    def __init__(self, function, *, reentrant):
        super().__init__()
        self.first, self.last = nn.Linear(5, 4), nn.Linear(4, 3)
        self.part = nn.Sequential(nn.Linear(4, 4), Called(function))
        self.reentrant = reentrant

    def forward(self, x):
        return self.last(checkpoint(self.part, self.first(x), use_reentrant=self.reentrant))


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointed_modules_are_followed(reentrant):
    right = Checkpointed(torch.tanh, reentrant=reentrant).double()
    assert check_gradients(right, normal(6, 5)).ok
    assert all(p.grad is None for p in right.parameters())
    report = check_gradients(
        Checkpointed(HalfSquare.apply, reentrant=reentrant).double(), normal(6, 5)
    )
    assert [(place.code, place.path) for place in report.places] == [("HalfSquare", "part.1")]


@pytest.mark.filterwarnings("ignore:.*torch.jit.*")
def test_compiled_modules_are_checked_and_said_to_hide_their_layers():
    traced = torch.jit.trace(nn.Sequential(nn.Linear(5, 4), nn.Tanh()).double(), normal(6, 5))
    report = check_gradients(nn.Sequential(traced, nn.Linear(4, 3).double()), normal(6, 5))
    assert report.ok, report
    assert "The layers inside of '0' were not looked at alone" in str(report)


def test_a_backward_that_raises_is_wrong_and_no_crash():
    class Unwritten(Function):
        @staticmethod
        def forward(ctx, x):  # noqa: ARG004
            return 2 * x

        @staticmethod
        def backward(ctx, gradient):
            raise NotImplementedError("later")

    report = check_gradients(Unwritten.apply, differentiable(3))
    assert not report.ok
    assert "was not computed: NotImplementedError: later" in str(report)


def test_a_loss_that_reads_the_parameters_is_checked_with_them():
    model = nn.Linear(5, 3).double()

    def decayed(z):
        return F.cross_entropy(z, torch.tensor([0, 1, 2, 0, 1, 2])) + (model.weight**2).sum()

    report = check_gradients(model, normal(6, 5), loss=decayed)
    assert report.ok, report
    with torch.no_grad():
        right = check_gradients(model, normal(6, 5), loss=decayed)["weight"].analytic
    assert abs(right) > abs(
        check_gradients(model, normal(6, 5), loss=lambda z: decayed(z) * 0)["weight"].analytic
    )


def maximum_less_another():
    """2·max(x, y) − max(y, z) at a tie of all three, in NumPy."""
    w = np.zeros(3)
    return w, lambda: float(2 * w[:2].max() - w[1:].max())


def test_where_several_kinks_meet_a_choice_at_each_is_not_called_wrong():
    w, loss = maximum_less_another()
    choice = np.array([2.0, -1.0, 0.0])  # the first of the tied numbers in both maxima
    report = check_gradients(loss, parameters={"w": w}, gradients={"w": choice})
    assert report.ok
    assert report.undecided == ("w",)
    assert "several kinks" in str(report)


def test_a_gradient_that_no_choice_makes_is_wrong_at_a_tie_in_a_convex_function():
    w = np.zeros(3)
    gradients = {"w": np.array([1.0, 0.0, 1.0])}
    report = check_gradients(lambda: float(w.max()), parameters={"w": w}, gradients=gradients)
    assert report["w"].verdict == "wrong"


def test_the_precision_of_code_whose_gradients_are_given_is_seen():
    w = torch.linspace(-1, 1, 5, dtype=torch.float64)
    report = check_gradients(
        lambda: w.float().exp().sum().double(), parameters={"w": w}, gradients={"w": w.exp()}
    )
    assert report.ok
    assert "float32" in report.narrow[0]


def test_a_gradient_that_rounding_hides_has_no_resolution():
    # The sum of what has mean 0: the true gradient is 0, autograd's is rounding.
    x = torch.linspace(-1, 2, 7, dtype=torch.float64).requires_grad_()
    report = check_gradients(lambda x: 1e6 * (x - x.mean()).sum() + x[0] * 1e-9, x)
    assert report["x"].resolution == inf
