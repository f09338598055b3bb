"""Where replicas train: on the device that the environment variable DLFAQ_DEVICE names, else "cpu".

Data and models come from the CPU and weights go back to it, so a page reads the same on any device.
What it measures differs in rounding, and in the random numbers that a model draws on the device.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import torch

from dlfaq.errors import InputError, first_line

if TYPE_CHECKING:
    from dlfaq.data.sets import Dataset

__all__ = ["moved", "training_device"]


def training_device() -> torch.device:
    """The device to train on.

    Raises:
        InputError: PyTorch does not know it, or cannot use it here.
    """
    name = os.environ.get("DLFAQ_DEVICE", "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # the latter where CUDA was not compiled in
        raise InputError(
            expected="a device that PyTorch can use here in DLFAQ_DEVICE, such as cuda",
            got=f"{name!r} ({first_line(error)})",
            cure="unset the variable to train on the CPU",
        ) from error


def moved(data: Dataset, device: torch.device) -> Dataset:
    """The data set on `device`; itself, if it is there."""
    return data if data.train.x.device == device else data.to(device)
