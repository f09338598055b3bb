"""What ran in a forward pass: each module and each custom autograd function, with its arguments."""

from __future__ import annotations

import inspect
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.checkpoint import CheckpointFunction

from dlfaq.gradients.check.autograd import nodes
from dlfaq.gradients.check.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Call", "argument_names", "not_checkpointed", "recorded", "takes_context"]


@dataclass(frozen=True)
class Call:
    """One call, which can be repeated with other numbers.

    Attributes:
        code: the type of the module, or the name of the `torch.autograd.Function`.
        path: the qualified name of the layer that it is or runs in, "" for the root or none.
        layer: the type of that layer, "" for none.
        ancestors: positions in the record of the calls that it runs in.
        arguments: those that require gradients, by name, as they were when it began.
        parameters: its own that require gradients, by name.
        run: takes such arguments in that order and returns what the call returns.
        module: that was called, None for a custom function.
        function: that was applied, None for a module.
    """

    code: str
    path: str
    layer: str
    ancestors: tuple[int, ...]
    arguments: Mapping[str, Tensor]
    parameters: Mapping[str, Tensor]
    run: Callable[..., object]
    module: nn.Module | None = field(repr=False)
    function: type[Function] | None


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
        own = layer.named_parameters()
        parameters: dict[str, Tensor] = {k: p for k, p in own if p.requires_grad and p.numel()}

        def call(fresh: list[Any]) -> object:
            return layer(*fresh[: len(args)], **dict(zip(kwargs, fresh[len(args) :], strict=True)))

        inputs, run = _repeatable(values, names, call, State(layer))
        inputs = {f"{k} (argument)" if k in parameters else k: t for k, t in inputs.items()}
        ancestors = self._ancestors()
        self.calls.append(Call(code, path, code, ancestors, inputs, parameters, run, layer, None))
        self.running.append((len(self.calls) - 1, path, code))

    def function(self, function: type[Function], args: tuple[Any, ...]) -> None:
        """A custom function is applied to `args`, without its context."""
        names = argument_names(function.apply, len(args))
        tensors, run = _repeatable(
            list(args), names, lambda fresh: function.apply(*fresh), State(None)
        )
        _, path, layer = self.running[-1] if self.running else (0, "", "")
        code, ancestors = function.__name__, self._ancestors()
        self.calls.append(Call(code, path, layer, ancestors, tensors, {}, run, None, function))

    def _ancestors(self) -> tuple[int, ...]:
        return tuple(position for position, *_ in self.running)


def recorded(forward: Callable[[], object], root: nn.Module | None) -> list[Call]:
    """The calls of modules of `root` and of custom functions in `forward`, in order."""
    with not_checkpointed():
        functions = _custom_functions(forward())
    record = _Record()
    with ExitStack() as undo:
        undo.enter_context(not_checkpointed())
        for path, layer in root.named_modules() if root is not None else ():
            if isinstance(layer, torch.jit.ScriptModule):
                continue  # compiled: no hook can be put on it
            hooks = [
                layer.register_forward_pre_hook(
                    lambda layer, args, kwargs, path=path: record.module(path, layer, args, kwargs),
                    with_kwargs=True,
                ),
                layer.register_forward_hook(lambda *_: record.running.pop() and None),
            ]
            for hook in hooks:
                undo.callback(hook.remove)
        # All before the first is patched: one may inherit its forward from another.
        watched = {function: staticmethod(_watched(function, record)) for function in functions}
        for function, replacement in watched.items():
            undo.enter_context(mock.patch.object(function, "forward", replacement))
        forward()
    return record.calls


@contextmanager
def not_checkpointed() -> Iterator[None]:
    """Run what is checkpointed the older way at once, for its parts to be seen."""

    def apply(function: Callable[..., object], preserve: object, *args: object) -> object:  # noqa: ARG001
        return function(*args)

    with mock.patch.object(CheckpointFunction, "apply", staticmethod(apply)):
        yield


def _watched(function: type[Function], record: _Record) -> Callable[..., Any]:
    original = function.forward
    context = takes_context(function)

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
    names = names[1:] if custom and takes_context(custom) else names
    return [*names[:count], *(f"input {i}" for i in range(len(names), count))]


def takes_context(function: type[Function]) -> bool:
    """Whether forward(ctx, …) is the older style, in which no setup_context stands beside it."""
    return function.setup_context is Function.setup_context


def _repeatable(
    values: list[Any], names: list[str], call: Callable[[list[Any]], object], state: State
) -> tuple[dict[str, Tensor], Callable[..., object]]:
    """The arguments that vary, and a repetition of `call` that takes them."""
    varying = [i for i, value in enumerate(values) if _varies(value)]
    given = _copied(values)

    def run(*tensors: Tensor) -> object:
        state.restore()
        fresh = _copied(given)
        for i, tensor in zip(varying, tensors, strict=True):
            # It may be changed in place, and a clone of what lies apart lies together.
            dense = tensor.layout != torch.strided or tensor.clone().stride() == tensor.stride()
            fresh[i] = tensor.clone() if dense else tensor.view_as(tensor)
        return call(fresh)

    return {names[i]: given[i] for i in varying}, run


def _custom_functions(output: object) -> list[type[Function]]:
    """The classes of `torch.autograd.Function` in the graph of an output, and all that are known.

    A graph does not show those whose gradient a forward pass has taken already.
    """
    outputs = [leaf for leaf in tree_leaves(output) if isinstance(leaf, Tensor)]
    classes = [getattr(node, "_forward_cls", None) for node in nodes(*outputs)]
    known, todo = [], [Function]
    while todo:
        below = todo.pop().__subclasses__()
        todo += below
        known += [c for c in below if not c.__module__.startswith("torch.")]
    return [c for c in dict.fromkeys([*classes, *known]) if c is not None]


def _varies(value: object) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _copied(values: list[Any]) -> list[Any]:
    """The values with their tensors cut from the graph and copied."""
    copied: list[Any] = tree_map_only(Tensor, lambda tensor: tensor.detach().clone(), values)
    return copied
