"""From a module, a function or arrays to the tensors that are moved, and what reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, TypeAlias
from unittest import mock

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils._pytree import KeyPath, keystr, tree_map_only, tree_map_with_path

from dlfaq.errors import InputError
from dlfaq.gradients.check.calls import argument_names
from dlfaq.gradients.check.state import State

__all__ = [
    "Array",
    "Forward",
    "Variables",
    "compiled",
    "of_function",
    "of_module",
    "padding_rows_have_gradients",
    "shared",
    "why_not_single",
]

Array: TypeAlias = Tensor | npt.NDArray[np.float64]
Variables: TypeAlias = dict[str, Tensor]
Forward: TypeAlias = Callable[[], Any]


def shared(arrays: Mapping[str, Array]) -> Variables:
    """The arrays themselves as tensors: what moves the one moves the other.

    Raises:
        InputError: these are no arrays by name, or one cannot be written to.
    """
    if not isinstance(arrays, Mapping):
        raise InputError(
            expected="arrays by name",
            got=type(arrays).__name__,
            cure="for instance dict(model.named_parameters()), or {'w': w}",
        )
    return {name: _tensor(name, array) for name, array in arrays.items()}


def _tensor(name: str, array: Array) -> Tensor:
    if isinstance(array, Tensor):
        return array
    if (
        not isinstance(array, np.ndarray)
        or not array.flags.writeable
        or min(array.strides, default=0) < 0
    ):
        raise InputError(
            expected=f"{name!r} as a tensor or a NumPy array that can be changed in place",
            got="a NumPy array that cannot, a view"
            if isinstance(array, np.ndarray)
            else type(array).__name__,
            cure="make it an array of its own, np.array(…, dtype=float), which the loss reads",
        )
    return torch.from_numpy(array)


def of_module(
    module: nn.Module, inputs: tuple[Any, ...]
) -> tuple[Variables, Forward, tuple[str, ...]]:
    """Its parameters, copies of the inputs, and the module's output for them.

    The parameters are its own, for whatever reads them: compiled and checkpointed code, a loss.

    Returns:
        What is differentiated by, the forward pass, and the names of the inputs that a single layer
        leaves unchecked because they require no gradients.
    """
    for name, parameter in module.named_parameters():
        if isinstance(parameter, nn.parameter.UninitializedParameter):
            raise InputError(
                expected="parameters that have a shape",
                got=f"{name!r} of a lazy layer that has not run",
                cure="call the model on the inputs once before",
            )
    own = {name: p for name, p in module.named_parameters() if p.requires_grad and p.numel()}
    copies, checked, rest = _inputs(module.forward, inputs)
    state = State(module)

    def forward() -> Any:  # noqa: ANN401
        state.restore()
        try:
            return module(*_fresh(copies))
        except RuntimeError as error:
            single = [k for k, t in rest.items() if t.dtype != torch.float64]
            if not single or "dtype" not in str(error):
                raise
            raise InputError(
                expected="inputs of float64, as the model",
                got=f"{single[0]!r} of {str(rest[single[0]].dtype).removeprefix('torch.')}",
                cure="pass x.double()",
            ) from error

    checked = {f"{k} (argument)" if k in own else k: t for k, t in checked.items()}
    layer = not any(module.children())
    return {**own, **checked}, forward, tuple(rest) if layer else ()


def of_function(function: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[Variables, Forward]:
    """Copies of the inputs that require gradients, and the function's output for them."""
    copies, checked, _ = _inputs(function, inputs)
    state = State(None)

    def forward() -> Any:  # noqa: ANN401
        state.restore()
        return function(*_fresh(copies))

    return checked, forward


def _inputs(
    function: Callable[..., Any], inputs: tuple[Any, ...]
) -> tuple[list[Any], Variables, Variables]:
    """The inputs with copies of those that require gradients; these by name, and the others."""
    checked: Variables = {}
    rest: Variables = {}

    def copied(path: KeyPath, value: Any, name: str) -> Any:  # noqa: ANN401  (of the same type)
        name += keystr(path)
        if isinstance(value, Tensor) and value.is_floating_point() and not value.requires_grad:
            rest[name] = value
        if isinstance(value, Tensor) and value.requires_grad and value.numel():
            checked[name] = value = _leaf(value)
        return value

    names = argument_names(function, len(inputs))
    copies = [
        tree_map_with_path(partial(copied, name=name), value)
        for name, value in zip(names, inputs, strict=True)
    ]
    return copies, checked, rest


def _fresh(inputs: list[Any]) -> list[Any]:
    """The inputs for a function that may change them in place."""
    fresh: list[Any] = tree_map_only(Tensor, torch.clone, inputs)
    return fresh


def _leaf(tensor: Tensor) -> Tensor:
    """A copy that requires gradients, under the hooks that the original puts on its own."""
    leaf = tensor.detach().clone().requires_grad_()
    for hook in (tensor._backward_hooks or {}).values():  # noqa: SLF001
        leaf.register_hook(hook)
    return leaf


def compiled(root: nn.Module | None) -> tuple[str, ...]:
    """The layers of a model that are compiled by torch.jit, outermost only, "" for itself."""
    paths: list[str] = []
    for path, layer in root.named_modules() if root is not None else ():
        inside = any(not outer or path.startswith(f"{outer}.") for outer in paths)
        if isinstance(layer, torch.jit.ScriptModule) and not inside:
            paths.append(path)
    return tuple(paths)


@contextmanager
def padding_rows_have_gradients(root: nn.Module | None) -> Iterator[None]:
    """Take back, for a while, that embeddings set the gradient of their padding row to 0."""
    with ExitStack() as undo:
        for layer in root.modules() if root is not None else ():
            if isinstance(layer, nn.Embedding) and layer.padding_idx is not None:
                undo.enter_context(mock.patch.object(layer, "padding_idx", None))
        yield


def why_not_single(step: float) -> str:
    """What differences with this step would be worth in float32."""
    eps = torch.finfo(torch.float32).eps
    best = eps ** (1 / 3)
    return (
        f"use double(), of the model and of its inputs: in float32 a loss is rounded at {eps:.0e} "
        f"of its size, so a difference over the step h = {step:g} is off by eps·|L|/h ≈ "
        f"{eps / step:.1g}·|L| where the formula itself is off by h² only; even at the best step, "
        f"h ≈ {best:.1g}, only about {-np.log10(eps ** (2 / 3)):.0f} digits agree, and a wrong "
        "gradient can pass"
    )
