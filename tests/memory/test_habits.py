"""Each habit against the loop that a user writes, on real tensors, as the allocator counts it."""

from __future__ import annotations

import copy
import gc
from contextlib import contextmanager

import pytest
import torch
from torch import distributed, nn
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.profiler import ProfilerActivity, profile, record_function

from dlfaq import memory_profile
from dlfaq.errors import InputError

WIDTH, BATCH, CLASSES = 64, 256, 10
PARAMETERS = 4 * (2 * (WIDTH * WIDTH + WIDTH) + WIDTH * CLASSES + CLASSES)  # bytes
CLOSE = 2e-3  # scalars, and the step counters of the first step


def network():
    return nn.Sequential(
        nn.Linear(WIDTH, WIDTH),
        nn.ReLU(),
        nn.Linear(WIDTH, WIDTH),
        nn.ReLU(),
        nn.Linear(WIDTH, CLASSES),
    )


def predicted(**habits):
    return memory_profile(network, (BATCH, WIDTH), device="cpu", **habits)


def peak_of(prepare, before=1):
    """Bytes at the peak of a step, of all that PyTorch's allocator reports, after some before."""
    gc.collect()  # what earlier tests have left would be freed, and counted, in the middle
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        step = prepare(network(), torch.zeros(BATCH, WIDTH), torch.zeros(BATCH, dtype=torch.int64))
        for _ in range(before):
            step()
        with record_function("the measured step"):
            step()
    events = sorted(recorded.profiler.kineto_results.events(), key=lambda event: event.start_ns())
    begin = next(event.start_ns() for event in events if event.name() == "the measured step")
    held = peak = 0
    for event in events:
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held if event.start_ns() >= begin else 0)
    return peak


@contextmanager
def process_group():
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def test_gradients_that_are_cleared_before_the_backward_pass_are_there_in_the_forward_pass():
    def prepare(model, x, y):
        optimizer = torch.optim.Adam(model.parameters(), foreach=False)

        def step():
            outputs = model(x)
            loss = cross_entropy(outputs, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        return step

    kept = predicted(zero_grad="before_backward")
    assert kept.peak_bytes == pytest.approx(peak_of(prepare), rel=CLOSE)
    gradients = kept.timeline[:, kept.kinds.index("gradients")]
    assert gradients[dict(kept.phases)["forward"]] == PARAMETERS
    usual = predicted()
    assert usual.timeline[dict(usual.phases)["forward"], usual.kinds.index("gradients")] == 0


@pytest.mark.parametrize("place", ["before_forward", "before_backward", "after_step"])
def test_gradients_that_are_set_to_zeros_never_go(place):
    profile = predicted(zero_grad=place, set_to_none=False)
    assert (profile.timeline[:, profile.kinds.index("gradients")] == PARAMETERS).all()
    usual = predicted(zero_grad=place)
    assert usual.timeline[:, usual.kinds.index("gradients")].min() == 0


@pytest.mark.parametrize("views", [False, True])
def test_the_buckets_of_ddp_hold_the_gradients_once_more_or_are_them(views):
    def prepare(model, x, y):
        wrapped = nn.parallel.DistributedDataParallel(model, gradient_as_bucket_view=views)
        optimizer = torch.optim.Adam(model.parameters(), foreach=False)

        def step():
            optimizer.zero_grad()
            outputs = wrapped(x)
            loss = cross_entropy(outputs, y)
            loss.backward()
            optimizer.step()

        return step

    with process_group():
        # After the first step it makes its buckets again, and at times keeps the old for a while.
        measured = min(peak_of(prepare, before=2) for _ in range(3))
    profile = predicted(ddp=True, gradient_as_bucket_view=views)
    assert profile.peak_bytes == pytest.approx(measured, rel=0.02)  # and DDP's own small tensors
    assert profile.ddp_buckets_bytes == PARAMETERS
    assert profile.gradients_bytes == (0 if views else PARAMETERS)
    assert "DDP buckets" in str(profile)
    assert "DDP" not in str(predicted())


@pytest.mark.parametrize("copies", [1, 2])
def test_each_averaged_model_is_the_model_once_more(copies):
    def prepare(model, x, y):
        optimizer = torch.optim.Adam(model.parameters(), foreach=False)
        update = get_ema_multi_avg_fn()
        averages = [AveragedModel(model, multi_avg_fn=update) for _ in range(copies)]

        def step():
            optimizer.zero_grad()
            outputs = model(x)
            loss = cross_entropy(outputs, y)
            loss.backward()
            optimizer.step()
            for average in averages:
                average.update_parameters(model)

        return step

    profile = predicted(ema_copies=copies)
    assert profile.ema_bytes == copies * PARAMETERS
    assert profile.peak_bytes == pytest.approx(peak_of(prepare), rel=CLOSE)


def test_averaged_copies_have_the_buffers_too():
    profile = memory_profile(nn.BatchNorm1d(7), (5, 7), ema_copies=1, device="cpu")
    assert profile.ema_bytes == 4 * 4 * 7 + 8  # weight, bias, mean, variance; a count of batches


def test_an_optimizer_in_the_backward_pass_holds_one_gradient_at_a_time():
    """As PyTorch's tutorial writes it."""

    def prepare(model, x, y):
        optimizers = {p: torch.optim.Adam([p], foreach=False) for p in model.parameters()}

        def hook(parameter):
            optimizers[parameter].step()
            optimizers[parameter].zero_grad()

        for parameter in model.parameters():
            parameter.register_post_accumulate_grad_hook(hook)

        def step():
            outputs = model(x)
            loss = cross_entropy(outputs, y)
            loss.backward()

        return step

    profile = predicted(optimizer_in_backward=True)
    assert profile.peak_bytes == pytest.approx(peak_of(prepare), rel=CLOSE)
    assert profile.gradients_bytes == 4 * WIDTH * WIDTH  # the largest
    assert profile.optimizer_state_bytes == 2 * PARAMETERS + 4 * 6  # and a counter each
    assert [phase for phase, _ in profile.phases] == ["forward", "backward"]


@pytest.mark.parametrize("graph", [False, True])
def test_validation_without_no_grad_holds_two_graphs(graph):
    def prepare(model, x, y):
        optimizer = torch.optim.SGD(model.parameters(), foreach=False)

        def validate():
            with torch.set_grad_enabled(graph):
                for _ in range(2):
                    outputs = model(x)
                    loss = cross_entropy(outputs, y)
            del loss

        def train():
            outputs = model(x)
            loss = cross_entropy(outputs, y)
            loss.backward()
            optimizer.step()

        def step():
            optimizer.zero_grad()
            train()
            validate()

        return step

    profile = predicted(optimizer="sgd", validation="grad" if graph else "no_grad")
    assert profile.peak_bytes == pytest.approx(peak_of(prepare), rel=CLOSE)
    validation = profile.timeline[dict(profile.phases)["validation"] :]
    hidden = 4 * BATCH * WIDTH
    saved = validation[:, profile.kinds.index("activations")].max()
    assert saved > 4 * hidden if graph else saved == 0


def test_outputs_without_a_name_go_when_the_loss_is_done():
    def prepare(model, x, y):
        optimizer = torch.optim.SGD(model.parameters(), foreach=False)

        def step():
            optimizer.zero_grad()
            loss = cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()

        return step

    kept, dropped = (predicted(optimizer="sgd", keep_outputs=keep) for keep in (True, False))
    assert dropped.peak_bytes == pytest.approx(peak_of(prepare), rel=CLOSE)
    assert kept.peak_bytes - dropped.peak_bytes == 4 * BATCH * CLASSES


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
def test_a_gradient_scaler_keeps_two_numbers():
    def prepare(model, x, y):
        optimizer = torch.optim.Adam(model.parameters(), foreach=False)
        scaler = torch.amp.GradScaler("cpu")

        def step():
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.float16):
                outputs = model(x)
                loss = cross_entropy(outputs, y)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()

        return step

    profile = predicted(precision="amp-fp16")
    assert profile.grad_scaler_bytes == 4 + 4  # the scale, and for how many steps it has held
    assert profile.parameters_bytes == profile.gradients_bytes == PARAMETERS
    with torch.backends.mkldnn.flags(enabled=False):  # its products in half precision take scratch
        measured = peak_of(prepare)
    assert profile.peak_bytes == pytest.approx(measured, rel=CLOSE)
    assert "GradScaler" in str(profile).split("\n")[0]


def test_habits_go_together():
    profile = predicted(
        ddp=True,
        ema_copies=1,
        zero_grad="after_step",
        validation="no_grad",
        accumulation=2,
        precision="amp-fp16",
    )
    assert [phase for phase, _ in profile.phases] == [
        *["forward", "backward"] * 2,
        "optimizer",
        "validation",
    ]
    data = profile.as_dict()
    assert data["ddp_buckets_bytes"] == data["ema_bytes"] == PARAMETERS
    assert data["habits"]["zero_grad"] == "after_step"
    assert sum(profile.at_peak.values()) == profile.peak_bytes


def test_the_first_line_says_what_was_taken_for_granted():
    first = str(predicted()).split("\n")[0]
    for words in ("adam", "fp32", "cross_entropy (assumed)", "zero_grad before_forward"):
        assert words in first
    first = str(predicted(loss="nll_loss", ddp=True, zero_grad="after_step")).split("\n")[0]
    for words in ("loss nll_loss,", "DDP", "zero_grad after_step"):
        assert words in first
    assert "assumed" not in first


class Recipe(nn.Linear):
    """The tutorial's hooks, in the model."""

    def __init__(self):
        super().__init__(4, 4)
        for parameter in self.parameters():
            parameter.register_post_accumulate_grad_hook(torch.numel)


@pytest.mark.parametrize("measure", [False, True])
@pytest.mark.parametrize("made", [False, True])
def test_hooks_after_a_gradient_are_not_dropped_in_silence(made, measure):
    model = Recipe() if made else Recipe
    with pytest.raises(InputError, match=r"register_post_.*_hook; .*optimizer_in_backward=True"):
        memory_profile(model, (2, 4), device="cpu", measure=measure)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_hooks_on_gradients_run(precision):
    seen = []

    def hook(gradient):
        seen.append(gradient.dtype)
        return gradient * 2

    model = nn.Linear(4, 4)
    model.weight.register_hook(hook)
    memory_profile(model, (2, 4), precision=precision)
    assert set(seen) == {torch.float32 if precision == "fp32" else torch.bfloat16}
    seen.clear()
    memory_profile(copy.deepcopy(model), (2, 4))  # a copy of PyTorch's has none
    assert not seen


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"zero_grad": "never"}, "zero_grad among before_forward, .*; got 'never'"),
        ({"zero_grads": "after_step"}, "a habit of training among .*; did you mean 'zero_grad'?"),
        ({"ema_copies": -1}, "ema_copies, a number of models from 0 up; got -1"),
        ({"ema_copies": True}, "ema_copies, a number of models from 0 up; got True"),
        ({"validation": "yes"}, "validation among None, no_grad, grad; got 'yes'"),
        ({"gradient_as_bucket_view": True}, "got ddp=False; pass ddp=True as well"),
        ({"optimizer_in_backward": True, "ddp": True}, "got ddp=True; leave one of the two out"),
        ({"optimizer_in_backward": True, "accumulation": 2}, "got gradient accumulation"),
        ({"optimizer_in_backward": True, "precision": "amp-fp16"}, "got a GradScaler"),
        ({"mode": "inference", "ddp": True}, "habits of training; got ddp in inference"),
        ({"optimizer": "lbfgs", "precision": "amp-fp16"}, "L-BFGS by itself.*a GradScaler"),
        ({"optimizer": "lbfgs", "optimizer_in_backward": True}, "L-BFGS by itself"),
    ],
)
def test_habits_that_cannot_be_are_refused(keywords, message):
    with pytest.raises(InputError, match=message):
        memory_profile(network, (BATCH, WIDTH), **keywords)
