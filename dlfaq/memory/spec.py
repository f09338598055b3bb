"""Models and sizes as they are written on the command line."""

from __future__ import annotations

import ast
import re
from functools import partial
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlfaq.errors import InputError
from dlfaq.memory.hugging_face import from_configuration
from dlfaq.memory.named_model import Model
from dlfaq.memory.timm_models import from_timm
from dlfaq.memory.user_file import function_of, made_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlfaq.memory.loss import LossOption

__all__ = ["read_bytes", "read_loss", "read_model", "read_options", "read_shape"]

_BINARY = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_DECIMAL = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_USUAL_IMAGE = 224


def read_bytes(text: str) -> int:
    """A size such as "24GiB", "512 MiB" or "24GB" (of 10⁹ bytes), in bytes.

    Raises:
        InputError: it is no such size.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?\s*", text, re.IGNORECASE)
    unit = match[2].upper() if match else ""
    decimal = bool(match and unit and not match[3] and text.strip().upper().endswith("B"))
    if match is None or (match[3] and not unit) or float(match[1]) == 0:
        raise InputError(
            expected="a size above 0 with its unit", got=repr(text), cure="write for example 24GiB"
        )
    return int(float(match[1]) * (_DECIMAL if decimal else _BINARY)[unit])


def read_shape(text: str) -> tuple[int, ...]:
    """The shape of one example, such as "3,224,224" or "3x224x224".

    Raises:
        InputError: it is no such shape.
    """
    if not re.fullmatch(r"[1-9]\d*([,x][1-9]\d*)*", text):
        raise InputError(
            expected="the shape of one example, without the batch",
            got=repr(text),
            cure="write for example 3,224,224",
        )
    return tuple(int(n) for n in re.split("[,x]", text))


def read_options(text: str | None) -> dict[str, Any]:
    """An optimizer's options, such as "momentum=0.9,nesterov=True".

    Raises:
        InputError: they are written otherwise.
    """
    try:
        call = ast.parse(f"f({text or ''})", mode="eval").body
        assert isinstance(call, ast.Call) and not call.args  # noqa: PT018 - else it is no option
        return {str(word.arg): ast.literal_eval(word.value) for word in call.keywords if word.arg}
    except (AssertionError, SyntaxError, ValueError) as error:
        raise InputError(
            expected="options of the optimizer by name",
            got=repr(text),
            cure="write for example --options momentum=0.9,nesterov=True",
        ) from error


def read_loss(text: str | None, folder: Path = Path()) -> LossOption:
    """A loss by name, or the function of a file, as "path/to/file.py:function".

    Raises:
        InputError: the file has no such function.
    """
    source, _, name = (text or "").rpartition(":")
    return function_of(folder / source, name) if source.endswith(".py") else text


def read_model(text: str, folder: Path = Path()) -> Model:
    """The model that a name stands for.

    - "torchvision:NAME" and "timm:NAME" are models of these packages.
    - "hf:PATH" is what a configuration file of Hugging Face describes, "hf:PATH:CLASS" another
      class of Transformers for the same configuration. Nothing is downloaded.
    - "path/to/file.py:function" is what a function without arguments returns: the model, or the
      model and its inputs (as `memory_profile` takes them).

    Args:
        text: as above.
        folder: what a relative path is relative to.

    Raises:
        InputError: it names none.
    """
    package, colon, rest = text.partition(":")
    if colon and package in _PACKAGES:
        return _PACKAGES[package](rest, folder)
    source, _, name = text.rpartition(":")
    if not source.endswith(".py"):
        raise InputError(
            expected="torchvision:NAME, timm:NAME, hf:PATH or path/to/file.py:function",
            got=repr(text),
            cure="write for example torchvision:resnet50, hf:gpt2/config.json or net.py:make_model",
        )
    make, inputs = made_in(folder / source, name)
    return Model(make, inputs)


def _from_torchvision(name: str, _: Path) -> Model:
    from torchvision import models  # noqa: PLC0415 - a model in a file does without

    try:
        builder = models.get_model_builder(name)
    except ValueError as error:
        raise InputError(
            expected="the name of a model of torchvision",
            got=repr(name),
            cure="see torchvision.models.list_models(); resnet50 is one",
        ) from error
    weights: dict[str, Any] = {"weights": None}
    if "weights_backbone" in signature(builder).parameters:
        weights["weights_backbone"] = None  # else torchvision downloads them
    make = partial(builder, **weights)
    if ".video." in builder.__module__:  # of no usual number of frames
        return Model(make)
    size = _image_size(models.get_model_weights(name))
    if name.startswith("vit_"):  # built for one size, whatever its best weights were trained on
        size = _USUAL_IMAGE
    return Model(make, example=(3, size, size))


_PACKAGES: dict[str, Callable[[str, Path], Model]] = {
    "hf": from_configuration,
    "timm": from_timm,
    "torchvision": _from_torchvision,
}


def _image_size(weights: Any) -> int:  # noqa: ANN401 - an enumeration that torchvision makes
    """The side of the images that the model's published weights are evaluated on."""
    options = getattr(weights.DEFAULT.transforms, "keywords", {})
    size = options.get("crop_size", options.get("resize_size", _USUAL_IMAGE))
    return int(size[0] if isinstance(size, list | tuple) else size)
