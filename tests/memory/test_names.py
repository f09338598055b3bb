"""Models by name from packages that are not among ours: Transformers and timm.

Here the packages are stand-ins; `test_packages.py` tries the real ones.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch
from torch import nn

from dlfaq import memory_profile
from dlfaq.cli.main import main
from dlfaq.errors import InputError
from dlfaq.memory.spec import read_model

WIDTH, WORDS, POSITIONS, SIDE = 8, 20, 64, 32


class Configuration(SimpleNamespace):
    def get_text_config(self):
        return self


class Language(nn.Module):
    """As a class of Transformers: made of a configuration, and with a loss of its own."""

    main_input_name = "input_ids"

    def __init__(self, config):
        super().__init__()
        self.embed = nn.Embedding(WORDS, config.width)
        self.predict = nn.Linear(config.width, WORDS)

    def forward(self, input_ids, labels=None, **_):
        logits = self.predict(self.embed(input_ids))
        loss = nn.functional.cross_entropy(logits.flatten(0, -2), labels.flatten())
        return {"loss": loss, "logits": logits}


class BertForMaskedLM(Language):
    pass


class T5ForConditionalGeneration(Language):
    pass


class BertForSequenceClassification(Language):
    pass


class BertForMultipleChoice(Language):
    pass


class BertForQuestionAnswering(Language):
    def forward(self, input_ids, start_positions=None, end_positions=None):
        raise NotImplementedError


class BertModel(Language):
    def forward(self, input_ids):
        raise NotImplementedError


class ViTForImageClassification(Language):
    main_input_name = "pixel_values"


class SegformerForSemanticSegmentation(Language):
    main_input_name = "pixel_values"


class CLIPModel(Language):
    def forward(self, input_ids, pixel_values, return_loss=None):
        raise NotImplementedError


CLASSES = (
    BertForMaskedLM,
    T5ForConditionalGeneration,
    BertForSequenceClassification,
    BertForMultipleChoice,
    BertForQuestionAnswering,
    BertModel,
    ViTForImageClassification,
    SegformerForSemanticSegmentation,
    CLIPModel,
)


def configuration(text):
    name, _, positions = text.partition(" ")
    return Configuration(
        architectures=[name] if name else None,
        width=WIDTH,
        max_position_embeddings=int(positions or POSITIONS),
        image_size=SIDE,
        num_channels=3,
        pad_token_id=None,
        use_cache=True,
    )


class AutoConfig:
    @staticmethod
    def from_pretrained(path, *, local_files_only, trust_remote_code):
        assert local_files_only
        assert not trust_remote_code
        text = Path(path).read_text(encoding="utf-8")
        if text == "alien":
            raise ValueError("Unrecognized model in it. Should have a `model_type` key")
        return configuration(text)


@pytest.fixture
def transformers(monkeypatch):
    module = ModuleType("transformers")
    module.AutoConfig = AutoConfig
    module.logging = SimpleNamespace(set_verbosity_error=lambda: None)
    module.pipeline = print
    for kind in CLASSES:
        setattr(module, kind.__name__, kind)
    monkeypatch.setitem(sys.modules, "transformers", module)
    return module


def written(folder, text):
    (folder / "config.json").write_text(text)
    return "hf:config.json"


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("BertForMaskedLM", {"input_ids": (32, POSITIONS), "labels": (32, POSITIONS)}),
        ("BertForMaskedLM 4096", {"input_ids": (32, 512), "labels": (32, 512)}),
        ("T5ForConditionalGeneration", {"input_ids": (32, POSITIONS), "labels": (32, POSITIONS)}),
        ("BertForSequenceClassification", {"input_ids": (32, POSITIONS), "labels": (32,)}),
        ("BertForMultipleChoice", {"input_ids": (32, 4, POSITIONS), "labels": (32,)}),
        ("BertModel", {"input_ids": (32, POSITIONS)}),
        ("ViTForImageClassification", {"pixel_values": (32, 3, SIDE, SIDE), "labels": (32,)}),
        (
            "SegformerForSemanticSegmentation",
            {"pixel_values": (32, 3, SIDE, SIDE), "labels": (32, SIDE, SIDE)},
        ),
        (
            "BertForQuestionAnswering",
            {"input_ids": (32, POSITIONS), "start_positions": (32,), "end_positions": (32,)},
        ),
    ],
)
@pytest.mark.usefixtures("transformers")
def test_inputs_and_labels_follow_from_the_task_of_the_class(name, shapes, tmp_path):
    inputs = read_model(written(tmp_path, name), tmp_path).inputs
    assert {key: tuple(value.shape) for key, value in inputs.items()} == shapes
    integers = {key for key, value in inputs.items() if value.dtype == torch.int64}
    assert integers == shapes.keys() - {"pixel_values"}


@pytest.mark.usefixtures("transformers")
def test_pairs_of_texts_and_images_compute_their_loss(tmp_path):
    inputs = read_model(written(tmp_path, "CLIPModel"), tmp_path).inputs
    assert inputs.keys() == {"input_ids", "pixel_values", "return_loss"}


@pytest.mark.usefixtures("transformers")
def test_a_configuration_file_is_enough_and_a_length_may_be_given(tmp_path, capsys):
    arguments = ["-C", str(tmp_path), "memory", written(tmp_path, "BertForMaskedLM")]
    assert main([*arguments, "--batch-size", "2", "--input-shape", "50", "--optimizer", "sgd"]) == 0
    out = capsys.readouterr().out
    assert "inputs 2×50, 2×50" in out
    parameters = 4 * (WORDS * WIDTH + WIDTH * WORDS + WORDS)
    assert f"{parameters / 2**10:.2f} KiB" in out


@pytest.mark.usefixtures("transformers")
def test_a_class_may_be_named_behind_the_path(tmp_path):
    path = written(tmp_path, "BertForMaskedLM")
    model = read_model(f"{path}:BertForSequenceClassification", tmp_path)
    assert type(model.make()) is BertForSequenceClassification


@pytest.mark.usefixtures("transformers")
def test_nothing_is_kept_for_the_next_forward_pass(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        BertForMaskedLM, "__init__", lambda _, config: seen.append(config.use_cache)
    )
    read_model(written(tmp_path, "BertForMaskedLM"), tmp_path).make()
    assert seen == [False]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hf:gpt2", r"file of Hugging Face on this machine; got .*gpt2, which is not there; down"),
        ("hf:alien.json", r"that this version of Transformers knows; got .*Unrecognized model"),
        ("hf:none.json", "got none.json, which has none under architectures; name one behind"),
        ("hf:odd.json", "a class of Transformers that is a model; got 'GrokForCausalLM'"),
        ("hf:odd.json:pipeline", "a class of Transformers that is a model; got 'pipeline'"),
    ],
)
@pytest.mark.usefixtures("transformers")
def test_what_is_wrong_with_a_configuration_is_said(name, message, tmp_path):
    for file, text in (("alien", "alien"), ("none", ""), ("odd", "GrokForCausalLM")):
        (tmp_path / f"{file}.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read_model(name, tmp_path)


@pytest.mark.parametrize("name", ["hf:config.json", "timm:resnet50"])
def test_a_package_that_is_not_installed_is_named_with_its_cure(name, tmp_path, monkeypatch):
    package = {"hf": "transformers", "timm": "timm"}[name.partition(":")[0]]
    monkeypatch.setitem(sys.modules, package, None)  # as where it is not installed
    with pytest.raises(InputError, match=rf"the package {package}, for .*; pip install {package}"):
        read_model(name, tmp_path)


@pytest.fixture
def timm(monkeypatch):
    module = ModuleType("timm")
    module.list_models = lambda: ["resnet18", "resnet50", "vit_base"]
    module.is_model = lambda name: name in module.list_models()
    module.get_pretrained_cfg = lambda _: SimpleNamespace(input_size=(3, SIDE, SIDE))
    module.create_model = lambda name, pretrained: (
        nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 2)) if not pretrained else name
    )
    monkeypatch.setitem(sys.modules, "timm", module)
    return module


@pytest.mark.usefixtures("timm")
def test_timm_s_models_come_with_their_size_of_image_and_without_a_download():
    model = read_model("timm:resnet50")
    assert model.example == (3, SIDE, SIDE)
    profile = memory_profile(model.make, model.inputs_for(None), batch_size=2)
    assert profile.parameters_bytes == 4 * 2 * (3 * SIDE * SIDE + 1)


@pytest.mark.usefixtures("timm")
def test_a_model_that_timm_lacks_is_refused_with_those_of_a_like_name():
    with pytest.raises(InputError, match="got 'resnet51'; there is resnet50, resnet18"):
        read_model("timm:resnet51")
