from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from dlfaq import Dataset, Examples, digits, fashion_mnist, mnist, mnist1d
from dlfaq.data import sources
from dlfaq.data.sets import _at_random, _by_class, _standardised
from dlfaq.errors import DataNotFound, InputError

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ("train", "validation", "test")


def indices(data):
    """Which examples of `numbered` stand in each part: standardising keeps their order."""
    x = torch.cat([getattr(data, part).x for part in PARTS]).squeeze(1)
    ranks = x.argsort().argsort()
    return [set(part.tolist()) for part in ranks.split([len(getattr(data, p).y) for p in PARTS])]


def numbered(n):
    return Examples(torch.arange(n, dtype=torch.float64)[:, None], torch.arange(n) % 10)


@pytest.mark.parametrize(
    ("make", "features", "sizes"),
    [
        (digits, 64, (1000, 300, 497)),
        (mnist1d, 40, (3500, 500, 1000)),
        (lambda seed: mnist(seed=seed, side=14), 196, (3500, 500, 1000)),
        (lambda seed: mnist(seed=seed, side=7), 49, (3500, 500, 1000)),
    ],
    ids=["digits", "mnist1d", "mnist 14", "mnist 7"],
)
def test_sizes_dtypes_and_standardisation(make, features, sizes):
    data = make(seed=3)
    assert data.classes == 10
    for part, size in zip(PARTS, sizes, strict=True):
        x, y = getattr(data, part)
        assert (x.shape, x.dtype) == ((size, features), torch.float32)
        assert (y.shape, y.dtype) == ((size,), torch.int64)
    x = data.train.x.double().numpy()
    np.testing.assert_allclose(x.mean(0), 0, atol=1e-5)
    assert x.std(0).max() == pytest.approx(1, abs=1e-5)  # below 1 only where the floor applies
    assert max(getattr(data, part).x.abs().max() for part in PARTS) < 15


@pytest.mark.parametrize("split", [_at_random, _by_class], ids=["random", "by class"])
def test_the_parts_are_disjoint_and_cover_the_pool(split):
    parts = indices(split(numbered(100), (6, 2) if split is _by_class else (60, 20), 0))
    assert [len(part) for part in parts] == [60, 20, 20]
    assert set.union(*parts) == set(range(100))


def test_a_seed_gives_one_split_and_another_seed_another():
    assert torch.equal(digits(seed=5).test.y, digits(seed=5).test.y)
    first, second = (indices(_at_random(numbered(1797), (1000, 300), s))[0] for s in (5, 6))
    # Two random halves share 1000·1000/1797 = 556 examples, give or take 10.5 (hypergeometric).
    assert abs(len(first & second) - 556) < 53


def test_mnist_has_equally_many_of_each_class_in_every_part_in_random_order():
    data = mnist(seed=1, side=7)
    for part, count in zip(PARTS, (350, 50, 100), strict=True):
        assert getattr(data, part).y.bincount().tolist() == [count] * 10
    assert len(data.train.y[:100].unique()) == 10


def test_the_labels_of_digits_are_those_of_the_source():
    data = digits(seed=2)
    labels = torch.cat([getattr(data, part).y for part in PARTS])
    assert labels.bincount().tolist() == np.bincount(load_digits().target).tolist()


def test_standardising_uses_the_training_part_alone_and_a_floor():
    x = torch.tensor([[0.0, 1.0], [4.0, 1.0], [6.0, 1.5]])
    data = _standardised(
        Examples(x, torch.tensor([0, 1, 0])), torch.tensor([[0, 1], [1, 2], [2, 2]])
    )
    assert data.train.x.tolist() == [[-1, 0], [1, 0]]  # mean 2 and sd 2; mean 1 and sd 0
    assert data.test.x.tolist() == [[2, 5], [2, 5]]  # (6 - 2)/2 and (1.5 - 1)/0.1


def test_pooling_averages_blocks_of_pixels():
    images, _ = sources.mnist()
    x = mnist(seed=0, side=14)
    blocks = images.double().reshape(-1, 14, 2, 14, 2).mean((2, 4)).flatten(1) / 255
    expected = _by_class(Examples(blocks, sources.mnist()[1]), (350, 50), 0)
    torch.testing.assert_close(x.train.x.double(), expected.train.x, atol=1e-4, rtol=1e-4)


def test_to_converts_inputs_and_keeps_labels():
    data = digits().to(torch.float64)
    assert data.test.x.dtype == torch.float64
    assert data.to("cpu").train.y.dtype == torch.int64


class TestCache:
    """mnist1d stands for both sources that are kept: it is the one that reseeds generators."""

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path, monkeypatch):
        monkeypatch.setenv("DLFAQ_DATA", str(tmp_path / "cache"))
        return tmp_path / "cache"

    def test_global_generators_are_as_before_built_or_read(self):
        def states():
            return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()  # noqa: NPY002

        before = states()
        built = sources.mnist1d()
        read = sources.mnist1d()
        after = states()
        assert before[:2] == after[:2]
        assert torch.equal(before[2], after[2])
        assert all(map(torch.equal, built, read))

    def test_a_damaged_file_is_built_anew(self, folder):
        expected = sources._kept("torch", "set", two_numbers)
        (file,) = folder.iterdir()
        file.write_bytes(file.read_bytes()[:50])
        assert all(map(torch.equal, sources._kept("torch", "set", two_numbers), expected))
        assert all(map(torch.equal, sources._kept("torch", "set", never), expected))

    def test_a_write_that_fails_leaves_nothing_behind_and_gives_the_data(self, folder, monkeypatch):
        def full_disk(_, file):
            file.write(b"half")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(torch, "save", full_disk)
        assert sources._kept("torch", "set", two_numbers)[0].tolist() == [1.0]
        assert list(folder.iterdir()) == []

    def test_a_second_process_that_builds_meanwhile_does_no_harm(self, folder):
        def build_while_another_does():
            sources._kept("torch", "set", two_numbers)
            return two_numbers()

        sources._kept("torch", "set", build_while_another_does)
        assert sources._kept("torch", "set", never)[0].tolist() == [1.0]
        assert len(list(folder.iterdir())) == 1


def two_numbers():
    return torch.tensor([1.0]), torch.tensor([2])


def never():
    pytest.fail("built although it was kept")


def write_idx(folder, prefix, images, labels):
    """Write the format of yann.lecun.com/exdb/mnist: magic number, sizes, bytes."""
    header = struct.pack(">iiii", 2051, *images.shape)
    (folder / f"{prefix}-images-idx3-ubyte").write_bytes(header + images.tobytes())
    header = struct.pack(">ii", 2049, len(labels))
    (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())


def write_official(root: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    raw = root / name / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    sets = []
    for prefix, n in (("train", 12), ("t10k", 6)):
        labels = (np.arange(n) % 10).astype(np.uint8)
        write_idx(raw, prefix, rng.integers(0, 256, (n, 28, 28), dtype=np.uint8), labels)
        sets.append(labels)
    return sets[0], sets[1]


class TestOfficialSets:
    @pytest.fixture(autouse=True)
    def _nothing_found_by_chance(self, tmp_path, monkeypatch):
        monkeypatch.setenv("DLFAQ_DATA", str(tmp_path / "cache"))
        monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "share"))

    @pytest.mark.parametrize(
        ("make", "name", "where"),
        [
            (lambda folder: mnist(full=True, folder=folder / "named"), "MNIST", "named"),
            (lambda folder: fashion_mnist(folder=folder / "named"), "FashionMNIST", "named"),
            (lambda _: mnist(full=True), "MNIST", "cache"),
            (lambda _: fashion_mnist(side=14), "FashionMNIST", "share/datasets"),
        ],
        ids=["mnist, named", "fashion, named", "mnist, cache", "fashion, system"],
    )
    def test_the_official_test_set_stays_whole(self, tmp_path, make, name, where):
        train, test = write_official(tmp_path / where, name)
        data = make(tmp_path)
        assert [len(getattr(data, part).y) for part in PARTS] == [10, 2, 6]
        assert data.test.y.tolist() == test.tolist()
        learning = torch.cat([data.train.y, data.validation.y])
        assert sorted(learning.tolist()) == sorted(train.tolist())

    def test_a_named_folder_without_the_files_is_no_reason_to_download(self, tmp_path):
        with pytest.raises(DataNotFound, match=r"MNIST is not in .*/MNIST/raw.*folder=FOLDER"):
            mnist(full=True, folder=tmp_path)

    def test_without_a_network_the_error_says_where_it_looked(self, monkeypatch):
        from torchvision import datasets  # noqa: PLC0415

        def offline(_):
            raise OSError("no route to host")

        monkeypatch.setattr(datasets.FashionMNIST, "download", offline)
        with pytest.raises(DataNotFound, match=r"cache.*share/datasets.*no route to host"):
            fashion_mnist()


def dataset(**changed):
    part = Examples(torch.zeros(4, 2), torch.tensor([0, 1, 0, 1]))
    return Dataset(**{"train": part, "validation": part, "test": part, **changed})


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (torch.zeros(4, 2).int(), [0] * 4, r"floating dtype.*got torch\.int32"),
        (torch.zeros(4), [0] * 4, r"shape \(n, features\); got .*shape \(4,\)"),
        (torch.zeros(4, 2), [0.0] * 4, r"labels, int64 .*got torch\.float32"),
        (torch.zeros(4, 2), [0] * 3, r"of shape \(4,\).*got .*shape \(3,\)"),
        (torch.zeros(0, 2), [], "got .*shape \\(0,\\)"),
        (torch.full((4, 2), torch.nan), [0] * 4, "finite test inputs; got 8 values"),
        (torch.zeros(4, 2), [0, 1, -1, 0], "test labels from 0; got label -1"),
    ],
    ids=["dtype", "shape", "label dtype", "too few", "none", "NaN", "negative"],
)
def test_examples_that_cannot_be_learned_from_are_refused(x, y, message):
    with pytest.raises(InputError, match=message):
        dataset(test=Examples(x, torch.tensor(y)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mnist(side=10), "expected side 28, 14 or 7; got side=10"),
        (lambda: fashion_mnist(side=0), "expected side 28, 14 or 7; got side=0"),
        (lambda: mnist(folder="somewhere"), "add full=True"),
        (lambda: digits(seed=-1), "got -1; take one of seeds"),
        (lambda: digits(seed=1.0), "got 1.0; take one of seeds"),
    ],
    ids=["side", "side of fashion", "folder", "negative seed", "float seed"],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
