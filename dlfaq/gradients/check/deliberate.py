"""Gradients that are meant to be other ones: straight-through, reversed, cut.

What comes before such a piece learns by the gradient that the piece says it has. So where a check
moves parameters, the piece gives what it gave, and what it is given counts with that gradient: the
sum of both is a function whose true gradient is the one that the backward pass should find.
"""

from __future__ import annotations

import inspect
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, cast
from unittest import mock

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.utils._pytree import tree_leaves, tree_map_only

from dlfaq.errors import InputError
from dlfaq.gradients.check.calls import Call, takes_context

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

__all__ = ["Allowed", "Deliberate"]


@dataclass(frozen=True)
class Allowed:
    """What `allow=` names.

    Attributes:
        names: of parameters and inputs.
        modules: by path.
        functions: classes of `torch.autograd.Function`.
        plain: functions that a module of Python holds by their name.
        everything: whether the subject itself is among them.
    """

    names: frozenset[str] = frozenset()
    modules: dict[str, nn.Module] = field(default_factory=dict)
    functions: tuple[type[Function], ...] = ()
    plain: tuple[Callable[..., Any], ...] = ()
    everything: bool = False

    @classmethod
    def of(cls, allow: Collection[object], subject: object, variables: Collection[str]) -> Allowed:
        """Sort what was named.

        Raises:
            InputError: a name is that of no parameter, input or module, or what was named is of no
                kind that can be told apart while the subject runs.
        """
        root = subject if isinstance(subject, nn.Module) else None
        layers = dict(root.named_modules()) if root is not None else {}
        owner = getattr(subject, "__self__", None)
        names: set[str] = set()
        modules: dict[str, nn.Module] = {}
        functions: list[type[Function]] = []
        plain: list[Callable[..., Any]] = []
        everything = False
        for item in [allow] if isinstance(allow, str) else allow:
            if item is subject or item is owner or (isinstance(item, type) and type(root) is item):
                everything = True
            elif isinstance(item, str) and item in variables:
                names.add(item)
            elif isinstance(item, str) and item in layers:
                modules[item] = layers[item]
            elif isinstance(item, type) and issubclass(item, Function):
                functions.append(item)
            elif found := {
                path: layer
                for path, layer in layers.items()
                if layer is item or (isinstance(item, type) and isinstance(layer, item))
            }:
                modules |= found
            elif _held_by_a_module(item):
                plain.append(cast("Callable[..., Any]", item))
            else:
                raise InputError(
                    expected="in allow= names of parameters, inputs or layers of the subject, "
                    "modules or their types, classes of torch.autograd.Function, or functions of a "
                    "Python module",
                    got=repr(item) if isinstance(item, str) else _named(item),
                    cure=f"name one of {', '.join(map(repr, [*variables, *filter(None, layers)]))}"
                    if isinstance(item, str)
                    else "make it a module or a torch.autograd.Function, and name that",
                )
        return cls(frozenset(names), modules, tuple(functions), tuple(plain), everything)

    @property
    def pieces(self) -> bool:
        """Whether code is named, not only parameters and inputs."""
        return bool(self.modules or self.functions or self.plain)

    def said(self) -> tuple[str, ...]:
        """All that was named, in words."""
        return (
            *sorted(self.names),
            *(f"{type(layer).__name__} at {path!r}" for path, layer in self.modules.items()),
            *map(_named, (*self.functions, *self.plain)),
        )

    def excuses(self, call: Call) -> bool:
        """Whether a call is one of the pieces, or in one."""
        inside = any(call.path == path or call.path.startswith(f"{path}.") for path in self.modules)
        return self.everything or call.function in self.functions or inside

    def runs_in(self, call: Call) -> bool:
        """Whether one of the plain functions runs in a call."""
        ran = []

        def noting(function: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(function)
            def noted(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401
                ran.append(function)
                return function(*args, **kwargs)

            return noted

        with ExitStack() as undo:
            for function in self.plain:
                place = {function.__name__: noting(function)}
                undo.enter_context(mock.patch.dict(function.__globals__, place))
            call.run(*call.arguments.values())
        return bool(ran)

    def excuses_name(self, name: str) -> bool:
        """Whether the gradient of a variable is meant to be another one."""
        own = any(name.startswith(f"{path}.") for path in self.modules)
        return self.everything or own or name in self.names


def _held_by_a_module(item: Any) -> bool:  # noqa: ANN401  (whatever was named)
    """Whether it is a function that others find by its name, so that it can be watched."""
    return inspect.isfunction(item) and item.__globals__.get(item.__name__) is item


def _named(item: object) -> str:
    return str(getattr(item, "__qualname__", None) or type(item).__name__)


@dataclass
class _Run:
    """What one call of a piece was given and gave, and the gradient that it handed on."""

    inputs: list[Tensor]
    output: object = None
    gradients: dict[int, Tensor] = field(default_factory=dict)


class Deliberate:
    """Runs a forward pass with the pieces that are allowed as they are, or held.

    Args:
        allowed: the pieces.
    """

    def __init__(self, allowed: Allowed) -> None:
        self.allowed = allowed
        self.runs: list[_Run] = []

    def learn(self, value: Callable[[], Tensor], leaves: list[Tensor]) -> None:
        """Note what each piece is given, gives and hands back at the present point."""
        self.runs = []
        with self._pieces(self._note), ExitStack() as undo:
            for custom in self.allowed.functions:
                undo.enter_context(self._noting(custom))
            total = value()
            if total.requires_grad:
                torch.autograd.grad(total, leaves, allow_unused=True)

    def held(self, value: Callable[[], Tensor]) -> float:
        """F with the pieces held, and what they were given times the gradient they handed back."""
        position = 0
        extra = 0.0

        def hold(inputs: list[Tensor], _: Callable[[list[Tensor]], object]) -> object:
            nonlocal position, extra
            run = self.runs[position]
            position += 1
            for i, gradient in run.gradients.items():
                change = inputs[i].detach() - run.inputs[i]
                product = gradient.conj() * change
                extra += float(product.real.sum() if product.is_complex() else product.sum())
            return tree_map_only(Tensor, torch.clone, run.output)

        with self._pieces(hold), ExitStack() as undo:
            for custom in self.allowed.functions:
                undo.enter_context(_forward_through(custom, hold))
            total = float(value().detach())
        return total + extra

    def _note(self, inputs: list[Tensor], call: Callable[[list[Tensor]], object]) -> object:
        run = _Run([t.detach().clone() for t in inputs])
        self.runs.append(run)
        aliases = []
        for i, tensor in enumerate(inputs):
            alias = tensor
            if tensor.requires_grad:
                alias = tensor.view_as(tensor)
                alias.register_hook(lambda g, i=i: run.gradients.__setitem__(i, g.detach().clone()))
            aliases.append(alias)
        output = call(aliases)
        run.output = tree_map_only(Tensor, lambda t: t.detach().clone(), output)
        return output

    @contextmanager
    def _pieces(self, handle: Callable[..., object]) -> Iterator[None]:
        """Pass the calls of all pieces through `handle(inputs, call)`."""
        with ExitStack() as undo:
            for layer in self.allowed.modules.values():
                forward = _through(handle, layer.forward)
                undo.enter_context(mock.patch.object(layer, "forward", forward))
            for function in self.allowed.plain:
                places = {function.__name__: _through(handle, function)}
                undo.enter_context(mock.patch.dict(function.__globals__, places))
            yield

    @contextmanager
    def _noting(self, custom: type[Function]) -> Iterator[None]:
        """Note the calls of a custom function, whose inputs are outside of autograd in forward."""
        backward, setup, context = custom.backward, custom.setup_context, takes_context(custom)

        def note(inputs: list[Tensor], call: Callable[[list[Tensor]], object]) -> object:
            run = _Run([t.detach().clone() for t in inputs])
            self.runs.append(run)
            output = call(inputs)
            run.output = tree_map_only(Tensor, lambda t: t.detach().clone(), output)
            return output

        def remember(ctx: Any, inputs: tuple[Any, ...], output: object) -> None:  # noqa: ANN401
            if not context:
                setup(ctx, inputs, output)
            ctx.dlfaq_run = self.runs[-1]
            ctx.dlfaq_tensors = [i for i, a in enumerate(inputs) if isinstance(a, Tensor)]

        def back(ctx: Any, *upstream: Any) -> Any:  # noqa: ANN401  (a gradient, or several)
            found = backward(ctx, *upstream)
            gradients = found if isinstance(found, tuple) else (found,)
            for number, position in enumerate(ctx.dlfaq_tensors):
                if isinstance(gradients[position], Tensor):
                    ctx.dlfaq_run.gradients[number] = gradients[position].detach().clone()
            return found

        with ExitStack() as undo:
            undo.enter_context(_forward_through(custom, note, remember=remember))
            undo.enter_context(mock.patch.object(custom, "backward", staticmethod(back)))
            if not context:
                undo.enter_context(
                    mock.patch.object(custom, "setup_context", staticmethod(remember))
                )
            yield


@contextmanager
def _forward_through(
    custom: type[Function],
    handle: Callable[..., object],
    *,
    remember: Callable[..., None] | None = None,
) -> Iterator[None]:
    """Pass the forward of a custom function through `handle(inputs, call)`."""
    original = custom.forward
    context = takes_context(custom)

    @wraps(original)
    def forward(*args: Any) -> object:  # noqa: ANN401  (whatever it takes)
        given = args[1:] if context else args
        tensors = [i for i, a in enumerate(given) if isinstance(a, Tensor)]
        output = handle([given[i] for i in tensors], lambda _: original(*args))
        if context and remember is not None:
            remember(args[0], given, output)
        return output

    with mock.patch.object(custom, "forward", staticmethod(forward)):
        yield


def _through(handle: Callable[..., object], original: Callable[..., Any]) -> Callable[..., Any]:
    """`original`, but that `handle` is given its tensors."""

    @wraps(original)
    def call(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401  (whatever it takes)
        inputs = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]

        def again(aliases: list[Tensor]) -> object:
            fresh = iter(aliases)
            a, k = tree_map_only(Tensor, lambda _: next(fresh), (args, kwargs))
            return original(*a, **k)

        return handle(inputs, again)

    return call
