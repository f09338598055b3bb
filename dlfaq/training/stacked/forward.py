"""One forward pass in training for many replicas of a model, layer by layer.

Linear layers become a batched product, convolutions and batch norm see the channels of all replicas
as channels of one model, dropout draws from a generator for each replica, and layers that treat
examples one by one see the replicas as further examples. Any other layer is mapped over the
replicas by `torch.func.vmap`, and so is, as a whole, a model that is not an `nn.Sequential`.

A replica's outputs are the sums that it computes alone, in most shapes to the last bit, in others
added in another order.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.func import functional_call, vmap
from torch.nn.functional import batch_norm, conv1d, conv2d, conv3d

__all__ = ["Batched", "call_with", "slow_mapping"]


class _Hidden(NamedTuple):
    """What goes from layer to layer: (replicas, batch, …), or (batch, replicas, …)."""

    values: Tensor
    replicas_first: bool

    def by_replica(self) -> Tensor:
        """Of shape (replicas, batch, …)."""
        return self.values if self.replicas_first else self.values.transpose(0, 1)

    def by_example(self) -> Tensor:
        """Of shape (batch, replicas, …)."""
        return self.values.transpose(0, 1) if self.replicas_first else self.values


_State: TypeAlias = Mapping[str, Tensor]
"""Parameters and buffers by name, (replicas, *shape)."""

_Layer: TypeAlias = Callable[[_Hidden, _State], _Hidden]
"""From what a layer is given, and its own parameters and buffers."""

_CONVOLUTIONS = {nn.Conv1d: conv1d, nn.Conv2d: conv2d, nn.Conv3d: conv3d}
_BATCH_NORMS = {nn.BatchNorm1d, nn.BatchNorm2d}
_ELEMENTWISE = {
    nn.ELU,
    nn.GELU,
    nn.Identity,
    nn.LeakyReLU,
    nn.ReLU,
    nn.SiLU,
    nn.Sigmoid,
    nn.Softplus,
    nn.Tanh,
}
_BY_EXAMPLE = {nn.AvgPool1d, nn.AvgPool2d, nn.Flatten, nn.MaxPool1d, nn.MaxPool2d, nn.Unflatten}


class Batched:
    """Maps inputs (replicas, n, …) to outputs (replicas, n, classes).

    Args:
        template: one of the replicas; it stays as it is. No two of its layers share a parameter.
        state: parameters and buffers by name, (replicas, *shape); buffers are updated in place.
        noise: a generator for each replica, from which its dropout draws.

    Attributes:
        maps: whether it leaves any layer to `vmap`.
    """

    def __init__(
        self, template: nn.Module, state: _State, noise: Sequence[torch.Generator]
    ) -> None:
        self._layers: list[tuple[_Layer, _State]] = []
        self.maps = False
        for name, layer in _layers(template):
            compiled = _compiled(layer, noise)
            self.maps |= compiled is None
            own = {own: state[name + own] for own in _names(layer)}
            self._layers.append((compiled or _mapped(layer), own))

    def __call__(self, x: Tensor) -> Tensor:
        """The outputs for inputs `x`."""
        hidden = _Hidden(x, replicas_first=True)
        for layer, own in self._layers:
            hidden = layer(hidden, own)
        return hidden.by_replica()


@contextmanager
def slow_mapping() -> Iterator[None]:
    """Say nothing of operators that PyTorch maps one replica after the other.

    To stack the rest gains all the same: a step of 16 attention layers takes a quarter of the time.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="There is a performance drop because")
        yield


def _layers(module: nn.Module, name: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The layers in turn, each with what the names of its parameters begin with."""
    if type(module) is nn.Sequential:
        # named_children() would leave out a layer that it has seen before, such as one ReLU.
        for child, layer in module.named_modules(remove_duplicate=False):
            if child and "." not in child:
                yield from _layers(layer, f"{name}{child}.")
    else:
        yield name, module


def _names(layer: nn.Module) -> list[str]:
    return [name for name, _ in (*layer.named_parameters(), *layer.named_buffers())]


def _compiled(layer: nn.Module, noise: Sequence[torch.Generator]) -> _Layer | None:
    """What `layer` does; None unless it is of a class above, and not of one derived from it."""
    if "forward" in vars(layer):  # a method of its own, put in by hand
        return None
    kind = type(layer)
    compiled: _Layer | None = None
    if kind is nn.Linear:
        compiled = _linear
    elif kind in _ELEMENTWISE:
        compiled = _elementwise(layer)
    elif kind in _BY_EXAMPLE:
        compiled = _by_example(layer)
    elif isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d) and kind in _CONVOLUTIONS:
        compiled = _convolution(layer)
    elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and kind in _BATCH_NORMS:
        compiled = _batch_norm(layer)
    elif isinstance(layer, nn.Dropout) and kind is nn.Dropout:
        compiled = _dropout(layer, noise)
    return compiled


def _linear(hidden: _Hidden, own: _State) -> _Hidden:
    h = hidden.by_replica()  # (replicas, batch, …, inputs)
    rows = h if h.ndim == 3 else h.flatten(1, -2)  # noqa: PLR2004
    product: Tensor = _Product.apply(rows, own["weight"], own.get("bias"))
    return _Hidden(product.view(*h.shape[:-1], -1), replicas_first=True)


class _Product(Function):
    """h Wᵀ + b of each replica: (replicas, n, inputs) ↦ (replicas, n, outputs).

    Its gradients are written out because those of `baddbmm` give ∂L/∂W with its axes exchanged,
    and exchanging them back takes as long as computing it.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - made by PyTorch
        h: Tensor,
        weight: Tensor,
        bias: Tensor | None,
    ) -> Tensor:
        ctx.save_for_backward(h, weight)
        if bias is None:
            return torch.bmm(h, weight.mT)
        return torch.baddbmm(bias.unsqueeze(1), h, weight.mT)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, delta: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        h, weight = ctx.saved_tensors
        for_h, for_weight, for_bias = ctx.needs_input_grad
        return (
            torch.bmm(delta, weight) if for_h else None,
            torch.bmm(delta.mT, h) if for_weight else None,
            delta.sum(1) if for_bias else None,
        )


def _elementwise(layer: nn.Module) -> _Layer:
    return lambda hidden, _: hidden._replace(values=layer(hidden.values))


def _convolution(layer: nn.Conv1d | nn.Conv2d | nn.Conv3d) -> _Layer | None:
    convolve = _CONVOLUTIONS[type(layer)]
    if layer.padding_mode != "zeros":
        return None

    def forward(hidden: _Hidden, own: _State) -> _Hidden:
        replicas = len(own["weight"])
        convolved = convolve(
            hidden.by_example().flatten(1, 2),  # (batch, replicas · channels, …)
            own["weight"].flatten(0, 1),  # (replicas · channels out, channels in, …)
            own["bias"].flatten() if "bias" in own else None,
            layer.stride,
            layer.padding,
            layer.dilation,
            replicas * layer.groups,
        )
        return _Hidden(convolved.unflatten(1, (replicas, -1)), replicas_first=False)

    return forward


def _batch_norm(layer: nn.BatchNorm1d | nn.BatchNorm2d) -> _Layer | None:
    momentum = layer.momentum
    if momentum is None:
        return None

    def forward(hidden: _Hidden, own: _State) -> _Hidden:
        flat = {name: value.flatten(0, 1) for name, value in own.items() if value.ndim > 1}
        if "num_batches_tracked" in own:
            own["num_batches_tracked"].add_(1)
        h = hidden.by_example()
        normalised = batch_norm(
            h.flatten(1, 2),  # (batch, replicas · channels, …)
            flat.get("running_mean"),  # views, which are updated in place
            flat.get("running_var"),
            flat.get("weight"),
            flat.get("bias"),
            training=True,
            momentum=momentum,
            eps=layer.eps,
        )
        return _Hidden(normalised.view(h.shape), replicas_first=False)

    return forward


def _by_example(layer: nn.Module) -> _Layer | None:
    first = {nn.Flatten: "start_dim", nn.Unflatten: "dim"}.get(type(layer))
    axis = getattr(layer, first) if first else 1
    if type(axis) is not int or axis < 1:  # it may move the examples
        return None

    def forward(hidden: _Hidden, _: _State) -> _Hidden:
        first = hidden.values.shape[:2]
        # (replicas · batch, …), or the other way round: the layer does not mind
        values = layer(hidden.values.flatten(0, 1)).unflatten(0, first)
        return hidden._replace(values=values)

    return forward


def _dropout(layer: nn.Dropout, noise: Sequence[torch.Generator]) -> _Layer | None:
    """Masks as PyTorch draws them for one model, replica after replica."""
    p = layer.p
    if layer.inplace or p in (0, 1):  # for these two PyTorch draws nothing
        return None

    def forward(hidden: _Hidden, _: _State) -> _Hidden:
        h = hidden.by_replica()
        # On the CPU, as the generators are; elsewhere this fails, and replicas are looped over.
        kept = torch.empty(h.shape, dtype=h.dtype)
        for own, draws in zip(kept, noise, strict=True):
            own.bernoulli_(1 - p, generator=draws)
        return _Hidden(h * kept.div_(1 - p), replicas_first=True)

    return forward


def call_with(module: nn.Module, state: _State, x: Tensor) -> Tensor:
    """The outputs of `module` with parameters and buffers from elsewhere, which it may write into.

    Raises:
        RuntimeError: it puts another tensor in the place of one of them, which would be lost.
    """
    held = dict(state)
    outputs: Tensor = functional_call(module, held, (x,))
    for name, value in state.items():
        if held[name] is not value:
            raise RuntimeError(f"it puts another tensor in the place of {name}")
    return outputs


def _mapped(layer: nn.Module) -> _Layer:
    # A layer that draws random numbers would draw others than alone, so it is an error.
    mapped = vmap(partial(call_with, layer), randomness="error")
    return lambda hidden, own: _Hidden(mapped(own, hidden.by_replica()), replicas_first=True)
