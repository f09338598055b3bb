"""Models and sizes as they are written on the command line."""

from __future__ import annotations

import importlib.util
import re
import sys
from functools import partial
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from dlfaq.errors import InputError
from dlfaq.memory.hugging_face import from_configuration
from dlfaq.memory.named_model import Model
from dlfaq.memory.timm_models import from_timm
from dlfaq.memory.tracing import made_by, new_fake_mode

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["read_bytes", "read_model", "read_shape"]

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
    function = _function(folder / source, name)
    made = made_by(function, new_fake_mode())
    if isinstance(made, nn.Module):
        return Model(function)
    if isinstance(made, tuple) and len(made) == 2 and isinstance(made[0], nn.Module):  # noqa: PLR2004
        return Model(lambda: function()[0], inputs=made[1])
    raise InputError(
        expected=f"{name} to return a model, or a tuple of the model and its inputs",
        got=type(made).__name__,
        cure="return model, or (model, inputs)",
    )


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


def _function(file: Path, name: str) -> Callable[[], Any]:
    if not file.is_file():
        raise InputError(
            expected="a Python file", got=str(file), cure="give the path from where you are"
        )
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None  # noqa: PT018 - it ends in .py
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.parent.resolve()))  # its own imports, as `python file.py` has it
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function) or isinstance(function, nn.Module):
        names = [n for n, value in vars(module).items() if _is_own_function(value, module)]
        raise InputError(
            expected=f"a function of {file.name} that returns the model",
            got=repr(name) if function is None else f"{name}, {_a(type(function).__name__)}",
            cure=f"there is {', '.join(names)}" if names else "define one",
        )
    needed = [p.name for p in signature(function).parameters.values() if _is_needed(p)]
    if needed:
        raise InputError(
            expected="a function that is called without arguments",
            got=f"{name}({', '.join(needed)})",
            cure=f"write one that returns {name}(…) with the arguments you mean",
        )
    return function  # type: ignore[no-any-return]


def _is_own_function(value: object, module: ModuleType) -> bool:
    if not callable(value) or getattr(value, "__module__", None) != module.__name__:
        return False
    name = getattr(value, "__name__", "_")
    return not name.startswith(("_", "<")) and not any(
        _is_needed(p) for p in signature(value).parameters.values()
    )


def _is_needed(parameter: Parameter) -> bool:
    variable = parameter.kind in {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}
    return parameter.default is Parameter.empty and not variable


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
