"""Predictions of `memory_profile` beside peaks that other people published, for eight named models.

Each row is a run whose page says enough to repeat it: model, batch, optimizer, precision. What else
is known of its loop is given to the prediction as habits, and the last column says what may explain
the rest. Nothing here was fitted to these figures.

    python bench/memory_published.py

It writes a Markdown table. Rows of Transformers need that package (`pip install transformers`),
which is not in the lock; without it they are left out, and the table says so.
"""

from __future__ import annotations

import importlib
import importlib.util
import platform
from functools import partial
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torchvision
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate, max_pool2d

from dlfaq import MemoryProfile, memory_profile

if TYPE_CHECKING:
    from collections.abc import Callable

MIB, GB = 2**20, 10**9
CONTEXT = 1343 * MIB  # of the V100 in the guide of Transformers, as the guide has it

OPTIMUM = "https://huggingface.co/datasets/optimum-benchmark/rocm/commit/"
RASBT = "https://github.com/rasbt/pytorch-memory-optim/blob/main/logs.md"
MMSEG = "https://github.com/open-mmlab/mmsegmentation/blob/main/configs/"
TUTORIAL = (
    "https://docs.pytorch.org/tutorials/intermediate/optimizer_step_in_backward_tutorial.html"
)
GUIDE = "https://huggingface.co/docs/transformers/v4.41.3/en/model_memory_anatomy"
LITGPT = "https://github.com/Lightning-AI/litgpt/blob/main/tutorials/resource-tables.md"
DENSENET = "https://github.com/gpleiss/efficient_densenet_pytorch/tree/2b2ecfa"


class Run(NamedTuple):
    """A published peak, and the step that repeats it.

    Attributes:
        model: its name.
        how: what the source says of the run.
        published: bytes.
        what: "allocated", "reserved" or "process": what the source measured.
        source: its address.
        step: makes the model, and the arguments of `memory_profile`.
        rest: what may explain the difference.
        has_workspaces: whether cuBLAS's are among what was measured.
    """

    model: str
    how: str
    published: float
    what: str
    source: str
    step: Callable[[], tuple[Callable[[], nn.Module], Any, dict[str, Any]]]
    rest: str
    has_workspaces: bool = True


def convolution(inputs: int, outputs: int, kernel: int = 3, **options: Any) -> nn.Sequential:  # noqa: ANN401
    """A convolution, batch norm and ReLU in place, as mmsegmentation has them."""
    pad = options.get("dilation", 1) * (kernel // 2)
    layer = nn.Conv2d(inputs, outputs, kernel, padding=pad, bias=False, **options)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class Head(nn.Module):
    """Convolutions, their input beside them if asked for, and a loss at the labels' size."""

    def __init__(self, inputs: int, width: int, convolutions: int, classes: int) -> None:
        super().__init__()
        widths = [inputs, *[width] * convolutions]
        self.convolve = nn.Sequential(*(convolution(a, b) for a, b in pairwise(widths)))
        self.join = convolution(inputs + width, width) if convolutions > 1 else None
        self.classify = nn.Sequential(nn.Dropout2d(0.1), nn.Conv2d(width, classes, 1))

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """The mean cross-entropy of all pixels."""
        h = self.convolve(x)
        if self.join is not None:
            h = self.join(torch.cat([x, h], 1))
        logits = interpolate(self.classify(h), labels.shape[1:], mode="bilinear")
        return cross_entropy(logits, labels, reduction="none").mean()


class Fcn(nn.Module):
    """FCN on a ResNet-50 (V1c) whose last two stages keep the size, with an auxiliary head."""

    def __init__(self) -> None:
        super().__init__()
        net = torchvision.models.resnet50(replace_stride_with_dilation=[False, True, True])
        stem = (convolution(3, 32, stride=2), convolution(32, 32), convolution(32, 64))
        self.stem = nn.Sequential(*stem, net.maxpool)
        self.first = nn.Sequential(net.layer1, net.layer2, net.layer3)
        self.last = net.layer4
        self.head, self.aside = Head(2048, 512, 2, 19), Head(1024, 256, 1, 19)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """The loss."""
        h = self.first(self.stem(images))
        loss: Tensor = self.head(self.last(h), labels) + 0.4 * self.aside(h, labels)
        return loss


class UNet(nn.Module):
    """U-Net of five levels (S5-D16), bilinear on the way up, with an auxiliary head."""

    def __init__(self) -> None:
        super().__init__()
        widths = [64 * 2**level for level in range(5)]
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList(self.block(a, b) for a, b in [(3, 64), *pairs])
        self.up = nn.ModuleList(convolution(b, a, kernel=1) for a, b in reversed(pairs))
        self.join = nn.ModuleList(self.block(2 * a, a) for a, _ in reversed(pairs))
        self.head, self.aside = Head(64, 64, 1, 2), Head(128, 64, 1, 2)

    @staticmethod
    def block(inputs: int, outputs: int) -> nn.Sequential:
        """Two convolutions."""
        return nn.Sequential(convolution(inputs, outputs), convolution(outputs, outputs))

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """The loss."""
        levels = []
        for level, block in enumerate(self.down):
            x = block(max_pool2d(x, 2) if level else x)
            levels.append(x)
        outputs = []
        for up, join, skip in zip(self.up, self.join, levels[-2::-1], strict=True):
            x = join(torch.cat([skip, up(interpolate(x, scale_factor=2, mode="bilinear"))], 1))
            outputs.append(x)
        loss: Tensor = self.head(outputs[-1], labels) + 0.4 * self.aside(outputs[-2], labels)
        return loss


def segmentation(make: Callable[[], nn.Module], batch: int, *size: int) -> Any:  # noqa: ANN401
    """Four GPUs, SGD with momentum; gradients are set to zero before the backward pass."""
    labels = torch.empty(batch, *size, dtype=torch.int64, device="meta")
    inputs = (torch.empty(batch, 3, *size, device="meta"), labels)
    options = {"momentum": 0.9, "weight_decay": 5e-4, "foreach": False}
    loop = {"zero_grad": "before_backward", "set_to_none": False, "ddp": True}
    return make, inputs, {"optimizer": "sgd", "options": options, "gpu": "v100", **loop}


def vit(classes: int | None, batch: int, **settings: Any) -> Any:  # noqa: ANN401
    """ViT-L/16 of torchvision on images of 224×224, with Adam."""
    make = partial(torchvision.models.vit_l_16, num_classes=classes or 1000)
    return make, (batch, 3, 224, 224), settings


def densenet() -> Any:  # noqa: ANN401
    """DenseNet-BC with 100 layers and growth rate 12 on images of 32×32."""

    def make() -> nn.Module:
        net = torchvision.models.DenseNet(12, (16, 16, 16), 24, num_classes=10)
        stem = {"conv0": nn.Conv2d(3, 24, 3, padding=1, bias=False)}
        net.features = nn.Sequential(
            *stem.values(),
            *list(net.features.children())[4:],  # no pooling for small images
        )
        return net

    options = {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-4, "foreach": False}
    loop = {"zero_grad": "before_backward", "set_to_none": False}
    settings = {"optimizer": "sgd", "options": options, "gpu": "p100", **loop}
    return make, (64, 3, 32, 32), settings


def transformer(
    kind: str,
    configuration: str,
    words: dict[str, Any],
    batch: int,
    length: int,
    *,
    labels: int,
    **settings: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """A model of Transformers; `labels` is how many dimensions they have, 0 for none."""
    transformers = importlib.import_module("transformers")
    made = getattr(transformers, configuration)(use_cache=False, **words)
    tokens = torch.empty(batch, length, dtype=torch.int64, device="meta")
    inputs = {"input_ids": tokens}
    if labels:
        inputs["labels"] = tokens if labels > 1 else tokens[:, 0]
    return partial(getattr(transformers, kind), made), inputs, settings


def bert(batch: int, length: int) -> Any:  # noqa: ANN401
    """BERT-base, masked words, with Transformers' Trainer."""
    after = {"optimizer": "adamw", "zero_grad": "after_step"}
    return transformer("BertForMaskedLM", "BertConfig", {}, batch, length, labels=2, **after)


def gpt2(batch: int, length: int) -> Any:  # noqa: ANN401
    """GPT-2 (124M) with Transformers' Trainer."""
    after = {"optimizer": "adamw", "zero_grad": "after_step"}
    return transformer("GPT2LMHeadModel", "GPT2Config", {}, batch, length, labels=2, **after)


def bert_large(batch: int, length: int) -> Any:  # noqa: ANN401
    """BERT-large with the Trainer of 2022: AdamW one tensor at a time, attention written out."""
    large = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16}
    words = {**large, "intermediate_size": 4096, "attn_implementation": "eager"}
    loop = {"zero_grad": "after_step", "set_to_none": False, "gpu": "v100"}
    adamw = {"optimizer": "adamw", "options": {"foreach": False}}
    name = "BertForSequenceClassification"
    return transformer(name, "BertConfig", words, batch, length, labels=1, **adamw, **loop)


def llama(batch: int, length: int) -> Any:  # noqa: ANN401
    """Llama 2 (7B) in bfloat16, without a graph."""
    half = {"mode": "inference", "precision": "bf16", "gpu": "a100"}
    return transformer("LlamaForCausalLM", "LlamaConfig", {}, batch, length, labels=0, **half)


BEFORE = {"zero_grad": "before_backward"}
TRAINER = "Trainer, AdamW, fp32, ROCm"
RUNS = (
    Run("BERT-base", f"masked words, 2×16 tokens, {TRAINER}", 2195.345408e6, "allocated",
        f"{OPTIMUM}1017b5a8afd28e0a512c3cc3544bc3ae576dca07", partial(bert, 2, 16),
        "temporaries of kernels", has_workspaces=False),
    Run("GPT-2 (124M)", f"2×16 tokens, {TRAINER}", 2506.73664e6, "allocated",
        f"{OPTIMUM}3785a73df3cc34260111e261999942d5ce7ad07e", partial(gpt2, 2, 16),
        "temporaries of kernels", has_workspaces=False),
    Run("ViT-L/16", "64 images, Adam, fp32", 26.79 * GB, "reserved", RASBT,
        partial(vit, 10, 64, **BEFORE), "reserved, not allocated"),
    Run("ViT-L/16", "64 images, Adam, fp16 autocast, GradScaler", 18.21 * GB, "reserved", RASBT,
        partial(vit, 10, 64, precision="amp-fp16", **BEFORE), "reserved, not allocated"),
    Run("ViT-L/16", "64 images, Adam, all bf16", 13.82 * GB, "reserved", RASBT,
        partial(vit, 10, 64, precision="bf16", **BEFORE), "reserved, not allocated"),
    Run("ViT-L/16", "16 images, Adam, all bf16", 5.69 * GB, "reserved", RASBT,
        partial(vit, 10, 16, precision="bf16", **BEFORE), "reserved, not allocated"),
    Run("ViT-L/16", "1 image, Adam, fp32", 6 * GB, "allocated", TUTORIAL,
        partial(vit, None, 1, loss=torch.sum), "published as about 6 GB"),
    Run("ViT-L/16", "1 image, Adam in the backward pass", 4 * GB, "allocated", TUTORIAL,
        partial(vit, None, 1, loss=torch.sum, optimizer_in_backward=True,
                options={"foreach": False}), "published as about 4 GB"),
    Run("FCN, ResNet-50-D8", "2×512×1024, SGD, 4 GPUs", 5700 * MIB, "allocated",
        f"{MMSEG}fcn/README.md", partial(segmentation, Fcn, 2, 512, 1024),
        "cuDNN's workspaces; unit and rounding"),
    Run("FCN, ResNet-50-D8", "2×769×769, SGD, 4 GPUs", 6500 * MIB, "allocated",
        f"{MMSEG}fcn/README.md", partial(segmentation, Fcn, 2, 769, 769),
        "cuDNN's workspaces; unit and rounding"),
    Run("U-Net, S5-D16", "4×64×64, SGD, 4 GPUs", 680 * MIB, "allocated",
        f"{MMSEG}unet/README.md", partial(segmentation, UNet, 4, 64, 64), "cuDNN's workspaces"),
    Run("U-Net, S5-D16", "4×128×128, SGD, 4 GPUs", 968 * MIB, "allocated",
        f"{MMSEG}unet/README.md", partial(segmentation, UNet, 4, 128, 128), "cuDNN's workspaces"),
    Run("U-Net, S5-D16", "4×256×256, SGD, 4 GPUs", 2525 * MIB, "allocated",
        f"{MMSEG}unet/README.md", partial(segmentation, UNet, 4, 256, 256), "cuDNN's workspaces"),
    Run("BERT-large", "classes, 4×512 tokens, Trainer, AdamW, fp32, V100", 14949 * MIB - CONTEXT,
        "process", GUIDE, partial(bert_large, 4, 512),
        "all of the process but its first 1343 MiB: also reserved, and kernels loaded later"),
    Run("Llama 2 (7B)", "inference, bf16, some 60 tokens, A100", 13.52 * GB, "allocated", LITGPT,
        partial(llama, 1, 60), "the cache of keys and values, the length"),
    Run("DenseNet-BC-100 (12)", "64 images of 32×32, SGD, Titan X", 2.863 * GB, "unknown",
        DENSENET, densenet, "how it was measured is not said; PyTorch of 2017"),
)  # fmt: skip


def predicted(run: Run) -> tuple[MemoryProfile, int]:
    """The profile, and the bytes that stand against the published ones."""
    make, inputs, settings = run.step()
    profile = memory_profile(make, inputs, **settings)
    return profile, profile.needed_bytes if run.has_workspaces else profile.peak_bytes


def main() -> None:
    """Print the table, and the median of its differences."""
    has_package = importlib.util.find_spec("transformers") is not None
    version = importlib.import_module("transformers").__version__ if has_package else "none"
    print("`python bench/memory_published.py`\n")
    print(
        f"PyTorch {torch.__version__}, torchvision {torchvision.__version__}, "
        f"Transformers {version}, Python {platform.python_version()}. MiB.\n"
    )
    head = ["model", "run", "published", "what", "predicted", "difference", "with the reserve"]
    head.append("the rest may be")
    print(f"| {' | '.join(head)} |\n|---|---|---:|---|---:|---:|---:|---|")
    differences: dict[str, list[float]] = {}
    for run in RUNS:
        try:
            profile, bytes_ = predicted(run)
        except ModuleNotFoundError as missing:
            print(f"| {run.model} | {run.how} | | | | | | left out: no {missing.name} |")
            continue
        difference = bytes_ / run.published - 1
        differences.setdefault(run.model, []).append(difference)
        cells = [run.model, f"[{run.how}]({run.source})", f"{run.published / MIB:.0f}", run.what]
        parts = {part.name: part.most or 0 for part in profile.beside.parts}
        most = bytes_ + parts["reserved, not allocated"]
        reserve = f"up to {most / MIB:.0f}" if run.what in {"reserved", "process"} else ""
        cells += [f"{bytes_ / MIB:.0f}", f"{difference:+.1%}", reserve, run.rest]
        print(f"| {' | '.join(cells)} |", flush=True)
    rows = [abs(d) for found in differences.values() for d in found]
    models = [median(map(abs, found)) for found in differences.values()]
    print(
        f"\nMedian difference, without its sign: {median(rows):.1%} over {len(rows)} runs; "
        f"{median(models):.1%} over the {len(models)} models, each with the median of its runs."
    )


if __name__ == "__main__":
    main()
