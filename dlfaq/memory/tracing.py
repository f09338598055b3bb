"""Models and inputs as fake tensors: they have shapes and types, and no bytes."""

from __future__ import annotations

import copy
import logging
import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from unittest import mock

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorDeviceMismatchError,
    FakeTensorMode,
    UnsupportedOperatorException,
)
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only

from dlfaq.errors import DlfaqError, InputError, first_line
from dlfaq.memory.hooks import carry_all_hooks
from dlfaq.memory.inputs import on_cpu
from dlfaq.memory.place import place
from dlfaq.memory.without_gpu import without_gpu

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dlfaq.memory.inputs import Inputs

__all__ = ["fake_copy", "fake_inputs", "fake_model", "made_by", "named_errors", "new_fake_mode"]

T = TypeVar("T")


def new_fake_mode() -> FakeTensorMode:
    """A mode whose tensors allocate nothing; real ones a model keeps aside are made fake."""
    return FakeTensorMode(allow_non_fake_inputs=True)


def fake_model(model: nn.Module | Callable[[], nn.Module], mode: FakeTensorMode) -> nn.Module:
    """A fake copy of a model, or what a function makes without allocating.

    Raises:
        InputError: the function makes something else, or a model whose step is not PyTorch's own.
    """
    made = model if isinstance(model, nn.Module) else made_by(model, mode)
    if not isinstance(made, nn.Module):
        raise InputError(
            expected="an nn.Module, or a function that makes one",
            got=f"a function that returned {type(made).__name__}",
            cure="return the model",
        )
    for module in made.modules():
        _refuse_what_has_no_steps(module)
    return fake_copy(made, mode)


def fake_copy(module: nn.Module, mode: FakeTensorMode) -> nn.Module:
    """A copy of fake tensors.

    The module's may be fake, too: deep copies that its maker made of them have views that share no
    storage with them, and those of this copy do.

    Raises:
        InputError: a parameter has a hook that the copy could not follow.
    """
    with _CopiesAreFake(mode):
        copied = copy.deepcopy(module)
    carry_all_hooks(module, copied)
    return copied


def made_by(function: Callable[[], T], mode: FakeTensorMode) -> T:
    """What a function returns, made of fake tensors where it can be.

    A function that looks at the weights it draws cannot run on fake ones. It is called for real
    then. PyTorch's own truncated normal numbers look too, to draw again: fake ones are not drawn.
    """
    try:
        with (
            mode,
            _quiet(),
            without_gpu(),
            mock.patch.object(nn.init, "_no_grad_trunc_normal_", _undrawn),
        ):
            return function()
    except Exception:  # noqa: BLE001 - if it was the function's own, the real call raises it again
        with without_gpu():
            return function()


def _undrawn(tensor: Tensor, *_: object, **__: object) -> Tensor:
    return tensor


def _refuse_what_has_no_steps(module: nn.Module) -> None:
    """A model whose layers have no shapes yet, or that a compiler runs."""
    kind = type(module).__name__
    if any(nn.parameter.is_lazy(p) for p in module.parameters(recurse=False)):
        raise InputError(
            expected="layers that know their shapes",
            got=kind,
            cure="write the layer with its input size, such as nn.Linear for nn.LazyLinear",
        )
    compiled = getattr(module, "_compiled_call_impl", None) is not None
    if compiled or hasattr(module, "_orig_mod") or isinstance(module, torch.jit.ScriptModule):
        raise InputError(
            expected="a model that runs one operation after another",
            got=f"{kind}, which is compiled",
            cure="leave out torch.compile or torch.jit: what a compiler fuses is not predicted",
        )


def fake_inputs(inputs: Inputs, mode: FakeTensorMode) -> Inputs:
    """Fake tensors of the same shapes and types."""
    with mode:
        fake: Inputs = tree_map_only(Tensor, on_cpu, inputs)
    return fake


class _CopiesAreFake(TorchFunctionMode):
    """Makes `copy.deepcopy` of tensors fake ones on the CPU, of fake tensors too."""

    def __init__(self, mode: FakeTensorMode) -> None:
        super().__init__()
        self._mode = mode

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        if func is Tensor.__deepcopy__:
            copied = self._fake(args[0])
            if isinstance(args[0], nn.Parameter):
                return nn.Parameter(copied, requires_grad=args[0].requires_grad)
            return copied
        if func is Tensor.clone:  # how a Parameter copies its data
            return self._fake(args[0])
        return func(*args, **(kwargs or {}))

    def _fake(self, tensor: Tensor) -> Tensor:
        with self._mode:
            return on_cpu(tensor)


@contextmanager
def _quiet() -> Iterator[None]:
    """No advice on speed or on pointers of fake tensors, and no log of what is raised anyway."""
    log = logging.getLogger("torch._subclasses.fake_tensor")
    was = log.disabled
    log.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.disabled = was


@contextmanager
def named_errors(model: str) -> Iterator[None]:
    """Turn what stops a model into an error that says which operator, where, and what to do."""
    try:
        with _quiet():
            yield
    except DlfaqError:
        raise
    except (DataDependentOutputException, DynamicOutputShapeException) as error:
        raise InputError(
            expected="a model whose operations depend on shapes alone",
            got=f"{error.func} in {model}{place(error)}, which needs the numbers in a tensor",
            cure="there, take out .item(), .tolist(), nonzero, boolean indexing or an `if` on a "
            "tensor, or decide by shapes or an attribute of the module",
        ) from error
    except Exception as error:
        if _asks_for_numbers(error):
            raise InputError(
                expected="a model whose operations depend on shapes alone",
                got=f"a call of NumPy in {model}{place(error)}, which needs the numbers in a "
                "tensor",
                cure="stay with PyTorch's operations there",
            ) from error
        if _is_elsewhere(error):
            raise InputError(
                expected="a model that puts its tensors where its inputs are",
                got=f"two devices in {model}{place(error)}: {first_line(error)}",
                cure='take out .cuda() and .to("cuda"), or write .to(x.device): a GPU is predicted '
                "without one",
            ) from error
        if _has_no_fake_kernel(error):
            raise InputError(
                expected="operators that PyTorch can follow without numbers",
                got=f"{_operator(error)} in {model}{place(error)}",
                cure="give the operator a fake kernel with torch.library.register_fake, or put a "
                "PyTorch operator of the same shapes in its place",
            ) from error
        raise InputError(
            expected=f"a step of {model} that runs on inputs of these shapes and types",
            got=f"{type(error).__name__}{place(error)}: {first_line(error)}",
            cure=_cure(error),
        ) from error


def _cure(error: Exception) -> str:
    if re.search(r"missing \d+ required positional argument", str(error)):
        return "give all of the model's inputs: a tuple of them, or a dict by their names"
    if "Long, Int" in str(error) or "to be an integer type" in str(error):
        return (
            "the model reads integers, such as tokens: pass torch.empty(32, 128, dtype=torch.int64)"
            " as inputs (--input-dtype int64 on the command line)"
        )
    return "run such a step once on real tensors"


def _asks_for_numbers(error: Exception) -> bool:
    return ".numpy() is not supported" in str(error)


def _is_elsewhere(error: Exception) -> bool:
    by_type = isinstance(error, FakeTensorDeviceMismatchError)
    return by_type or "Found no NVIDIA driver" in str(error) or "with CUDA enabled" in str(error)


def _has_no_fake_kernel(error: Exception) -> bool:
    by_type = isinstance(error, UnsupportedOperatorException | NotImplementedError)
    return by_type or "no fake impl registered" in str(error)


def _operator(error: Exception) -> str:
    named = re.search(r"[\w.]+::[\w.]+", str(error))
    return str(getattr(error, "func", None) or (named[0] if named else first_line(error)))
