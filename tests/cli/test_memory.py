from __future__ import annotations

import json
import re
import sys

import pytest

from dlfaq import memory_profile
from dlfaq.cli.main import main
from dlfaq.errors import InputError
from dlfaq.memory.fit import largest_batch
from dlfaq.memory.spec import read_bytes, read_model, read_shape

NET = """
from torch import empty, int64, nn
from widths import WIDTH

def make_model():
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 10))

def with_inputs():
    model = nn.Sequential(nn.Embedding(50, WIDTH), nn.Flatten(), nn.Linear(3 * WIDTH, 10))
    return model, empty(4, 3, dtype=int64)

def looks_at_numbers():
    class Net(nn.Module):
        def forward(self, x):
            return x if x.max() > 1 else -x
    return Net(), empty(4, 3)

def fails():
    raise RuntimeError("out of tea")

def sized(width):
    return nn.Linear(width, 1)

def nothing():
    pass

made = nn.Linear(1, 1)
number = 3
"""
WIDTH = 64


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "widths.py").write_text(f"WIDTH = {WIDTH}\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("net", "widths"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def run(folder, *arguments):
    return main(["-C", str(folder), "memory", *arguments])


def test_the_figures_are_written_as_data(folder, capsys):
    file = folder / "memory.json"
    arguments = ["--input-shape", "64", "--batch-size", "8", "--optimizer", "adam"]
    assert run(folder, "net.py:make_model", *arguments, "--json", str(file)) == 0
    data = json.loads(file.read_text())
    parameters = 4 * (WIDTH * WIDTH + WIDTH + WIDTH * 10 + 10)
    assert data["parameters_bytes"] == data["gradients_bytes"] == parameters
    assert data["optimizer_state_bytes"] == 2 * parameters
    assert data["activations_bytes"] == 4 * (8 * WIDTH + 8 * 10 + 1)
    assert data["temporaries_bytes"] > 0
    assert data["peak_bytes"] == sum(data["at_peak"].values()) > 4 * parameters
    assert data["batch_size"] == 8
    assert data["optimizer"] == "adam"
    assert "inputs 8×64, training, adam, fp32; predicted for cuda" in capsys.readouterr().out


def test_a_function_may_return_the_inputs_too(folder, capsys):
    assert run(folder, "net.py:with_inputs", "--precision", "bf16", "--inference") == 0
    out = capsys.readouterr().out
    assert "inputs 4×3, inference, bf16" in out
    assert f"{2 * (50 * WIDTH + 3 * WIDTH * 10 + 10) / 2**10:.2f} KiB" in out


def test_torchvision_by_name(tmp_path, capsys):
    assert run(tmp_path, "torchvision:resnet18", "--batch-size", "2", "--checkpointing") == 0
    out = capsys.readouterr().out
    assert "inputs 2×3×224×224, training, adam, fp32, checkpointing" in out
    assert f"{4 * 11689512 / 2**20:.2f} MiB" in out  # as torchvision's documentation counts them


@pytest.mark.parametrize(
    ("name", "size"), [("inception_v3", 299), ("vit_b_16", 224), ("efficientnet_b4", 380)]
)
def test_torchvision_models_come_with_their_own_size_of_image(name, size):
    assert read_model(f"torchvision:{name}").example == (3, size, size)


def test_a_model_for_pixels_is_made_without_a_download(monkeypatch):
    """Torchvision fetches weights for the backbone unless it is told not to."""
    monkeypatch.setattr("torch.hub.load_state_dict_from_url", None)
    model = read_model("torchvision:lraspp_mobilenet_v3_large")
    assert model.example == (3, 520, 520)
    profile = memory_profile(model.make, (2, 3, 64, 64))
    assert profile.parameters_bytes == 4 * 3_221_538  # as torchvision's documentation counts them


def test_the_largest_batch_fits_and_one_more_does_not(folder, capsys):
    file = folder / "memory.json"
    arguments = ["net.py:make_model", "--input-shape", "64"]
    assert run(folder, *arguments, "--fit", "1MiB", "--json", str(file)) == 0
    batch = json.loads(file.read_text())["batch_size"]
    assert f"the largest batch in 1.00 MiB: {batch}\n" in capsys.readouterr().out
    for more, fits in ((0, True), (1, False)):
        size = str(batch + more)
        assert run(folder, *arguments, "--batch-size", size, "--json", str(file)) == 0
        assert (json.loads(file.read_text())["peak_bytes"] <= 2**20) is fits


@pytest.mark.parametrize("budget", [2**18, 300_000, 2**20, 10**7, 2**28])
def test_largest_batch_is_that_of_a_search_through_all(budget, folder):
    make = read_model("net.py:make_model", folder).make
    tried = []

    def profile_at(batch):
        tried.append(batch)
        return memory_profile(make, (1, WIDTH), batch_size=batch)

    best = largest_batch(profile_at, budget)
    assert best.peak_bytes <= budget < profile_at(best.batch_size + 1).peak_bytes
    assert len(tried) < 15


def test_the_step_is_drawn(folder):
    file = folder / "step.svg"
    arguments = ["net.py:make_model", "--input-shape", "64", "--batch-size", "512"]
    assert run(folder, *arguments, "--figure", str(file)) == 0
    assert "<svg" in file.read_text()
    assert run(folder, *arguments, "--figure", str(folder / "step.doc")) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["resnet50"], "hf:PATH or path/to/file.py:function; got 'resnet50'"),
        (["torchvision:resnet51"], "a model of torchvision; got 'resnet51'"),
        (["nowhere.py:make"], "expected a Python file"),
        (
            ["net.py:make"],
            "a function of net.py that returns the model; got 'make'; there is make_model, ",
        ),
        (["net.py:number"], "a function of net.py that returns the model; got number, an int"),
        (["net.py:made"], "got made, a Linear; there is make_model"),
        (["net.py:sized"], r"called without arguments; got sized\(width\); write one that"),
        (["net.py:nothing"], "nothing to return a model, or .*; got NoneType; return model"),
        (["net.py:with_inputs", "--json", "."], "the name of a file; got ., a folder"),
        (["net.py:with_inputs", "--json", "/dev/full"], "can be written; got /dev/full: No space"),
        (["torchvision:r3d_18"], "give --input-shape, such as .*video 3,16,112,112"),
        (["net.py:make_model"], "shape of an example.*give --input-shape"),
        (["net.py:make_model", "--input-shape", "3,-1"], "expected the shape of one example"),
        (
            ["net.py:make_model", "--input-shape", "63"],
            "a step of Sequential that runs on inputs of these",
        ),
        (["net.py:with_inputs", "--optimizer", "adm"], "an optimizer among"),
        (["net.py:with_inputs", "--batch-size", "0"], "batch size of 1 or more"),
        (["net.py:with_inputs", "--fit", "24 parsecs"], "a size above 0 with its unit"),
        (["net.py:with_inputs", "--fit", "1KiB"], "memory for one example, .*; got 1.00 KiB"),
        (["net.py:with_inputs", "--json", "no/where.json"], "a file in a folder that exists"),
        (
            ["net.py:looks_at_numbers", "--inference"],
            r"_local_scalar_dense.* in Net at .*net.py:\d+",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments, message, folder, capsys):
    assert run(folder, *arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("dlfaq: expected ")
    assert err.count("\n") == 1
    assert re.search(message, err)


def test_an_error_of_the_function_itself_is_not_hidden(folder):
    with pytest.raises(RuntimeError, match="out of tea"):
        run(folder, "net.py:fails")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("24GiB", 24 * 2**30),
        ("1.5 gib", 3 * 2**29),
        ("24G", 24 * 2**30),
        ("24GB", 24 * 10**9),
        ("512MiB", 2**29),
        ("80000B", 80000),
        ("80000", 80000),
    ],
)
def test_sizes(text, size):
    assert read_bytes(text) == size


@pytest.mark.parametrize("text", ["", "0GiB", "GiB", "-1GiB", "3iB", "3XiB"])
def test_no_sizes(text):
    with pytest.raises(InputError, match="a size above 0 with its unit"):
        read_bytes(text)


def test_shapes():
    assert read_shape("3,224,224") == read_shape("3x224x224") == (3, 224, 224)
