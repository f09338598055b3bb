"""The loss of the account: which one is taken for granted, and what its targets are."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import nn

from dlfaq import memory_profile
from dlfaq.errors import InputError

BATCH, LENGTH, WIDTH, WORDS = 4, 6, 8, 50
TOKENS = torch.zeros(BATCH, LENGTH, dtype=torch.int64)


class Language(nn.Module):
    def __init__(self, give=lambda logits: logits):
        super().__init__()
        self.embed, self.out = nn.Embedding(WORDS, WIDTH), nn.Linear(WIDTH, WORDS)
        self.give = give

    def forward(self, tokens):
        return self.give(self.out(self.embed(tokens)))


def first_line(profile):
    return str(profile).split("\n")[0]


def test_a_language_model_gets_cross_entropy_over_its_flattened_logits():
    profile = memory_profile(Language, TOKENS, optimizer="sgd", device="cpu", measure=True)
    labels = 8 * BATCH * LENGTH
    assert profile.inputs_bytes == 8 * TOKENS.numel() + labels
    embedded, log_softmax = 4 * BATCH * LENGTH * WIDTH, 4 * BATCH * LENGTH * WORDS
    assert profile.activations_bytes == embedded + log_softmax + 4  # the sum of the labels' weights
    assert profile.peak_bytes == profile.measured_peak_bytes
    assert "loss cross_entropy of the flattened logits (assumed)" in first_line(profile)


def test_features_of_numbers_are_summed():
    profile = memory_profile(lambda: nn.Linear(WIDTH, WIDTH), (BATCH, LENGTH, WIDTH))
    assert "loss the sum of the outputs (assumed)" in first_line(profile)


@pytest.mark.parametrize(
    ("give", "words"),
    [
        (lambda logits: (logits, logits.square().mean()), "the model's own loss"),
        (lambda logits: {"loss": logits.mean(), "aux": logits.sum()}, "the model's own loss"),
        (lambda logits: {"logits": logits, "cache": logits}, "cross_entropy of the flattened"),
        (lambda logits: (logits[:, 0], logits[:, 1]), "cross_entropy, summed over 2 outputs"),
        (lambda logits: (logits, logits[:, 0]), "the sum of the outputs"),
    ],
)
def test_what_a_model_returns_suggests_its_loss(give, words):
    profile = memory_profile(lambda: Language(give), TOKENS, validation="no_grad")
    assert f"loss {words}" in first_line(profile)


NAMES = [
    *["cross_entropy", "nll_loss", "multi_margin_loss", "multilabel_margin_loss", "mse_loss"],
    *["l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy_with_logits", "kl_div"],
    *["poisson_nll_loss", "multilabel_soft_margin_loss"],
    *["hinge_embedding_loss", "CrossEntropyLoss", "NLLLoss", "MSELoss", "L1Loss", "HuberLoss"],
    *["BCEWithLogitsLoss", "KLDivLoss", "MultiMarginLoss", "nn.MSELoss", "F.mse_loss", "mse"],
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore:reduction")
def test_losses_of_pytorch_by_name_run_on_made_up_targets(name):
    profile = memory_profile(
        lambda: nn.Linear(WIDTH, 32),
        (512, WIDTH),
        loss=name,
        optimizer="sgd",
        device="cpu",
        measure=True,
    )
    assert f"loss {name}," in first_line(profile)
    assert profile.peak_bytes == pytest.approx(profile.measured_peak_bytes, rel=0.01)


def test_binary_cross_entropy_takes_probabilities():
    def make():
        return nn.Sequential(nn.Linear(WIDTH, 1), nn.Sigmoid())

    for name in ("bce", "BCELoss", "binary_cross_entropy", nn.BCELoss, nn.BCELoss()):
        profile = memory_profile(make, (BATCH, WIDTH), loss=name)
        assert profile.inputs_bytes == 4 * BATCH * WIDTH + 4 * BATCH  # a target for each output


def test_a_class_for_each_pixel():
    profile = memory_profile(
        lambda: nn.Conv2d(3, 7, 1), (2, 3, 5, 5), loss="cross_entropy", device="cpu"
    )
    assert profile.inputs_bytes == 4 * 2 * 3 * 25 + 8 * 2 * 25


class Several(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(n))

    def forward(self, x):
        return tuple(layer(x) for layer in self.layers)


@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("triplet_margin_loss", 3),
        ("TripletMarginWithDistanceLoss", 3),
        ("cosine_embedding_loss", 2),
        ("gaussian_nll_loss", 2),
        ("mse_loss", 2),
    ],
)
def test_losses_of_several_outputs(name, outputs):
    profile = memory_profile(lambda: Several(outputs), (BATCH, WIDTH), loss=name)
    assert profile.gradients_bytes == profile.parameters_bytes


@pytest.mark.parametrize(
    "loss",
    [
        F.cross_entropy,
        partial(F.cross_entropy, label_smoothing=0.1),
        nn.CrossEntropyLoss,
        nn.CrossEntropyLoss(label_smoothing=0.1),
        lambda outputs, target: F.cross_entropy(2 * outputs, target),
    ],
    ids=["function", "partial", "class", "module", "two arguments"],
)
def test_a_loss_is_a_function_or_a_module_too(loss):
    profile = memory_profile(lambda: nn.Linear(WIDTH, 3), (BATCH, WIDTH), loss=loss)
    named = memory_profile(lambda: nn.Linear(WIDTH, 3), (BATCH, WIDTH))
    assert profile.inputs_bytes == named.inputs_bytes
    assert "assumed" not in first_line(profile)


def test_the_weights_of_classes_stand_with_the_inputs():
    weights = nn.CrossEntropyLoss(weight=torch.ones(1000))
    plain, weighted = (
        memory_profile(lambda: nn.Linear(WIDTH, 1000), (BATCH, WIDTH), loss=loss)
        for loss in (None, weights)
    )
    assert weighted.inputs_bytes - plain.inputs_bytes == 4 * 1000


def test_targets_are_of_two_bytes_where_everything_is():
    def inputs(precision):
        profile = memory_profile(
            lambda: nn.Linear(WIDTH, 3), (BATCH, WIDTH), loss="mse", precision=precision
        )
        return profile.inputs_bytes

    assert inputs("fp32") == inputs("amp") == 4 * BATCH * (WIDTH + 3)
    assert inputs("bf16") == inputs("fp16") == 2 * BATCH * (WIDTH + 3)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("mse_los", "a loss among .*; got 'mse_los'; did you mean 'mse_loss'?"),
        ("focal", "a loss among .*; got 'focal'; pass one of these, a module, or a function"),
        ("ctc_loss", "a loss of outputs and labels; got ctc, which takes more"),
        ("triplet_margin_loss", "a model with 3 outputs for the loss tripletmargin; got 1"),
        (3, "a loss: a name, a module, or a function of the outputs; got 3"),
        (lambda outputs: outputs, r"a loss of one number; got \[4, 3\] numbers"),
        (lambda outputs: outputs.nothing, r"outputs that the loss <lambda> takes; got outputs 4×3"),
        (nn.NLLLoss(torch.ones(7)), "outputs that the loss NLLLoss takes; got outputs 4×3"),
    ],
)
def test_what_stops_the_loss_is_said_of_the_loss(loss, message):
    with pytest.raises(InputError, match=message):
        memory_profile(lambda: nn.Linear(WIDTH, 3), (BATCH, WIDTH), loss=loss)
