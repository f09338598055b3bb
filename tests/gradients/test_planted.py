"""Networks with and without a planted fault: what is planted is real, and the check tells."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import get_args

import pytest
import torch
from hypothesis import Phase, assume, given, settings
from hypothesis.strategies import randoms

from dlfaq.gradients.planted.cases import Case, Fault, FaultKind, Layer, draw_case
from dlfaq.gradients.planted.layers import LAYERS
from dlfaq.gradients.planted.networks import build
from dlfaq.gradients.planted.trials import errors, peer_passes, tried

# Hypothesis draws the same ones in every run, and does not spend minutes on making one smaller.
FIFTY = settings(max_examples=50, derandomize=True, deadline=None, phases=[Phase.generate])


def gradients(case):
    network = build(case)
    output = network.value(*network.tensors)
    return torch.autograd.grad(
        output.cos().sum(), network.tensors, allow_unused=True, materialize_grads=True
    )


@FIFTY
@given(randoms(use_true_random=False))
def test_no_right_gradient_is_called_wrong(random):
    trial = tried(draw_case(random, faulty=False))
    assert trial.said in {"right", "undecided"}, trial.words


@settings(FIFTY, max_examples=30)
@given(randoms(use_true_random=False))
def test_no_fault_above_the_resolution_that_the_report_states_is_missed(random):
    case = draw_case(random, faulty=True)
    assume(max(errors(case)) > 0)
    trial = tried(case)
    assume(trial.seen > 1)
    assert trial.said == "wrong", trial.words


# Right gradients that were called wrong once, one of each kind.
ONCE_CALLED_WRONG = {
    "ties in a max pool by hand": Case(
        seed=2506,
        form="images",
        shape=(2, 2, 2, 3),
        layers=(Layer("MaxPool2d", by_hand=True),),
        loss="BCE",
        values="zeros",
    ),
    "ties in a max pool, gradients given": Case(
        seed=14243,
        form="series",
        shape=(2, 2, 2),
        layers=(
            Layer("square Conv1d"),
            Layer("standardised"),
            Layer("square Conv1d"),
            Layer("MaxPool1d"),
        ),
        loss="MSE",
        values="zeros",
        subject="given",
    ),
    "a weight of rounding alone, in another layout": Case(
        seed=518,
        form="series",
        shape=(3, 1, 4),
        layers=(
            Layer("AvgPool1d"),
            Layer("square Conv1d"),
            Layer("GroupNorm"),
            Layer("BatchNorm of series", by_hand=True),
        ),
        loss="mean",
        values="zeros",
        subject="function",
    ),
    "a sum that cancels, backward in float32": Case(
        seed=32182,
        form="images",
        shape=(1, 1, 2, 4),
        layers=(
            Layer("Conv2d", around="float32"),
            Layer("BatchNorm of images"),
            Layer("in place"),
        ),
        values="zeros",
    ),
    "float32, gradients given": Case(
        seed=27373,
        form="images",
        shape=(2, 2, 2, 4),
        layers=(
            Layer("Conv2d", by_hand=True),
            Layer("GELU", around="float32", by_hand=True),
            Layer("AvgPool2d"),
        ),
        loss="BCE",
        scale=1e-5,
        subject="given",
    ),
    "ties before float32": Case(
        seed=191,
        form="series",
        shape=(1, 2, 4),
        layers=(
            Layer("MaxPool1d", around="checkpoint"),
            Layer("Conv1d"),
            Layer("GELU", around="checkpoint", by_hand=True),
            Layer("LayerNorm", around="float32", by_hand=True),
        ),
        loss="mean",
        values="zeros",
        subject="function",
    ),
    "flat in float32": Case(
        seed=29113,
        form="sequences",
        shape=(2, 3, 3),
        layers=(Layer("LSTM", around="float32"),),
        loss="MSE",
        values="large",
        subject="given",
    ),
    "what float32 swallows over a short step": Case(
        seed=63051,
        form="vectors",
        shape=(2, 4),
        layers=(
            Layer("reversed"),
            Layer("BatchNorm of vectors"),
            Layer("Linear", around="float32"),
        ),
        loss="mean",
        order=2,
    ),
    "a second derivative at a kink": Case(
        seed=54612,
        form="series",
        shape=(3, 1, 4),
        layers=(Layer("PReLU", by_hand=True),),
        values="zeros",
        subject="function",
        order=2,
    ),
}


@pytest.mark.parametrize("case", ONCE_CALLED_WRONG.values(), ids=ONCE_CALLED_WRONG)
def test_a_right_gradient_of_a_known_hard_kind_is_not_called_wrong(case):
    trial = tried(case)
    assert trial.said in {"right", "undecided"}, trial.words


@pytest.mark.parametrize("number", range(12))
def test_a_layer_by_hand_without_a_fault_has_the_gradients_of_the_layer(number):
    case = draw_case(Random(number), faulty=False)
    layers = [
        replace(layer, by_hand=LAYERS[layer.name].by_hand, around="") for layer in case.layers
    ]
    by_hand = replace(case, layers=tuple(layers), loss="none")
    plain = replace(by_hand, layers=tuple(replace(layer, by_hand=False) for layer in layers))
    for got, expected in zip(gradients(by_hand), gradients(plain), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", get_args(FaultKind))
def test_each_kind_of_fault_changes_gradients_and_no_value(kind):
    cases = [draw_case(Random(number), faulty=True) for number in range(120)]
    cases = [case for case in cases if case.fault.kind == kind]
    assert any(max(errors(case)) > 1e-3 for case in cases)
    for case in cases:
        wrong, right = build(case), build(replace(case, fault=None))
        assert torch.equal(wrong.value(*wrong.tensors), right.value(*right.tensors))


# Wx + b, summed up: its gradients for W, b and x are known without autograd. Faults count from x.
LINEAR = Case(
    seed=1,
    form="vectors",
    shape=(3, 2),
    layers=(Layer("square Linear", by_hand=True),),
    loss="sum",
)


def planted(kind, *, gradient=0, size=0.5):
    return replace(LINEAR, fault=Fault(kind, layer=0, gradient=gradient, size=size))


def test_a_factor_is_as_large_as_it_says():
    assert errors(planted("factor", gradient=1, size=1e-3)) == pytest.approx([1e-3, 0, 0])


def test_a_sign_makes_a_difference_of_twice_the_gradient():
    assert errors(planted("sign", gradient=2)) == pytest.approx([0, 2, 0])


def test_a_sum_over_the_batch_that_is_not_taken_leaves_the_gradient_of_one_example():
    assert errors(planted("broadcast", gradient=2)) == pytest.approx([0, 2 / 3, 0])


def test_what_was_saved_and_changed_changes_the_gradient_that_it_is_in():
    # Of W, Σ x is multiplied by the factor; of x, whose gradient has no x in it, nothing.
    assert errors(planted("stale", gradient=0, size=0.25)) == pytest.approx([0.25, 0, 0])


def test_a_case_can_be_built_again_from_what_is_printed():
    case = draw_case(Random(7), faulty=True)
    assert eval(repr(case)) == case


def test_gradcheck_passes_what_is_right_and_fails_a_sign():
    smooth = replace(LINEAR, loss="MSE")
    assert peer_passes(smooth)
    assert peer_passes(smooth, single=True)
    assert not peer_passes(replace(planted("sign"), loss="MSE"))
    assert not peer_passes(replace(planted("sign"), loss="MSE"), single=True)
