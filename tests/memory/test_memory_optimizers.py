"""The optimizers of torch.optim in the account: their state, their step, and what stops them."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from dlfaq import memory_profile
from dlfaq.errors import InputError

IN, OUT, BATCH = 48, 10, 16
WEIGHT, BIAS = IN * OUT, OUT
PARAMETERS = 4 * (WEIGHT + BIAS)


def layer():
    return nn.Linear(IN, OUT)


def profiled(optimizer, make=layer, **keywords):
    return memory_profile(make, (BATCH, IN), optimizer=optimizer, **keywords)


@pytest.mark.parametrize(
    ("name", "state"),
    [
        # Numbers a parameter, after the papers.
        ("adadelta", 2),  # averages of squared gradients and of squared steps
        ("adagrad", 1),  # a sum of squares
        ("adam", 2),
        ("adamw", 2),
        ("adamax", 2),
        ("nadam", 2),
        ("radam", 2),
        ("rmsprop", 1),
        ("rprop", 2),  # the gradient before, and a step for each
        ("sgd", 0),
    ],
)
@pytest.mark.parametrize("spell", [str, str.upper, "torch.optim.{}".format])
def test_every_optimizer_is_known_by_its_name(name, state, spell):
    profile = profiled(spell(name))
    assert profile.optimizer_state_bytes == state * PARAMETERS
    assert profile.gradients_bytes == PARAMETERS


def test_the_averages_of_asgd_and_its_rates_are_on_the_gpu():
    assert profiled("asgd").optimizer_state_bytes == PARAMETERS + 4 * 3 * 2  # step, eta and mu


def test_adafactor_keeps_a_row_and_a_column_for_a_matrix():
    assert profiled("adafactor").optimizer_state_bytes == 4 * (IN + OUT + BIAS)


def test_lbfgs_keeps_its_whole_history():
    """A hundred changes of weights and of gradients, a direction and the gradient before."""
    profile = profiled("lbfgs")
    vectors = profile.optimizer_state_bytes / PARAMETERS
    assert vectors == pytest.approx(2 * 100 + 2, rel=1e-2)  # and a hundred numbers
    few = profiled("L-BFGS", options={"history_size": 5})
    assert few.optimizer_state_bytes / PARAMETERS == pytest.approx(2 * 5 + 2, rel=1e-2)
    searched = profiled("lbfgs", options={"line_search_fn": "strong_wolfe"})
    assert searched.peak_bytes > profile.peak_bytes  # a copy of the weights to come back to


def test_lbfgs_runs_the_model_inside_of_its_step():
    phases = [phase for phase, _ in profiled("lbfgs").phases]
    assert phases == ["optimizer", *["forward", "backward", "optimizer"] * 3]


def test_muon_takes_the_matrices_and_adamw_the_rest():
    profile = profiled("muon")
    assert profile.optimizer_state_bytes == 4 * WEIGHT + 2 * 4 * BIAS
    assert "muon (AdamW for what is no matrix)" in str(profile).split("\n")[0]


def test_sparse_adam_takes_sparse_gradients():
    tokens = torch.zeros(4, 3, dtype=torch.int64)
    embedding = partial(nn.Embedding, 100, 8, sparse=True)
    profile = memory_profile(embedding, tokens, optimizer="sparse_adam", loss=torch.sum)
    assert profile.optimizer_state_bytes == 2 * 4 * 100 * 8


@pytest.mark.parametrize(
    "name",
    ["adadelta", "adafactor", "adagrad", "adam", "asgd", "nadam", "rmsprop", "rprop", "lbfgs"],
)
def test_the_step_peaks_where_the_allocator_does(name):
    profile = profiled(name, device="cpu", measure=True)
    assert profile.peak_bytes == pytest.approx(profile.measured_peak_bytes, rel=3e-3)


@pytest.mark.parametrize("name", ["adagrad", "adam", "adamw", "sgd"])
def test_a_fused_step_has_no_temporaries(name):
    def temporaries(**options):
        profile = profiled(name, options=options)
        start = dict(profile.phases)["optimizer"]
        return profile.timeline[start:, profile.kinds.index("temporaries")].max()

    outputs = 4 * BATCH * OUT
    assert temporaries(fused=True) < outputs + 100
    if name != "sgd":
        assert temporaries() >= PARAMETERS


@pytest.mark.parametrize("option", ["fused", "capturable"])
def test_counters_of_a_fused_or_capturable_step_are_on_the_gpu(option):
    profile = profiled("adam", options={option: True})
    assert profile.optimizer_state_bytes == 2 * PARAMETERS + 2 * 4


def test_a_function_of_an_optimizer_keeps_what_it_asks_for():
    fused = profiled(lambda p, lr: torch.optim.Adam(p, lr=lr, fused=True))
    assert fused.peak_bytes == profiled("adam", options={"fused": True}).peak_bytes
    looped = profiled(partial(torch.optim.Adam, foreach=False))
    assert looped.peak_bytes == profiled("adam", options={"foreach": False}).peak_bytes
    assert profiled(torch.optim.Adam).peak_bytes == profiled("adam").peak_bytes


class Looks(torch.optim.SGD):
    def step(self, closure=None):
        if next(iter(self.param_groups[0]["params"])).grad.isnan().any().nonzero().numel():
            return None
        return super().step(closure)


class Breaks(torch.optim.SGD):
    def step(self, _=None):
        raise RuntimeError("no more tea")


@pytest.mark.parametrize(
    ("optimizer", "options", "message"),
    [
        ("adm", {}, "an optimizer among adadelta, adafactor, .*; got 'adm'; did you mean 'adam'?"),
        ("sparse_adam", {}, "step of the optimizer SparseAdam.*dense gradients.*sparse=True"),
        ("adam", {"betaz": 1}, r"options and parameters that Adam takes; got \{'betaz': 1\}"),
        ("adam", {"fused": True, "foreach": True}, "options and parameters that Adam takes"),
        (Looks, {}, r"step of the optimizer Looks.*DynamicOutput.* at .*:\d+"),
        (Breaks, {}, r"step of the optimizer Breaks.*RuntimeError at .*:\d+: no more tea"),
        (3, {}, "by name, by class or by function; got a int"),
        (lambda p, lr: None, {}, "which gives a NoneType"),  # noqa: ARG005
    ],
)
def test_what_stops_the_optimizer_is_not_the_model_s_fault(optimizer, options, message):
    with pytest.raises(InputError, match=message) as raised:
        profiled(optimizer, options=options)
    assert "Linear" not in str(raised.value)


def test_what_stops_the_model_inside_of_lbfgs_is_not_the_optimizer_s():
    class Numbers(nn.Linear):
        def forward(self, x):
            return super().forward(x) if x.sum() > 0 else x

    with pytest.raises(InputError, match=r"_local_scalar_dense.* in Numbers at"):
        profiled("lbfgs", make=lambda: Numbers(IN, OUT))
