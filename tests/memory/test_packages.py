"""Transformers and timm themselves, in an environment of their own: they are not in the lock."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MINUTES = 60
# Written by the packages' own classes, as they are published.
CONFIGURATIONS = """
import sys
import transformers as t
small = dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
             vocab_size=1000, dtype="bfloat16")
for name, configuration, kind in (
    ("gpt2", t.GPT2Config(), "GPT2LMHeadModel"),
    ("bert", t.BertConfig(), "BertForSequenceClassification"),
    ("llama", t.LlamaConfig(**small), "LlamaForCausalLM"),
    ("vit", t.ViTConfig(num_labels=1000), "ViTForImageClassification"),
    ("t5", t.T5Config(decoder_start_token_id=0), "T5ForConditionalGeneration"),
):
    configuration.architectures = [kind]
    configuration.save_pretrained(f"{sys.argv[1]}/{name}")
"""
LLAMA = 2 * 1000 * 64 + 2 * (4 * 64 * 64 + 3 * 64 * 128 + 2 * 64) + 64


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A folder of configurations, and a Python that has both packages over our own."""
    folder = tmp_path_factory.mktemp("packages")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    own = folder / "venv" / "lib" / version / "site-packages"
    # Environments may lie one over another: all that this one sees, the new one sees too.
    seen = [entry for entry in sys.path if entry.endswith("site-packages")]
    (own / "ours.pth").write_text("\n".join([str(ROOT), *seen, sysconfig.get_path("purelib")]))
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    done = subprocess.run(
        [*install, "transformers", "timm"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"transformers and timm cannot be installed: {done.stderr.strip()[-300:]}")
    subprocess.run([python, "-c", CONFIGURATIONS, folder], check=True)
    return folder, python


def profile(environment, name, *options):
    folder, python = environment
    code = "import sys; from dlfaq.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = ["-C", folder, "memory", name, "--json", folder / "memory.json", *options]
    subprocess.run([python, "-c", code, *command], check=True, timeout=10 * MINUTES)
    return json.loads((folder / "memory.json").read_text())


@pytest.mark.soak
@pytest.mark.parametrize(
    ("name", "parameters", "shape"),
    [
        # As the packages' documentation, or the papers, count them.
        ("hf:gpt2", 124_439_808, "64"),
        ("hf:bert/config.json", 109_483_778, "64"),
        ("hf:llama", LLAMA, "64"),
        ("hf:vit", 86_567_656, "3,224,224"),
        ("hf:t5", 60_506_624, "64"),
        ("timm:resnet50", 25_557_032, "3,64,64"),
        ("timm:convnext_tiny", 28_589_128, "3,64,64"),
        ("timm:vit_base_patch16_224", 86_567_656, "3,224,224"),
    ],
)
def test_models_by_name_have_their_number_of_parameters_and_the_peak_that_is_measured(
    environment, name, parameters, shape
):
    options = ["--batch-size", "2", "--input-shape", shape, "--device", "cpu", "--measure"]
    data = profile(environment, name, *options)
    assert data["parameters_bytes"] == 4 * parameters
    assert data["peak_bytes"] == pytest.approx(data["measured_peak_bytes"], rel=0.03)


@pytest.mark.soak
@pytest.mark.parametrize("precision", ["amp", "bf16"])
@pytest.mark.parametrize("name", ["hf:gpt2", "hf:bert", "timm:convnext_tiny"])
def test_models_by_name_are_followed_in_half_precision_and_checkpointed(
    environment, name, precision
):
    whole = profile(environment, name, "--batch-size", "8", "--precision", precision)
    blocks = profile(
        environment, name, "--batch-size", "8", "--precision", precision, "--checkpointing"
    )
    assert blocks["activations_bytes"] < 0.6 * whole["activations_bytes"]
