"""What ran in a forward pass: each module and each custom autograd function, with its arguments."""

from __future__ import annotations

import inspect
from contextlib import ExitStack
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.func import functional_call
from torch.utils._pytree import tree_leaves, tree_map_only

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Call", "argument_names", "recorded"]


@dataclass(frozen=True)
class Call:
    """One call, which can be repeated with other numbers.

    Attributes:
        code: the type of the module, or the name of the `torch.autograd.Function`.
        path: the qualified name of the layer that it is or runs in, "" for the root or none.
        layer: the type of that layer, "" for none.
        ancestors: positions in the record of the calls that it runs in.
        tensors: what it differentiates by: arguments and parameters that require gradients, by
            name, as they were when it began.
        run: takes such tensors in that order and returns what the call returns.
    """

    code: str
    path: str
    layer: str
    ancestors: tuple[int, ...]
    tensors: Mapping[str, Tensor]
    run: Callable[..., object]


class _Record:
    """The calls so far, in the order in which they began, and those that still run."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.running: list[tuple[int, str, str]] = []  # position, path and type of a layer

    def module(
        self, path: str, layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """A module begins."""
        code = type(layer).__name__
        values = [*args, *kwargs.values()]
        names = [*argument_names(layer.forward, len(args)), *kwargs]
        parameters = {k: p for k, p in layer.named_parameters() if p.requires_grad}
        buffers = {k: b.clone() for k, b in layer.named_buffers()}

        def call(fresh: list[Any], rest: Sequence[Tensor]) -> object:
            state = dict(zip(parameters, rest, strict=True))
            state |= {key: buffer.clone() for key, buffer in buffers.items()}
            named = dict(zip(kwargs, fresh[len(args) :], strict=True))
            return functional_call(layer, state, tuple(fresh[: len(args)]), named)

        inputs, run = _repeatable(values, names, call)
        inputs = {f"{k} (argument)" if k in parameters else k: t for k, t in inputs.items()}
        self._add(code, path, code, {**inputs, **parameters}, run)
        self.running.append((len(self.calls) - 1, path, code))

    def function(self, function: type[Function], args: tuple[Any, ...]) -> None:
        """A custom function is applied to `args`, without its context."""
        names = argument_names(function.apply, len(args))
        tensors, run = _repeatable(list(args), names, lambda fresh, _: function.apply(*fresh))
        _, path, layer = self.running[-1] if self.running else (0, "", "")
        self._add(function.__name__, path, layer, tensors, run)

    def _add(
        self,
        code: str,
        path: str,
        layer: str,
        tensors: dict[str, Tensor],
        run: Callable[..., object],
    ) -> None:
        ancestors = tuple(position for position, *_ in self.running)
        # What computes in single precision inside cannot be checked to more than that.
        single = any(tensor.dtype != torch.float64 for tensor in tensors.values())
        self.calls.append(Call(code, path, layer, ancestors, {} if single else tensors, run))


def recorded(forward: Callable[[], object], root: nn.Module | None) -> list[Call]:
    """The calls of modules of `root` and of custom functions in `forward`, in order."""
    functions = _custom_functions(forward())
    record = _Record()
    with ExitStack() as undo:
        for path, layer in root.named_modules() if root is not None else ():
            hooks = [
                layer.register_forward_pre_hook(
                    lambda layer, args, kwargs, path=path: record.module(path, layer, args, kwargs),
                    with_kwargs=True,
                ),
                layer.register_forward_hook(lambda *_: record.running.pop() and None),
            ]
            for hook in hooks:
                undo.callback(hook.remove)
        for function in functions:
            replacement = staticmethod(_watched(function, record))
            undo.enter_context(mock.patch.object(function, "forward", replacement))
        forward()
    return record.calls


def _watched(function: type[Function], record: _Record) -> Callable[..., Any]:
    original = function.forward
    context = _takes_context(function)

    @wraps(original)
    def forward(*args: object, **kwargs: object) -> object:
        record.function(function, args[1:] if context else args)
        return original(*args, **kwargs)

    return forward


def argument_names(function: Callable[..., object], count: int) -> list[str]:
    """Names of the first `count` positional arguments, "input 0" where there is no name.

    Those of `apply` of a `torch.autograd.Function` are the ones of its forward, without a context.
    """
    owner = getattr(function, "__self__", None)
    custom = owner if isinstance(owner, type) and issubclass(owner, Function) else None
    try:
        signature = inspect.signature(custom.forward if custom else function)
    except (TypeError, ValueError):  # built into PyTorch
        return [f"input {i}" for i in range(count)]
    kinds = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    names = [name for name, p in signature.parameters.items() if p.kind in kinds]
    names = names[1:] if custom and _takes_context(custom) else names
    return [*names[:count], *(f"input {i}" for i in range(len(names), count))]


def _takes_context(function: type[Function]) -> bool:
    """Whether forward(ctx, …) is the older style, in which no setup_context stands beside it."""
    return function.setup_context is Function.setup_context


def _repeatable(
    values: list[Any], names: list[str], call: Callable[[list[Any], Sequence[Tensor]], object]
) -> tuple[dict[str, Tensor], Callable[..., object]]:
    """The arguments that vary, and a repetition of `call` that takes them and then the rest."""
    varying = [i for i, value in enumerate(values) if _varies(value)]
    given = _copied(values)

    def run(*tensors: Tensor) -> object:
        fresh = _copied(given)
        for i, tensor in zip(varying, tensors, strict=False):
            fresh[i] = tensor.clone()  # it may be changed in place
        return call(fresh, tensors[len(varying) :])

    return {names[i]: given[i] for i in varying}, run


def _custom_functions(output: object) -> list[type[Function]]:
    """The classes of `torch.autograd.Function` in the graph of an output."""
    found: dict[type[Function], None] = {}
    seen = set()
    todo = [leaf.grad_fn for leaf in tree_leaves(output) if isinstance(leaf, Tensor)]
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        custom = getattr(node, "_forward_cls", None)
        if custom is not None:
            found[custom] = None
        todo += [before for before, _ in node.next_functions]
    return list(found)


def _varies(value: object) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and value.requires_grad


def _copied(values: list[Any]) -> list[Any]:
    """The values with their tensors cut from the graph and copied."""
    copied: list[Any] = tree_map_only(Tensor, lambda tensor: tensor.detach().clone(), values)
    return copied
