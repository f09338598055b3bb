"""The layers that networks are composed of, by what they take: small, so that a check is quick."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from dlfaq.gradients.planted.formulas import FORMULAS, Formula
from dlfaq.gradients.planted.modules import Applied, Attention, First

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LAYERS", "WORDS", "Form", "Kind", "Shape", "layers_for"]

Form: TypeAlias = Literal["vectors", "series", "images", "sequences", "tokens"]
Shape: TypeAlias = tuple[int, ...]

WORDS = 5  # of an embedding
_WIDTH = 3  # what a layer that changes the width changes it to


class Kind(NamedTuple):
    """A kind of layer.

    Attributes:
        takes: the forms that its input may have: "vectors" (n, d), "series" (n, channels, length),
            "images" (n, channels, height, width), "sequences" (n, length, d), "tokens" (n, length).
        make: the module, from the shape of its input.
        gives: the form of the output where it is another.
        same: whether the output has the shape of the input.
        by_hand: whether it makes sense in a function with a backward pass of its own.
        twice: whether PyTorch has second derivatives of it.
    """

    takes: tuple[Form, ...]
    make: Callable[[Shape], nn.Module]
    gives: Form | None = None
    same: bool = False
    by_hand: bool = True
    twice: bool = True


def _batch_norm(kind: type[nn.Module]) -> Callable[[Shape], nn.Module]:
    """Batch norm while training, or in eval mode where one number a channel has no variance."""

    def make(shape: Shape) -> nn.Module:
        layer = kind(shape[1])
        alone = torch.Size(shape).numel() == shape[1]
        return layer.eval() if alone else layer

    return make


def _group_norm(shape: Shape) -> nn.Module:
    """One group, or for a single number, which PyTorch refuses, layer norm."""
    return nn.GroupNorm(1, shape[1]) if torch.Size(shape).numel() > 1 else nn.LayerNorm(1)


def _pool(kind: Callable[..., nn.Module]) -> Callable[[Shape], nn.Module]:
    return lambda shape: kind(min(2, *shape[2:]), stride=1)


def _in_place(x: Tensor) -> Tensor:
    return x.mul(2).add_(0.5).relu_()


def _activation(make: Callable[[], nn.Module], _: Shape) -> nn.Module:
    return make()


def _formula(name: str, _: Shape) -> nn.Module:
    return Formula(name)


def _transformer(shape: Shape) -> nn.Module:
    return nn.TransformerEncoderLayer(shape[-1], 1, 3, 0.0, "gelu", batch_first=True)


_ARRAYS: tuple[Form, ...] = ("vectors", "series", "images", "sequences")
_VECTORS: tuple[Form, ...] = ("vectors",)
_SERIES: tuple[Form, ...] = ("series",)
_IMAGES: tuple[Form, ...] = ("images",)
_SEQUENCES: tuple[Form, ...] = ("sequences",)
_CHANNELS: tuple[Form, ...] = ("series", "images")

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "Tanh": nn.Tanh,
    "Sigmoid": nn.Sigmoid,
    "Softplus": nn.Softplus,
    "GELU": nn.GELU,
    "SiLU": nn.SiLU,
    "ELU": nn.ELU,
    "ReLU": nn.ReLU,
    "LeakyReLU": nn.LeakyReLU,
    "Hardtanh": nn.Hardtanh,
    "Hardswish": nn.Hardswish,
    "PReLU": nn.PReLU,
}

LAYERS: dict[str, Kind] = {
    "Linear": Kind(("vectors", "sequences"), lambda s: nn.Linear(s[-1], _WIDTH)),
    "square Linear": Kind(_ARRAYS, lambda s: nn.Linear(s[-1], s[-1]), same=True),
    "LayerNorm": Kind(_ARRAYS, lambda s: nn.LayerNorm(s[-1]), same=True),
    "BatchNorm of vectors": Kind(_VECTORS, _batch_norm(nn.BatchNorm1d), same=True),
    "BatchNorm of series": Kind(_SERIES, _batch_norm(nn.BatchNorm1d), same=True),
    "BatchNorm of images": Kind(_IMAGES, _batch_norm(nn.BatchNorm2d), same=True),
    "GroupNorm": Kind(_CHANNELS, _group_norm, same=True),
    "Conv1d": Kind(_SERIES, lambda s: nn.Conv1d(s[1], _WIDTH, 3, padding=1)),
    "Conv2d": Kind(_IMAGES, lambda s: nn.Conv2d(s[1], 2, 3, padding=1)),
    "strided Conv2d": Kind(_IMAGES, lambda s: nn.Conv2d(s[1], 2, 2, stride=2, padding=1)),
    "square Conv1d": Kind(_SERIES, lambda s: nn.Conv1d(s[1], s[1], 3, padding=1), same=True),
    "ConvTranspose2d": Kind(_IMAGES, lambda s: nn.ConvTranspose2d(s[1], 1, 2)),
    "MaxPool1d": Kind(_SERIES, _pool(nn.MaxPool1d)),
    "MaxPool2d": Kind(_IMAGES, _pool(nn.MaxPool2d)),
    "AvgPool1d": Kind(_SERIES, _pool(nn.AvgPool1d)),
    "AvgPool2d": Kind(_IMAGES, _pool(nn.AvgPool2d)),
    "AdaptiveMaxPool2d": Kind(_IMAGES, lambda _: nn.AdaptiveMaxPool2d(2)),
    "LSTM": Kind(_SEQUENCES, lambda s: First(nn.LSTM(s[-1], 2, batch_first=True))),
    "GRU": Kind(_SEQUENCES, lambda s: First(nn.GRU(s[-1], 2, batch_first=True))),
    "RNN": Kind(_SEQUENCES, lambda s: First(nn.RNN(s[-1], s[-1], batch_first=True)), same=True),
    "Attention": Kind(_SEQUENCES, lambda s: Attention(s[-1]), same=True),
    "TransformerEncoderLayer": Kind(_SEQUENCES, _transformer, same=True, twice=False),
    "Embedding": Kind(("tokens",), lambda _: nn.Embedding(WORDS, 2), "sequences"),
    "padded Embedding": Kind(
        ("tokens",), lambda _: nn.Embedding(WORDS, 2, padding_idx=0), "sequences", by_hand=False
    ),
    "Flatten": Kind(
        ("series", "images", "sequences"), lambda _: nn.Flatten(), "vectors", by_hand=False
    ),
    "mean of the length": Kind(_SEQUENCES, lambda _: Applied(lambda x: x.mean(1)), "vectors"),
    "last": Kind(_SEQUENCES, lambda _: Applied(lambda x: x[:, -1]), "vectors", by_hand=False),
    "transposed": Kind(_ARRAYS, lambda _: Applied(lambda x: x.transpose(-1, -2)), by_hand=False),
    "expanded": Kind(
        _VECTORS,
        lambda _: Applied(lambda x: x.unsqueeze(1).expand(-1, 2, -1)),
        "sequences",
        by_hand=False,
    ),
    "reversed": Kind(_ARRAYS, lambda _: Applied(lambda x: x.flip(-1)), same=True, by_hand=False),
    "sorted": Kind(_ARRAYS, lambda _: Applied(lambda x: x.sort(-1).values), same=True),
    "in place": Kind(_ARRAYS, lambda _: Applied(_in_place), same=True, by_hand=False),
    **{
        name: Kind(_ARRAYS, partial(_activation, make), same=True)
        for name, make in _ACTIVATIONS.items()
    },
    **{name: Kind(_ARRAYS, partial(_formula, name), same=True) for name in FORMULAS},
}


def layers_for(form: Form, *, alone: bool = False) -> list[str]:
    """The names of the layers that take this form, or of those that do not take all the others."""
    return [
        name
        for name, kind in LAYERS.items()
        if form in kind.takes and not (alone and len(kind.takes) == len(_ARRAYS))
    ]
