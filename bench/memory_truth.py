"""How true `memory_profile` is: its peaks beside those of real steps, for eight models.

On a GPU the truth is `torch.cuda.max_memory_allocated`; on the CPU it is the sum of what PyTorch's
allocator reports to its profiler, and, for what is saved for the backward pass, the storages that
hooks on saved tensors see. With `--libraries`, where the prediction is off by more than 3 percent,
the step is run again without the library that is suspected, and the table says what is left then.

    python bench/memory_truth.py [--device cpu|cuda] [--only NAME] [--budget SECONDS]

It writes a Markdown table, the GPU's if there is one, each model's first rows first; when the
seconds are over (280) it says how many rows are left. On a GPU it also writes what
`dlfaq.memory.gpus` has of others: the context, and what was reserved for each row.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import sys
import time
from contextlib import ExitStack
from functools import partial
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torchvision
from torch import Tensor, nn
from torch._subclasses import fake_tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.functional import cross_entropy, max_pool2d


def fill_in() -> None:
    """Give PyTorch 2.11, which a lent GPU may come with, the two names of 2.14 that dlfaq uses."""
    if not hasattr(fake_tensor, "FakeTensorDeviceMismatchError"):
        error = type("FakeTensorDeviceMismatchError", (RuntimeError,), {})
        fake_tensor.FakeTensorDeviceMismatchError = error  # type: ignore[misc]
    if not hasattr(torch.backends.cuda, "cublas_workspace_size"):
        hopper = torch.cuda.is_available() and torch.cuda.get_device_capability() >= (9, 0)
        size = 32 * 2**20 if hopper else 8320 * 2**10
        torch.backends.cuda.cublas_workspace_size = lambda: size


fill_in()

from dlfaq import MemoryProfile, memory_profile  # noqa: E402 - not before that
from dlfaq.errors import first_line  # noqa: E402
from dlfaq.memory.tracker import KINDS  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

AIM = 0.03
CLASSES = 10


class Encoder(nn.Module):
    """A transformer encoder over tokens, with a linear layer on the mean of its outputs."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(1000, width)
        layer = nn.TransformerEncoderLayer(width, 8, 4 * width, batch_first=True)
        self.encode = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.classify = nn.Linear(width, CLASSES)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (batch, length) to logits (batch, classes)."""
        logits: Tensor = self.classify(self.encode(self.embed(tokens)).mean(dim=1))
        return logits


class Recurrent(nn.Module):
    """Two LSTM layers, with a linear layer on the last output."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.read = nn.LSTM(64, width, num_layers=2, batch_first=True)
        self.classify = nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Series (batch, length, 64) to logits (batch, classes)."""
        logits: Tensor = self.classify(self.read(x)[0][:, -1])
        return logits


class Language(nn.Module):
    """A decoder of GPT-2's shape, whose output layer shares its weights with the embedding."""

    def __init__(self, layers: int, width: int, heads: int, words: int) -> None:
        super().__init__()
        self.words = nn.Embedding(words, width)
        self.places = nn.Embedding(1024, width)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (batch, length) to logits (batch · length, words)."""
        length = tokens.shape[1]
        h = self.words(tokens) + self.places.weight[:length]
        later = nn.Transformer.generate_square_subsequent_mask(
            length, device=h.device, dtype=h.dtype
        )
        for block in self.blocks:
            h = block(h, later, is_causal=True)
        logits: Tensor = self.norm(h) @ self.words.weight.T
        return logits.flatten(0, 1)


def convolutions(inputs: int, outputs: int) -> nn.Sequential:
    """Two 3×3 convolutions, each with batch norm and ReLU."""
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers.append(nn.Conv2d(channels, outputs, 3, padding=1, bias=False))
        layers += [nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """A U-Net of four levels: a class for each pixel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(4)]
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList(convolutions(a, b) for a, b in [(3, width), *pairs])
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in reversed(pairs))
        self.join = nn.ModuleList(convolutions(2 * a, a) for a, _ in reversed(pairs))
        self.classify = nn.Conv2d(width, CLASSES, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Images (batch, 3, height, width) to logits (batch · height · width, classes)."""
        skips = []
        for level, block in enumerate(self.down):
            x = block(max_pool2d(x, 2) if level else x)
            skips.append(x)
        for up, join, skip in zip(self.up, self.join, skips[-2::-1], strict=True):
            x = join(torch.cat([skip, up(x)], 1))
        return self.classify(x).movedim(1, -1).flatten(0, -2)


class Case(NamedTuple):
    """A model, one example, the batches that the device can take, and more steps to try."""

    make: Callable[[], nn.Module]
    example: Tensor
    batches: Sequence[int]
    steps: Sequence[str] = ()


STEPS: dict[str, dict[str, Any]] = {
    "SGD": {"optimizer": "sgd"},
    "Adam": {"optimizer": "adam"},
    "inference": {"mode": "inference"},
    "Adam, amp": {"precision": "amp"},
    "Adam, bf16": {"precision": "bf16"},
    "Adam, checkpointed": {"checkpointing": True},
}
USUAL = ("SGD", "Adam", "inference")
HALF = ("Adam, amp", "Adam, bf16")


def network(width: int) -> nn.Sequential:
    """Six hidden layers with ReLU."""
    hidden = [layer for _ in range(6) for layer in (nn.Linear(width, width), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(width, CLASSES))


def cases(device: str) -> dict[str, Case]:
    """The eight models: as they are used on a GPU, smaller on the CPU."""
    tv = torchvision.models
    small_vit = partial(
        tv.VisionTransformer,
        image_size=64,
        patch_size=8,
        num_layers=6,
        num_heads=6,
        hidden_dim=384,
        mlp_dim=1536,
    )
    on_gpu = device == "cuda"
    image = torch.zeros(3, 224, 224) if on_gpu else torch.zeros(3, 64, 64)
    batches = (16, 64) if on_gpu else (2, 8, 16)
    width, length = (512, 256) if on_gpu else (128, 64)
    gpt = (12, 768, 12, 50_257) if on_gpu else (2, 128, 4, 1000)
    tokens = torch.zeros(length, dtype=torch.int64)
    few = (4, 16) if on_gpu else (2, 4)
    return {
        "MLP": Case(partial(network, 8 * width), torch.zeros(8 * width), (64, 1024)),
        "ResNet-18": Case(partial(tv.resnet18, weights=None), image, batches),
        "ResNet-50": Case(
            partial(tv.resnet50, weights=None), image, batches, (*HALF, "Adam, checkpointed")
        ),
        "ViT": Case(
            partial(tv.vit_b_16, weights=None) if on_gpu else small_vit,
            image,
            batches,
            (*HALF, "Adam, checkpointed"),
        ),
        "encoder": Case(partial(Encoder, width, 6), tokens, batches, HALF),
        "GPT-2": Case(partial(Language, *gpt), tokens, few, (*HALF, "Adam, checkpointed")),
        "U-Net": Case(partial(UNet, 64 if on_gpu else 8), image, few, HALF),
        "LSTM": Case(partial(Recurrent, width), torch.zeros(length, 64), batches, ("Adam, amp",)),
    }


def saved_bytes(model: nn.Module, x: Tensor) -> int:
    """Bytes of the storages a real forward pass saves, beyond parameters, buffers and inputs."""
    known = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers(), x)}
    saved: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        saved[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs = model.train()(x)
        y = torch.zeros(len(outputs), dtype=torch.int64)
        loss = cross_entropy(outputs, y)
    known.add(y.untyped_storage().data_ptr())
    found = sum(t.untyped_storage().nbytes() for at, t in saved.items() if at not in known)
    del loss
    return found


def predicted_saved(profile: MemoryProfile) -> int:
    """The activations when the backward pass begins."""
    row = dict(profile.phases)["backward"]
    return int(profile.timeline[row, KINDS.index("activations")])


def context_bytes() -> int:
    """What a process holds of the GPU before it has done anything there, reserve aside."""
    torch.zeros(1, device="cuda")
    torch.cuda.synchronize()
    free, total = torch.cuda.mem_get_info()
    return total - free - torch.cuda.memory_reserved()


def without_libraries(profile: Callable[[], MemoryProfile]) -> MemoryProfile:
    """The profile while PyTorch leaves out oneDNN, cuDNN and the fused encoder layer."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with ExitStack() as stack:
            stack.enter_context(torch.backends.mkldnn.flags(enabled=False))
            stack.enter_context(torch.backends.cudnn.flags(enabled=False))
            return profile()
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def error(profile: MemoryProfile) -> float:
    """The prediction's relative error."""
    assert profile.measured_peak_bytes is not None
    return profile.needed_bytes / profile.measured_peak_bytes - 1


def row(name: str, case: Case, batch: int, how: str, device: str, *, libraries: bool) -> str:
    """One line of the table."""
    if device == "cuda":
        torch.cuda.empty_cache()
    inputs = case.example.expand(batch, *case.example.shape).clone()
    measure = partial(memory_profile, case.make, inputs, device=device, measure=True, **STEPS[how])
    try:
        profile = measure()
    except Exception as failed:  # noqa: BLE001 - a row that fails says so, and the others go on
        return f"| {name} | {how} | {batch} | {first_line(failed)[:160]} | | | | | | | |"
    saved = ["", ""]
    if how == "SGD" and device == "cpu":  # what is saved does not depend on the optimizer
        saved = [f"{n / 2**20:.3f}" for n in (predicted_saved(profile), 0)]
        saved[1] = f"{saved_bytes(case.make(), inputs) / 2**20:.3f}"
    off = error(profile)
    held = torch.cuda.max_memory_reserved() if device == "cuda" else 0
    rest = f"{error(without_libraries(measure)):+.1%}" if libraries and abs(off) > AIM else ""
    gc.collect()
    bytes_ = (profile.convolution_bytes, profile.needed_bytes, profile.measured_peak_bytes or 0)
    peaks = [f"{n / 2**20:.2f}" for n in bytes_]
    reserved = [f"{held / 2**20:.0f}" if held else ""]
    cells = [name, how, str(batch), *peaks, f"{off:+.2%}", *reserved, rest, *saved]
    return f"| {' | '.join(cells)} |"


def order(case: Case) -> list[tuple[int, str]]:
    """Batches and steps, Adam and what is seldom tried first, the smallest batch before others."""
    steps = sorted({*USUAL, *case.steps}, key=lambda how: (how in {"SGD", "inference"}, how))
    return list(product(case.batches, steps))


def main() -> None:
    """Print the environment and the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    usual = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", default=usual, choices=["cpu", "cuda"])
    parser.add_argument("--only", metavar="NAME", help="one of the models")
    parser.add_argument("--budget", type=float, default=280, metavar="S", help="seconds (280)")
    parser.add_argument("--libraries", action="store_true", help="large errors once more, without")
    options = parser.parse_args()
    torch.manual_seed(0)
    gpu = (
        f", {torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
        if options.device == "cuda"
        else ""
    )
    begin = time.monotonic()
    print(f"`python bench/memory_truth.py {' '.join(sys.argv[1:])}`".replace(" `", "`"))
    print(
        f"\nPyTorch {torch.__version__}, torchvision {torchvision.__version__}, "
        f"Python {platform.python_version()}, {platform.machine()}{gpu}, "
        f"{os.environ.get('OMP_NUM_THREADS', 'all')} threads. MiB. Workspaces of convolutions "
        "(their copies) and of cuBLAS are in what is predicted.\n"
    )
    if options.device == "cuda":
        print(f"Context, measured before the first row: {context_bytes() / 2**20:.0f}.\n")
    head = ["model", "step", "batch", "convolutions", "predicted", "measured", "error", "reserved"]
    head += ["without libraries", "saved: predicted", "by hooks"]
    print(f"| {' | '.join(head)} |")
    print(f"|---|---|{'---:|' * (len(head) - 2)}")
    found = cases(options.device)
    rows = [
        (place, name, batch, how)
        for name, case in found.items()
        if options.only in {None, name}
        for place, (batch, how) in enumerate(order(case))
    ]
    rows.sort(key=lambda entry: entry[0])  # each model's first, then each one's second
    for done, (_, name, batch, how) in enumerate(rows):
        if time.monotonic() - begin > options.budget:
            print(f"\nThe time was over with {len(rows) - done} of {len(rows)} rows left.")
            return
        line = row(name, found[name], batch, how, options.device, libraries=options.libraries)
        print(line, flush=True)


if __name__ == "__main__":
    main()
