from __future__ import annotations

import json
import re
import sys

import pytest
import torch

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

def three():
    return nn.Linear(1, 1), empty(1, 1), 3

def tokens():
    return nn.Sequential(nn.Embedding(50, WIDTH), nn.Linear(WIDTH, 50))

def two_inputs():
    return nn.Bilinear(WIDTH, WIDTH, 1)

def squares(outputs):
    return outputs.square().mean()

class Net(nn.Linear):
    def __init__(self):
        super().__init__(WIDTH, 10)

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
    first = capsys.readouterr().out.split("\n")[0]
    assert "inputs 8×64, training, adam, fp32, loss cross_entropy (assumed), " in first
    assert first.endswith("predicted for cuda")


def test_a_function_may_return_the_inputs_too(folder, capsys):
    assert run(folder, "net.py:with_inputs", "--precision", "bf16", "--inference") == 0
    out = capsys.readouterr().out
    assert "inputs 4×3, inference, bf16" in out
    assert f"{2 * (50 * WIDTH + 3 * WIDTH * 10 + 10) / 2**10:.2f} KiB" in out


def first_line(capsys):
    return capsys.readouterr().out.split("\n")[0]


def test_a_class_without_arguments_is_a_model(folder, capsys):
    assert run(folder, "net.py:Net", "--input-shape", "64") == 0
    assert "net.py:Net, inputs 32×64, training" in first_line(capsys)


def test_tokens_and_a_loss_over_them(folder, capsys):
    file = folder / "memory.json"
    shape = ["--input-shape", "7", "--input-dtype", "int64", "--batch-size", "4"]
    assert run(folder, "net.py:tokens", *shape, "--json", str(file)) == 0
    assert "loss cross_entropy of the flattened logits (assumed)" in first_line(capsys)
    assert json.loads(file.read_text())["inputs_bytes"] == 8 * 4 * 7 + 8 * 4 * 7
    assert run(folder, "net.py:tokens", *shape, "--loss", "net.py:squares") == 0
    assert "loss squares," in first_line(capsys)


def test_each_option_is_in_the_first_line_and_in_the_data(folder, capsys):
    file = folder / "memory.json"
    arguments = ["--input-shape", "64", "--json", str(file), "--optimizer", "SGD"]
    arguments += ["--options", "momentum=0.9,nesterov=True", "--loss", "cross_entropy"]
    arguments += ["--precision", "amp-fp16", "--accumulation", "2", "--ema-copies", "1"]
    arguments += ["--zero-grad", "before_backward", "--no-set-to-none", "--no-keep-outputs"]
    arguments += ["--ddp", "--gradient-as-bucket-view", "--validation", "grad"]
    assert run(folder, "net.py:make_model", *arguments) == 0
    first = first_line(capsys)
    for words in (
        *("SGD(momentum=0.9, nesterov=True), amp-fp16, accumulation in 2 parts", "GradScaler"),
        *("loss cross_entropy, ", "zero_grad before_backward to zeros", "outputs not kept"),
        *("DDP with gradients as bucket views", "1 averaged copy", "validation with grad"),
    ):
        assert words in first
    data = json.loads(file.read_text())
    parameters = 4 * (WIDTH * WIDTH + WIDTH + WIDTH * 10 + 10)
    for kind in ("optimizer_state", "ema", "ddp_buckets"):
        assert data[f"{kind}_bytes"] == parameters
    assert data["options"] == {"momentum": 0.9, "nesterov": True}
    assert data["loss"] == "cross_entropy"
    assert run(folder, "net.py:make_model", "--input-shape", "64", "--optimizer-in-backward") == 0
    assert "optimizer in backward" in first_line(capsys)


@pytest.mark.parametrize(
    "lines",
    [
        "model.cuda()",
        "model.cuda(0)",
        'model.to("cuda")',
        'model.to(torch.device("cuda", 0))',
        "model.to(device='cuda:0', dtype=torch.float32)",
        'model.extra = torch.ones(3, device="cuda")',
        'model.extra = torch.empty(3).to("cuda")',
        "model.extra = torch.empty(3).cuda()",
        'model.append(nn.Linear(10, 10, device="cuda"))',
        'torch.set_default_device("cuda"); model.append(nn.Linear(10, 10))',
        "torch.cuda.set_device(0)",
        'with torch.device("cuda"): model.append(nn.Linear(10, 10))',
        "model.register_forward_pre_hook(lambda _, xs: xs[0].cuda())",
        'model.register_forward_pre_hook(lambda _, xs: torch.ones(4, 64, device="cuda"))',
    ],
)
def test_what_is_written_for_a_gpu_is_predicted_without_one(lines, folder, capsys):
    text = "import torch\nfrom torch import nn\ndevice = torch.device('cuda')\n"
    text += "at_import = torch.zeros(3, device=device)\ndef make():\n"
    text += f"    model = nn.Sequential(nn.Linear(64, 10))\n    {lines}\n    return model\n"
    (folder / "gpu.py").write_text(text)
    assert run(folder, "gpu.py:make", "--input-shape", "64", "--batch-size", "4") == 0
    assert "inputs 4×64, training" in first_line(capsys)
    assert torch.empty(1).device.type == "cpu"  # the default of the process is what it was


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nowhere", r"got ModuleNotFoundError at .*own.py:1: .*nowhere'; install nowhere"),
        ("import os\nos.nothing", r"got AttributeError at .*own.py:2: "),
        ("def make(:", r"a file that Python runs, own.py; got SyntaxError at .*own.py:1: "),
        ("import sys\nsys.exit(3)", "got SystemExit.*: 3; put what the script does below `if"),
        ("1 / 0", r"got ZeroDivisionError at .*own.py:1: division by zero; try `python own.py`"),
    ],
)
def test_a_file_that_cannot_be_run_says_where_in_one_line(text, message, folder, capsys):
    (folder / "own.py").write_text(text)
    assert run(folder, "own.py:make", "--input-shape", "64") == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert re.search(message, err)


def test_a_file_may_have_the_name_of_one_of_python_s(folder, capsys):
    (folder / "calendar.py").write_text(NET)
    import calendar  # noqa: PLC0415 - it must be there before

    assert run(folder, "calendar.py:make_model", "--input-shape", "64") == 0
    assert "calendar.py:make_model" in first_line(capsys)
    assert sys.modules["calendar"] is calendar


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
        (
            ["net.py:fails"],
            r"fails of net.py to return a model; got RuntimeError at .*net.py:19: out of tea; call",
        ),
        (["net.py:three"], "three to return a model, or .*; got a tuple of Linear, Tensor, int;"),
        (["net.py:tokens", "--input-shape", "7"], "reads integers, such as .*--input-dtype int64"),
        (["net.py:two_inputs", "--input-shape", "64"], "got TypeError.*give all of the model's in"),
        (["net.py:tokens", "--input-shape", "7", "--input-dtype", "words"], "a type of PyT"),
        (["net.py:with_inputs", "--options", "0.9"], "options of the optimizer by name; got '0.9'"),
        (["net.py:with_inputs", "--options", "beta=1"], "options and parameters that Adam takes"),
        (["net.py:with_inputs", "--loss", "mse_los"], "a loss among .*; did you mean 'mse_loss'?"),
        (["net.py:with_inputs", "--loss", "net.py:no"], "a function of net.py .*; got 'no'"),
        (["net.py:with_inputs", "--inference", "--ddp"], "habits of training; got ddp in infe"),
        (["net.py:with_inputs", "--optimizer", "sparse_adam"], "the optimizer SparseAdam"),
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
