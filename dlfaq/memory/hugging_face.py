"""Models of Transformers, from a configuration file alone, where Transformers is installed.

The file says which class the model is of, and how large: to count bytes, weights are not needed.
Inputs and labels follow from the class's task, as its documentation asks for them.
"""

from __future__ import annotations

from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dlfaq.errors import InputError, first_line
from dlfaq.memory.named_model import USUAL_BATCH, Model
from dlfaq.memory.packages import installed

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["from_configuration"]

_USUAL_LENGTH = 512  # tokens; fewer where the model has fewer positions
_USUAL_IMAGE = 224
_CHOICES = 4  # of a question with given answers
_SECOND = 16_000  # samples of a sound
_LABEL_A_TOKEN = (
    "ForCausalLM",
    "ForConditionalGeneration",
    "ForMaskedLM",
    "ForPreTraining",
    "ForTokenClassification",
    "LMHeadModel",
)
_LABEL_AN_EXAMPLE = ("Classification", "ForMultipleChoice", "ForNextSentencePrediction")


def from_configuration(text: str, folder: Path) -> Model:
    """What "PATH" or "PATH:CLASS" describes.

    The inputs have no padding, so there is no mask. Nothing of an earlier forward pass is kept for
    the next (`use_cache`): that is for the generation of text.

    Args:
        text: a configuration file, or the folder where it is called config.json; and a class of
            Transformers, if not the first that the file has under `architectures`.
        folder: what a relative path is relative to.

    Raises:
        InputError: Transformers is not installed, or the file describes none of its models.
    """
    transformers = installed("transformers", needed_for="hf:PATH")
    path, _, name = text.partition(":")
    configuration = _read(transformers, folder / path)
    kind = _class(transformers, configuration, name, path)
    # Published files have both; one that was written by hand may not.
    if getattr(configuration, "pad_token_id", 0) is None:
        configuration.pad_token_id = 0  # a classifier of texts reads the last word before it
    if getattr(configuration, "decoder_start_token_id", None) is None:
        configuration.decoder_start_token_id = 0  # labels are shifted to the right, behind it
    configuration.use_cache = False
    arguments = partial(_arguments, kind, configuration)
    return Model(partial(kind, configuration), inputs=arguments(None), with_shape=arguments)


def _read(transformers: Any, path: Path) -> Any:  # noqa: ANN401
    if not path.exists():
        raise InputError(
            expected="a configuration file of Hugging Face on this machine",
            got=f"{path}, which is not there",
            cure="download config.json from the model's page, and give its path",
        )
    transformers.logging.set_verbosity_error()  # advice on weights, of which there are none
    try:
        return transformers.AutoConfig.from_pretrained(
            str(path), local_files_only=True, trust_remote_code=False
        )
    except Exception as error:
        raise InputError(
            expected="a configuration that this version of Transformers knows",
            got=f"{path}: {first_line(error)}",
            cure="look at its model_type, update Transformers, or return the model from a function "
            "of yours: net.py:make_model",
        ) from error


def _class(transformers: Any, configuration: Any, name: str, path: str) -> Any:  # noqa: ANN401
    name = name or next(iter(configuration.architectures or ()), "")
    kind = getattr(transformers, name, None) if name else None
    if not (isinstance(kind, type) and issubclass(kind, torch.nn.Module)):
        raise InputError(
            expected="a class of Transformers that is a model",
            got=repr(name) if name else f"{path}, which has none under architectures",
            cure=f"name one behind the path, such as hf:{path}:BertForSequenceClassification",
        )
    return kind


def _arguments(kind: Any, configuration: Any, shape: tuple[int, ...] | None) -> dict[str, Any]:  # noqa: ANN401
    """A batch of inputs, and the labels where the model computes a loss of its own."""
    taken = signature(kind.forward).parameters
    if kind.main_input_name == "input_ids":
        arguments = {"input_ids": _tokens(kind, configuration, shape)}
    else:
        arguments = {kind.main_input_name: _numbers(kind.main_input_name, configuration, shape)}
    if "return_loss" in taken:  # pairs of texts and images
        arguments["pixel_values"] = _numbers("pixel_values", configuration, None)
        return {**arguments, "return_loss": True}
    return {**arguments, **_labels(kind.__name__, configuration, arguments, taken)}


def _tokens(kind: Any, configuration: Any, shape: tuple[int, ...] | None) -> Tensor:  # noqa: ANN401
    text = configuration.get_text_config()
    most = getattr(text, "max_position_embeddings", None) or getattr(text, "n_positions", None)
    length = shape or (min(most or _USUAL_LENGTH, _USUAL_LENGTH),)
    if kind.__name__.endswith("ForMultipleChoice") and len(length) == 1:
        length = (_CHOICES, *length)
    return _integers(USUAL_BATCH, *length)


def _numbers(name: str, configuration: Any, shape: tuple[int, ...] | None) -> Tensor:  # noqa: ANN401
    if shape is None and name == "pixel_values":
        vision = getattr(configuration, "vision_config", configuration)
        size = getattr(vision, "image_size", _USUAL_IMAGE)
        height, width = size if isinstance(size, list | tuple) else (size, size)
        shape = (getattr(vision, "num_channels", 3), height, width)
    elif shape is None and name == "input_features":  # a spectrogram, as Whisper takes it
        shape = (configuration.num_mel_bins, 2 * configuration.max_source_positions)
    return torch.empty(USUAL_BATCH, *(shape or (_SECOND,)), device="meta")


def _labels(name: str, configuration: Any, arguments: dict[str, Any], taken: Any) -> dict[str, Any]:  # noqa: ANN401
    if "start_positions" in taken:
        return dict.fromkeys(("start_positions", "end_positions"), _integers(USUAL_BATCH))
    if "labels" not in taken:
        return {}
    inputs = next(iter(arguments.values()))
    if name.endswith("ForSemanticSegmentation"):
        return {"labels": _integers(USUAL_BATCH, *inputs.shape[-2:])}
    if name.endswith(_LABEL_A_TOKEN) or name.endswith("ForCTC"):
        is_text = inputs.dtype == torch.int64
        return {"labels": _integers(*(inputs.shape if is_text else (USUAL_BATCH, _CHOICES)))}
    if name.endswith(_LABEL_AN_EXAMPLE):
        is_number = getattr(configuration, "num_labels", 2) == 1  # a regression
        labels = _integers(USUAL_BATCH)
        return {"labels": labels.float() if is_number else labels}
    return {}


def _integers(*shape: int) -> Tensor:
    return torch.empty(*shape, dtype=torch.int64, device="meta")
