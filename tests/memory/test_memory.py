from __future__ import annotations

import gc
import os
import subprocess
import sys
from functools import partial

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd.graph import saved_tensors_hooks
from torch.distributed._tools.mem_tracker import MemTracker
from torch.nn.functional import cross_entropy

from dlfaq import memory_profile
from dlfaq.errors import InputError

WIDTH, LAYERS, BATCH, CLASSES = 64, 3, 32, 10


def network(activation=nn.ReLU):
    hidden = [layer for _ in range(LAYERS) for layer in (nn.Linear(WIDTH, WIDTH), activation())]
    return nn.Sequential(*hidden, nn.Linear(WIDTH, CLASSES))


class Residual(nn.Module):
    """A block with a branch, so that it is no plain chain."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8)

    def forward(self, x):
        return x + self.norm(self.conv(x)).relu()


def convolutional(blocks=4):
    stage = nn.Sequential(*(Residual() for _ in range(blocks)))
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        stage,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, CLASSES),
    )


PARAMETERS = LAYERS * (WIDTH * WIDTH + WIDTH) + WIDTH * CLASSES + CLASSES
TENSORS = 2 * (LAYERS + 1)


@pytest.mark.parametrize(
    ("optimizer", "options", "state"),
    [
        ("sgd", {}, 0),
        ("sgd", {"momentum": 0.9}, 1),
        ("rmsprop", {}, 1),
        ("adam", {}, 2),
        ("adamw", {"amsgrad": True}, 3),
    ],
)
@pytest.mark.parametrize(("precision", "size"), [("fp32", 4), ("bf16", 2), ("amp", 4)])
def test_parameters_gradients_and_state_are_multiples_of_their_number(
    optimizer, options, state, precision, size
):
    profile = memory_profile(
        network, (BATCH, WIDTH), optimizer=optimizer, options=options, precision=precision
    )
    assert profile.parameters_bytes == PARAMETERS * size
    assert profile.gradients_bytes == PARAMETERS * size
    assert profile.optimizer_state_bytes == state * PARAMETERS * size


def test_step_counters_are_on_the_cpu():
    """Adam keeps a float32 for each tensor there, whatever device the tensor is on."""
    profile = memory_profile(network, (BATCH, WIDTH), device="cpu")
    assert profile.optimizer_state_bytes == 2 * 4 * PARAMETERS + 4 * TENSORS


@pytest.mark.parametrize(("precision", "size"), [("fp32", 4), ("bf16", 2)])
@pytest.mark.parametrize("batch", [1, BATCH])
def test_what_is_saved_has_a_closed_form(batch, precision, size):
    """Each hidden output once: for its ReLU and for the next layer. The input is no activation."""
    profile = memory_profile(network, (batch, WIDTH), precision=precision)
    hidden, log_softmax, weight_of_the_loss = LAYERS * batch * WIDTH, batch * CLASSES, 1
    assert profile.activations_bytes == size * (hidden + log_softmax + weight_of_the_loss)
    assert profile.inputs_bytes == size * batch * WIDTH + 8 * batch  # and the labels


def test_what_is_saved_counts_from_the_operation_that_made_it_until_it_was_used():
    profile = memory_profile(network, (BATCH, WIDTH))
    activations = profile.timeline[:, profile.kinds.index("activations")]
    assert activations[profile.operations.index("addmm")] == 0
    assert activations[profile.operations.index("relu")] == 4 * BATCH * WIDTH
    assert activations[dict(profile.phases)["optimizer"]] == 0


def test_what_outlives_the_backward_pass_is_an_activation_no_more():
    """The outputs of a sigmoid: saved for its gradient, and held by the loop."""
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Sigmoid(), nn.Unflatten(1, (1, WIDTH)))
    profile = memory_profile(model, (BATCH, WIDTH))
    outputs = 4 * BATCH * WIDTH
    before_the_step = profile.timeline[dict(profile.phases)["optimizer"] - 1]
    last = dict(zip(profile.kinds, before_the_step, strict=True))
    assert profile.activations_bytes == outputs
    assert last["activations"] == 0
    assert last["temporaries"] >= outputs


def test_an_activation_that_needs_its_input_saves_twice_as_much():
    relu, gelu = (
        memory_profile(lambda a=a: network(a), (BATCH, WIDTH)) for a in (nn.ReLU, nn.GELU)
    )
    more = LAYERS * BATCH * WIDTH * 4
    assert gelu.activations_bytes - relu.activations_bytes == more


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        pytest.param(network, (BATCH, WIDTH), id="MLP"),
        pytest.param(convolutional, (4, 3, 16, 16), id="convolutions"),
        pytest.param(
            lambda: nn.Sequential(
                nn.TransformerEncoderLayer(16, 2, 32, batch_first=True),
                nn.Flatten(),
                nn.Linear(16 * 5, CLASSES),
            ),
            (4, 5, 16),
            id="attention",
        ),
    ],
)
def test_what_is_saved_is_what_hooks_see_on_real_tensors(make, shape):
    model, x, y = make(), torch.zeros(shape), torch.zeros(shape[0], dtype=torch.int64)
    known = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers(), x, y)}
    saved = {}

    def keep(tensor):
        saved[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = cross_entropy(model(x), y)
    expected = sum(t.untyped_storage().nbytes() for at, t in saved.items() if at not in known)
    del loss
    assert memory_profile(model, x, device="cpu").activations_bytes == expected


@pytest.mark.parametrize("mode", ["train", "inference"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_peak_is_what_the_allocator_reports(mode, optimizer):
    profile = memory_profile(
        network, (256, WIDTH), mode=mode, optimizer=optimizer, device="cpu", measure=True
    )
    assert profile.peak_bytes == pytest.approx(profile.measured_peak_bytes, rel=1e-3)


class Transposed(nn.Module):
    """Its linear layer reads an input that is not contiguous."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(64, 256)

    def forward(self, x):
        return self.layer(x.transpose(0, 1))


@pytest.mark.parametrize("mode", ["train", "inference"])
def test_a_linear_layer_adds_its_bias_in_place_as_for_real_tensors(mode):
    profile = memory_profile(
        Transposed,
        (16, 32, 64),
        mode=mode,
        device="cpu",
        measure=True,
        loss=lambda outputs: outputs.square().mean(),
    )
    assert profile.peak_bytes == pytest.approx(profile.measured_peak_bytes, rel=1e-3)
    outputs = 4 * 16 * 32 * 256
    if mode == "inference":  # the input is copied in order while the layer works
        assert profile.peak_bytes < 2 * outputs


class Mixed(nn.Module):
    """Adds and multiplies what a linear layer gave in half precision and what came in."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        return (x + self.layer(x)) * self.layer(x)


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
@pytest.mark.parametrize("mode", ["train", "inference"])
@pytest.mark.parametrize("precision", ["amp", "amp-fp16"])
def test_on_the_cpu_a_sum_of_two_types_copies_the_smaller_first(precision, mode):
    with torch.backends.mkldnn.flags(enabled=False):  # its products in half precision take scratch
        profile = memory_profile(
            Mixed,
            (2048, WIDTH),
            precision=precision,
            mode=mode,
            device="cpu",
            measure=True,
            loss=lambda outputs: outputs.square().mean(),
        )
    assert profile.peak_bytes == pytest.approx(profile.measured_peak_bytes, rel=1e-3)


def test_measuring_prints_nothing():
    """The profiler's library writes log lines past Python's streams; loaded once a process."""
    code = (
        "from torch import nn; from dlfaq import memory_profile; import os;"
        "memory_profile(nn.Linear(2, 2), (1, 2), device='cpu', measure=True);"
        "assert 'KINETO_LOG_LEVEL' not in os.environ"
    )
    environment = {k: v for k, v in os.environ.items() if k != "KINETO_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout == done.stderr == ""


def test_gradients_of_a_sparse_embedding_hold_the_rows_that_were_used():
    def make(*, sparse):
        embedding = nn.Embedding(10_000, 8, sparse=sparse)
        return nn.Sequential(embedding, nn.Flatten(), nn.Linear(24, CLASSES))

    tokens = torch.zeros(4, 3, dtype=torch.int64)
    sparse, dense = (
        memory_profile(
            partial(make, sparse=kind), tokens, optimizer="sgd", device="cpu", measure=True
        )
        for kind in (True, False)
    )
    assert dense.peak_bytes - sparse.peak_bytes > 0.9 * 4 * 10_000 * 8
    assert sparse.peak_bytes == pytest.approx(sparse.measured_peak_bytes, rel=0.01)


def test_what_making_the_model_took_is_not_measured():
    def make():
        torch.zeros(10**6)
        return network()

    profile = memory_profile(make, (256, WIDTH), device="cpu", measure=True)
    assert profile.measured_peak_bytes < 10**6


@pytest.mark.filterwarnings("ignore:Module is None")
def test_the_peak_is_that_of_pytorch_s_own_tracker():
    with FakeTensorMode():
        model, x = convolutional(), torch.empty(4, 3, 16, 16)
        y = torch.empty(4, dtype=torch.int64)
        tracker = MemTracker()
        tracker.track_external(model, x, y)
        with tracker:
            outputs = model(x)
            loss = cross_entropy(outputs, y)
            loss.backward()
    peak = next(iter(tracker.get_tracker_snapshot("peak").values()))
    del outputs, loss
    gc.collect()
    profile = memory_profile(convolutional, (4, 3, 16, 16), optimizer="sgd", device="cpu")
    assert profile.peak_bytes == peak["Total"]
    assert profile.at_peak["parameters"] == peak["Parameter"]


def test_the_kinds_at_the_peak_add_up_to_it():
    profile = memory_profile(convolutional, (4, 3, 16, 16))
    assert sum(profile.at_peak.values()) == profile.peak_bytes == profile.timeline.sum(1).max()


def test_each_storage_on_a_gpu_fills_multiples_of_512_bytes():
    profile = memory_profile(lambda: nn.Linear(1, 1), (1, 1), mode="inference")
    held = [4, 4, 4, 4]  # weight, bias, input, output
    assert profile.at_peak["rounding"] == sum(512 - n for n in held)
    assert profile.peak_bytes == 4 * 512


@pytest.mark.parametrize(
    ("make", "inputs", "keywords", "count"),
    [
        pytest.param(network, (BATCH, WIDTH), {}, 2, id="training"),
        pytest.param(network, (BATCH, WIDTH), {"mode": "inference"}, 1, id="inference"),
        pytest.param(network, (BATCH, WIDTH), {"device": "cpu"}, 0, id="CPU"),
        pytest.param(
            lambda: nn.Sequential(nn.Conv1d(1, 2, 3), nn.Flatten()),
            (BATCH, 1, WIDTH),
            {},
            0,
            id="convolutions alone",
        ),
    ],
)
def test_on_a_gpu_each_thread_that_multiplies_matrices_has_a_workspace(
    make, inputs, keywords, count
):
    """Backward passes run in a thread of their own there."""
    if keywords.get("device") != "cpu":
        keywords = {**keywords, "gpu": "h100"}
    profile = memory_profile(make, inputs, **keywords)
    assert profile.workspace_bytes == count * 32 * 2**20
    assert profile.needed_bytes - profile.peak_bytes == profile.workspace_bytes
    assert ("workspaces of cuBLAS" in str(profile)) is (count > 0)


def test_a_forward_pass_of_its_own_has_one_workspace():
    frozen = nn.Linear(WIDTH, WIDTH).requires_grad_(False)
    profile = memory_profile(
        lambda: nn.Sequential(frozen, nn.Unflatten(1, (1, WIDTH)), nn.BatchNorm1d(1)),
        (BATCH, WIDTH),
    )
    assert profile.workspaces == 1


def test_inference_saves_nothing_and_has_no_gradients():
    profile = memory_profile(network, (BATCH, WIDTH), mode="inference", device="cpu")
    assert profile.activations_bytes == profile.gradients_bytes == 0
    assert profile.optimizer_state_bytes == 0
    # A layer's input, and its output: one is freed when the next is made.
    assert profile.peak_bytes == 4 * PARAMETERS + 4 * BATCH * WIDTH * (1 + 2)


def test_checkpointing_keeps_the_input_of_each_block():
    whole = memory_profile(convolutional, (4, 3, 16, 16))
    blocks = memory_profile(convolutional, (4, 3, 16, 16), checkpointing=True)
    image = 4 * 4 * 8 * 16 * 16
    # Of a block remains its input; the first layer's is the model's, and a mean keeps nothing.
    head = 4 * (4 * 8 + 4 * CLASSES + 1)
    assert blocks.activations_bytes == 4 * image + head
    assert whole.activations_bytes > 3 * 4 * image


def test_checkpointing_a_plain_chain_keeps_the_ends_of_its_pieces():
    layers = [nn.Linear(WIDTH, WIDTH) for _ in range(15)]
    profile = memory_profile(
        nn.Sequential(*layers, nn.Linear(WIDTH, CLASSES)), (BATCH, WIDTH), checkpointing=True
    )
    # 16 layers in 4 pieces: the first begins at the model's input, the last is not recomputed.
    inputs_of_pieces, inputs_of_last_layers = 2, 4
    kept = (inputs_of_pieces + inputs_of_last_layers) * BATCH * WIDTH + BATCH * CLASSES + 1
    assert profile.activations_bytes == 4 * kept


def test_no_piece_begins_with_a_layer_that_works_in_place():
    """It would overwrite the input that is kept; PyTorch raises then, on real tensors too."""
    layers = [m for _ in range(8) for m in (nn.Linear(WIDTH, WIDTH), nn.ReLU(inplace=True))]
    model = nn.Sequential(nn.Tanh(), *layers, nn.Linear(WIDTH, CLASSES))
    profile = memory_profile(
        model, (BATCH, WIDTH), checkpointing=True, device="cpu", measure=True, optimizer="sgd"
    )
    # A real checkpoint also keeps the state of the random numbers, 5 KB on the CPU.
    assert profile.peak_bytes == pytest.approx(profile.measured_peak_bytes, rel=0.02)


@pytest.mark.parametrize("precision", ["fp32", "amp"])
def test_what_is_recomputed_runs_the_kernels_of_the_forward_pass(precision):
    """Else autograd finds other tensors than it dropped, and raises."""
    layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
    shape = (4, 100, 16)
    whole = memory_profile(encoder, shape, precision=precision)
    blocks = memory_profile(encoder, shape, precision=precision, checkpointing=True)
    assert blocks.activations_bytes < whole.activations_bytes / 4


class Checkpointed(nn.Module):
    """A model that checkpoints its layers itself, one whose kernel is another on a GPU."""

    def __init__(self, width=8):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.Dropout(0.5)) for _ in range(3)
        )

    def forward(self, x):
        for layer in self.layers:
            x = torch.utils.checkpoint.checkpoint(layer, x, use_reentrant=False)
        return x


def test_what_a_model_checkpoints_itself_is_recomputed_by_the_same_kernels():
    operations = memory_profile(Checkpointed, (4, 8)).operations
    assert operations.count("native_dropout") == 2 * 3


def test_checkpointing_needs_something_to_wrap():
    with pytest.raises(
        InputError, match=r"blocks in an nn.Sequential or nn.ModuleList; got Linear"
    ):
        memory_profile(lambda: nn.Linear(2, 2), (1, 2), checkpointing=True)


def test_accumulation_saves_for_a_part_of_the_batch_at_a_time():
    whole = memory_profile(network, (BATCH, WIDTH))
    parts = memory_profile(network, (BATCH, WIDTH), accumulation=4)
    quarter = memory_profile(network, (BATCH // 4, WIDTH))
    assert parts.activations_bytes == quarter.activations_bytes < whole.activations_bytes
    assert parts.gradients_bytes == whole.gradients_bytes
    assert [phase for phase, _ in parts.phases] == ["forward", "backward"] * 4 + ["optimizer"]


def test_a_step_of_adam_on_a_gpu_takes_the_model_once_more():
    """One call for all tensors makes all of √v at once; on the CPU one tensor after another."""

    def temporaries(**keywords):
        profile = memory_profile(lambda: nn.Linear(1000, 1), (1, 1000), **keywords)
        start = dict(profile.phases)["optimizer"]
        return profile.timeline[start:, profile.kinds.index("temporaries")].max()

    assert temporaries() == 4 * 1001
    assert temporaries(device="cpu") == 2 * 4 * 1000  # √v and its quotient
    assert temporaries(options={"fused": True}) < 100


def test_dropout_on_a_gpu_keeps_one_byte_an_element():
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Dropout(0.5), nn.Linear(WIDTH, CLASSES))
    gpu, cpu = (memory_profile(model, (BATCH, WIDTH), device=d) for d in ("cuda", "cpu"))
    assert cpu.activations_bytes - gpu.activations_bytes == 3 * BATCH * WIDTH


@pytest.mark.parametrize("precision", ["fp32", "bf16", "amp"])
def test_attention_on_a_gpu_keeps_no_scores(precision):
    """With dropout the CPU has no kernel for it and keeps (batch, heads, length, length)."""
    layer = nn.MultiheadAttention(16, 2, dropout=0.1, batch_first=True)
    length = 200
    x = torch.empty(1, length, 16)
    inputs = {"query": x, "key": x, "value": x, "need_weights": False}
    gpu, cpu = (
        memory_profile(layer, inputs, precision=precision, device=d) for d in ("cuda", "cpu")
    )
    scores = 2 * length * length * 2  # bytes, in half precision
    assert cpu.activations_bytes > scores > 3 * gpu.activations_bytes


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.project = nn.Linear(16, 48)

    def forward(self, x):
        heads = self.project(x).unflatten(-1, (3, 2, 8)).permute(2, 0, 3, 1, 4)
        return nn.functional.scaled_dot_product_attention(*heads, dropout_p=0.1)


def test_attention_that_is_called_by_its_function_keeps_no_scores_either():
    gpu, cpu = (memory_profile(Attention, (1, 200, 16), device=d) for d in ("cuda", "cpu"))
    scores = 2 * 200 * 200 * 4
    assert cpu.activations_bytes > scores > 3 * gpu.activations_bytes


def test_attention_that_returns_its_weights_has_them_in_float32_under_autocast():
    layer = nn.MultiheadAttention(16, 2, batch_first=True)
    x = torch.empty(1, 200, 16)
    profile = memory_profile(layer, (x, x, x), precision="amp")
    assert profile.activations_bytes > 2 * 200 * 200 * (4 + 2)  # and a half copy to multiply with


@pytest.mark.parametrize("dtype", [torch.bfloat16, None])
def test_a_model_s_own_autocast_for_a_gpu_is_followed_without_one(dtype):
    class Half(nn.Linear):
        def forward(self, x):
            with torch.autocast("cuda", dtype=dtype):
                return super().forward(x).relu()

    model = nn.Sequential(Half(WIDTH, 2 * WIDTH, bias=False), nn.Unflatten(1, (2, WIDTH)))
    profile = memory_profile(model, (BATCH, WIDTH))
    # The input as the product took it, and what its ReLU gave.
    assert profile.activations_bytes == 2 * (BATCH * WIDTH + BATCH * 2 * WIDTH)


def test_autocast_keeps_layer_norm_in_float32_on_a_gpu():
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH), nn.Flatten())
    profile = memory_profile(model, (BATCH, WIDTH), precision="amp")
    input_in_bfloat16 = 2 * BATCH * WIDTH
    norm_input = log_softmax = 4 * BATCH * WIDTH
    mean_and_deviation, weight_of_the_loss = 2 * 4 * BATCH, 4
    expected = input_in_bfloat16 + norm_input + mean_and_deviation + log_softmax
    assert profile.activations_bytes == expected + weight_of_the_loss


@pytest.mark.parametrize("precision", ["amp", "amp-fp16"])
def test_a_cross_entropy_under_autocast_on_a_gpu_makes_no_float32_copy_of_the_logits(precision):
    """Its softmax reads two bytes and writes four, as `half_to_float` of PyTorch's operator has it.

    So it was measured: bench/memory_truth_h200.md, GPT-2 under autocast at 16×256 tokens.
    """
    classes = 4000
    profile = memory_profile(
        lambda: nn.Linear(1, classes, bias=False), (512, 1), precision=precision, optimizer="sgd"
    )
    logits = 512 * classes
    # The logits, the logarithms, their gradient, and that of the logits.
    assert profile.peak_bytes == pytest.approx((2 + 4 + 4 + 2) * logits, rel=0.02)
    assert profile.activations_bytes == pytest.approx(4 * logits, rel=0.01)


def test_autocast_resizes_images_in_float32_on_a_gpu():
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Upsample(scale_factor=8, mode="bilinear"))
    profile = memory_profile(model, (2, 1, 8, 8), precision="amp", mode="inference")
    assert profile.temporaries_bytes >= 4 * 2 * 64 * 64
    cpu = memory_profile(model, (2, 1, 8, 8), precision="amp", mode="inference", device="cpu")
    assert cpu.temporaries_bytes < 4 * 2 * 64 * 64


def test_layers_that_share_a_weight_count_it_once():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.out = nn.Embedding(50, 16), nn.Linear(16, 50, bias=False)
            self.out.weight = self.embed.weight

        def forward(self, x):
            return self.out(self.embed(x)).mean(1)

    tokens = torch.zeros(4, 7, dtype=torch.int64)
    for model in (Tied, Tied()):
        for precision, size in (("fp32", 4), ("bf16", 2)):
            profile = memory_profile(model, tokens, precision=precision)
            assert profile.parameters_bytes == profile.gradients_bytes == 50 * 16 * size


def test_the_model_stays_as_it_is():
    model = convolutional().eval()
    before = {name: t.clone() for name, t in model.state_dict().items()}
    memory_profile(
        model,
        torch.ones(2, 3, 16, 16),
        precision="bf16",
        checkpointing=True,
        device="cpu",
        measure=True,
    )
    assert not model.training
    assert all(p.grad is None and p.dtype == torch.float32 for p in model.parameters())
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())
    assert all("forward" not in vars(module) for module in model.modules())


@pytest.mark.parametrize("meta", [False, True], ids=["function", "meta device"])
def test_no_model_is_too_large(meta):
    """A terabyte of weights, on any machine."""
    model = partial(nn.Linear, 2**19, 2**19, bias=False)
    if meta:
        model = model(device="meta")
    profile = memory_profile(model, (1, 2**19))
    assert profile.parameters_bytes == 2**40
    assert profile.optimizer_state_bytes == 2**41


def test_truncated_normal_weights_are_not_drawn(capsys):
    """PyTorch looks at them to draw again: those of a terabyte would be drawn for real."""

    def make():
        print("made")
        layer = nn.Linear(2**19, 2**19, bias=False)
        nn.init.trunc_normal_(layer.weight, std=0.02)
        return layer

    assert memory_profile(make, (1, 2**19), mode="inference").parameters_bytes == 2**40
    assert capsys.readouterr().out == "made\n"  # not a second time, for real


def test_a_function_that_looks_at_its_weights_is_called_for_real():
    def make():
        layer = nn.Linear(3, 3)
        if layer.weight.abs().max() > 100:
            raise AssertionError
        return layer

    assert memory_profile(make, (1, 3)).parameters_bytes == 4 * 12


@pytest.mark.parametrize(
    "inputs",
    [
        torch.empty(5, WIDTH),
        (5, WIDTH),
        (torch.empty(5, WIDTH),),
        {"input": torch.empty(5, WIDTH)},
    ],
    ids=["tensor", "shape", "positional", "keywords"],
)
def test_inputs_are_a_tensor_a_shape_or_arguments(inputs):
    model = nn.Sequential(nn.Linear(WIDTH, CLASSES))
    assert memory_profile(model, inputs, mode="inference").inputs_bytes == 4 * 5 * WIDTH
    larger = memory_profile(model, inputs, mode="inference", batch_size=7)
    assert larger.inputs_bytes == 4 * 7 * WIDTH
    assert larger.batch_size == 7


def test_only_what_has_the_batch_s_length_grows_with_it():
    class Masked(nn.Module):
        def forward(self, x, mask):
            return x + mask

    inputs = {"x": torch.empty(2, 5, 5), "mask": torch.empty(5, 5)}
    profile = memory_profile(Masked, inputs, mode="inference", batch_size=7)
    assert profile.inputs_bytes == 4 * (7 * 5 * 5 + 5 * 5)


def test_the_mode_decides_about_dropout_not_the_model():
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Dropout(0.5), nn.Linear(WIDTH, CLASSES))
    training = memory_profile(model.eval(), (BATCH, WIDTH))
    assert "native_dropout" in training.operations
    inference = memory_profile(model.train(), (BATCH, WIDTH), mode="inference")
    assert "native_dropout" not in inference.operations


def test_a_model_and_what_makes_it_have_one_account():
    """An encoder copies its layer while it is made; the copies' views share their storage."""
    layer = partial(nn.TransformerEncoderLayer, 16, 2, 32, batch_first=True)

    def make():
        return nn.TransformerEncoder(layer(), 2, enable_nested_tensor=False)

    made, maker = (memory_profile(model, (4, 5, 16), device="cpu") for model in (make(), make))
    assert (made.timeline == maker.timeline).all()


def test_outputs_that_are_no_logits_are_summed_or_go_to_the_given_loss():
    model = nn.Linear(4, 4)
    summed = memory_profile(model, (2, 3, 4))
    assert summed.activations_bytes == 0  # a sum needs nothing of what it sums
    squared = memory_profile(model, (2, 3, 4), loss=lambda outputs: outputs.square().mean())
    assert squared.activations_bytes == 4 * 2 * 3 * 4


class Looks(nn.Module):
    def forward(self, x):
        return x * 2 if x.sum() > 0 else x


class Counts(nn.Module):
    def forward(self, x):
        return x[x > 0]


class Numbers(nn.Module):
    def forward(self, x):
        return x + x.numpy().mean()


class Elsewhere(nn.Module):
    def forward(self, x):
        return x + torch.ones(4, device="meta")


def compiled():
    model = nn.ReLU()
    model.compile()  # nothing yet: it compiles when it is first called
    return model


@torch.library.custom_op("dlfaq_tests::opaque", mutates_args=())
def opaque(x: torch.Tensor) -> torch.Tensor:
    return x.clone()


class Opaque(nn.Module):
    def forward(self, x):
        return opaque(x)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Looks, r"aten._local_scalar_dense.*Looks at .*test_memory.py:\d+.*take out .item"),
        (Counts, r"aten.nonzero.*Counts at .*test_memory.py:\d+.*boolean indexing"),
        (Numbers, r"a call of NumPy in Numbers at .*test_memory.py:\d+.*stay with PyTorch"),
        (Elsewhere, r"two devices in Elsewhere at .*test_memory.py:\d+.*take out .cuda"),
        (lambda: nn.LazyLinear(3), r"know their shapes; got LazyLinear; .*nn.Linear"),
        (compiled, r"one operation after another; got ReLU, which is compiled; leave out torch.co"),
        (Opaque, r"got dlfaq_tests::opaque in Opaque at .*test_memory.py:\d+.*register_fake"),
        (
            lambda: nn.Linear(3, 3),
            r"a step of Linear that runs on.*; got RuntimeError.*same reduction dim",
        ),
    ],
    ids=[
        "if on a tensor",
        "boolean indexing",
        "NumPy",
        "two devices",
        "lazy",
        "compiled",
        "no fake kernel",
        "wrong shape",
    ],
)
def test_a_model_that_cannot_be_followed_says_where_and_what_to_do(model, message):
    with pytest.raises(InputError, match=message):
        memory_profile(model, (2, 4), mode="inference")


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"mode": "test"}, "mode among train, inference; got 'test'"),
        ({"precision": "fp8"}, "precision among fp32, bf16, fp16, amp, amp-fp16; got 'fp8'"),
        ({"device": "tpu"}, "device among cuda, cpu; got 'tpu'"),
        ({"optimizer": "adm"}, "an optimizer among adadelta"),
        ({"batch_size": 0}, "batch size of 1 or more; got 0"),
        ({"accumulation": 3}, "accumulation from 1 to 2, the batch size; got 3"),
        ({"inputs": {"flag": True}}, "a tensor with a batch dimension"),
        ({"model": nn.ReLU}, "parameters that require gradients; got ReLU without any"),
        ({"model": lambda: None}, "a function that makes one; got a function that returned None"),
    ],
)
def test_wrong_arguments_are_refused(keywords, message):
    arguments = {"model": lambda: nn.Linear(4, 4), "inputs": (2, 4), **keywords}
    with pytest.raises(InputError, match=message):
        memory_profile(arguments.pop("model"), arguments.pop("inputs"), **arguments)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU to measure on")
def test_a_gpu_is_measured_only_where_there_is_one():
    with pytest.raises(InputError, match="a GPU to measure on; got none"):
        memory_profile(network, (1, WIDTH), measure=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_the_peak_is_within_three_percent_of_a_gpu_s():
    profile = memory_profile(network, (2**14, WIDTH), measure=True)
    assert profile.needed_bytes == pytest.approx(profile.measured_peak_bytes, rel=0.03)


def test_all_settings_of_the_process_are_as_before():
    torch.backends.mha.set_fastpath_enabled(True)  # as it is in a new process
    onednn = torch.backends.mkldnn.enabled
    softmax = nn.functional.softmax
    with pytest.raises(InputError, match="Looks"):
        memory_profile(Looks, (2, 4), mode="inference")
    memory_profile(lambda: nn.TransformerEncoderLayer(8, 2, 8), (2, 3, 8))
    assert torch.backends.mha.get_fastpath_enabled()
    assert torch.backends.mkldnn.enabled == onednn
    assert nn.functional.softmax is softmax
