"""Code that is written for a GPU, run on the CPU's tensors that stand for a GPU's."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["without_gpu"]

_NAME = re.compile(r"cuda(:\d+)?")
_CPU = torch.device("cpu")


@contextmanager
def without_gpu() -> Iterator[None]:
    """Make `.cuda()`, `.to("cuda")` and `device="cuda"` leave tensors on the CPU, here or not."""
    set_default = torch.set_default_device

    def set_default_device(device: Any) -> None:  # noqa: ANN401 - a device as PyTorch takes it
        set_default(_on_cpu(device))

    with (
        mock.patch.object(torch, "set_default_device", set_default_device),
        mock.patch.object(torch.cuda, "set_device"),
        _OnCpu(),
    ):
        yield


class _OnCpu(TorchFunctionMode):
    """Puts the CPU in the place of each GPU among the arguments."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Run `func` so. No function of PyTorch takes a device inside of a list."""
        if func is torch.device:  # a name for a place, where nothing is put yet
            return func(*args, **(kwargs or {}))
        if func is Tensor.cuda:
            return args[0]
        if func is Tensor.to and len(args) > 1 and type(args[1]) is int:  # the GPU of that number
            args = (args[0], _CPU, *args[2:])
        keywords = dict(kwargs or {})
        if type(keywords.get("device")) is int:
            keywords["device"] = _CPU
        keywords = {name: _on_cpu(value) for name, value in keywords.items()}
        return func(*map(_on_cpu, args), **keywords)


def _on_cpu(argument: Any) -> Any:  # noqa: ANN401
    is_device = isinstance(argument, torch.device) and argument.type == "cuda"
    is_name = isinstance(argument, str) and _NAME.fullmatch(argument)
    return _CPU if is_device or is_name else argument
