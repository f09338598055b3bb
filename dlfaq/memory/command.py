"""What `dlfaq memory` does."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

import torch

from dlfaq.errors import InputError
from dlfaq.memory.account import MemoryProfile, in_units
from dlfaq.memory.fit import largest_batch
from dlfaq.memory.habits import Habits
from dlfaq.memory.inputs import shapes_of, tensors_of
from dlfaq.memory.profile import memory_profile
from dlfaq.memory.spec import read_bytes, read_loss, read_model, read_options, read_shape
from dlfaq.memory.tracing import fake_model, new_fake_mode
from dlfaq.writing.files import write_whole

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["report"]


def report(options: Namespace) -> str:
    """Predict what the options ask for, write the files they name, and say it in words.

    Raises:
        InputError: an option is wrong, or the model cannot be followed.
    """
    for file in (options.json, options.figure):
        if file is not None and not file.parent.is_dir():
            raise InputError(
                expected="a file in a folder that exists", got=str(file), cure="make the folder"
            )
        if file is not None and file.is_dir():
            raise InputError(
                expected="the name of a file",
                got=f"{file}, a folder",
                cure="add a slash and the name of a file in it",
            )
    model = read_model(options.model, options.folder)
    inputs = model.inputs_for(read_shape(options.input_shape) if options.input_shape else None)
    if inputs is None:
        raise InputError(
            expected="the shape of an example",
            got=f"{options.model}, a model alone",
            cure="give --input-shape, such as 3,224,224 (for video 3,16,112,112: the frames come "
            "second; for tokens 128 and --input-dtype int64), or return (model, inputs) from a "
            "function of yours",
        )
    if options.input_dtype is not None:
        inputs = _of_dtype(inputs, options.input_dtype)
    # Made once, however many batches are tried; to measure, it is made for real too.
    made = model.make if options.measure else fake_model(model.make, new_fake_mode())
    profile_at = partial(
        memory_profile,
        made,
        inputs,
        mode="inference" if options.inference else "train",
        optimizer=options.optimizer,
        options=read_options(options.options),
        loss=read_loss(options.loss, options.folder),
        precision=options.precision,
        checkpointing=options.checkpointing,
        accumulation=options.accumulation,
        device=options.device,
        gpu=options.gpu,
        **_habits(options),
    )
    found = []
    if options.fit:
        budget = read_bytes(options.fit)
        profile = largest_batch(lambda n: profile_at(batch_size=n), budget)
        found.append(f"the largest batch in {in_units(budget)}: {profile.batch_size}")
        if options.measure:
            profile = profile_at(batch_size=profile.batch_size, measure=True)
    else:
        profile = profile_at(batch_size=options.batch_size, measure=options.measure)
    shapes = tensors_of(shapes_of(inputs, profile.batch_size))
    sizes = ", ".join("×".join(map(str, tensor.shape)) for tensor in shapes)
    title = f"{options.model}, inputs {sizes}, {profile.assumptions}"
    if options.json is not None:
        data = {"model": options.model, **profile.as_dict()}
        with _writing(options.json):
            write_whole(options.json, json.dumps(data, indent=2) + "\n")
    if options.figure is not None:
        _draw(profile, options.figure)
    return "\n".join([title, *found, profile.table()])


def _habits(options: Namespace) -> dict[str, Any]:
    return {field.name: getattr(options, field.name) for field in fields(Habits)}


def _of_dtype(inputs: Any, name: str) -> Any:  # noqa: ANN401
    """A bare shape as a tensor of that type; what comes with the model has a type of its own."""
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise InputError(
            expected="the name of a type of PyTorch",
            got=repr(name),
            cure="write for example --input-dtype int64",
        )
    bare = isinstance(inputs, tuple) and all(type(n) is int for n in inputs)
    return torch.empty(*inputs, dtype=dtype, device="meta") if bare else inputs


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            expected="a file that can be written",
            got=f"{file}: {error.strerror}",
            cure="name a file elsewhere",
        ) from error


def _draw(profile: MemoryProfile, file: Path) -> None:
    # Most runs draw nothing, and matplotlib takes a while to load.
    from matplotlib import style  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with as_file(files("dlfaq.figures") / "house.mplstyle") as house, style.context(house):
        figure = Figure()
        profile.plot(figure.add_subplot())
        try:
            with _writing(file):
                figure.savefig(file, facecolor="white")
        except ValueError as error:
            raise InputError(
                expected="a file name that ends in .svg, .png or .pdf", got=file.name, cure="add it"
            ) from error
