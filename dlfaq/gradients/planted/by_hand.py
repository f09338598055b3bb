"""A layer as a custom function with a backward pass of its own, right or with a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.func import functional_call

from dlfaq.gradients.planted.cases import Fault
from dlfaq.gradients.planted.formulas import Formula

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ByHand"]

Gradients: TypeAlias = list[Tensor | None]


class ByHand(nn.Module):
    """A layer that a `torch.autograd.Function` computes.

    Its backward pass runs the layer once more and multiplies by the transposed Jacobian. That
    stands for a formula that somebody worked out, and the fault for what may go wrong with one.
    """

    def __init__(self, layer: nn.Module, fault: Fault | None) -> None:
        super().__init__()
        self.layer, self.fault = layer, fault

    def forward(self, x: Tensor) -> Tensor:
        """The output of the layer."""
        tensors = [x, *self.layer.parameters()]
        if self.fault is None or self.fault.kind != "stale":
            return self._applied(tensors)
        tensors = [tensor.clone() for tensor in tensors]
        output = self._applied(tensors)
        # What was saved serves as a buffer afterwards, and autograd is not told.
        tensors[self._chosen(tensors)].data.mul_(1 + self.fault.size)
        return output

    def run(self, tensors: Sequence[Tensor]) -> Tensor:
        """The layer on an input and on parameters, with its buffers left as they are."""
        x, *parameters = tensors
        names = (name for name, _ in self.layer.named_parameters())
        like = next(tensor for tensor in tensors if tensor.is_floating_point())
        state = {
            name: buffer.to(like, copy=True) if buffer.is_floating_point() else buffer.clone()
            for name, buffer in self.layer.named_buffers()
        }
        state |= dict(zip(names, parameters, strict=True))
        output: Tensor = functional_call(self.layer, state, (x,))
        return output

    def gradients(self, tensors: Sequence[Tensor], gradient: Tensor) -> Gradients:
        """Those of the input and of the parameters; an input of whole numbers has none."""
        right = self._products(tensors, gradient)
        match self.fault:
            case None | Fault(kind="stale"):
                return right
            case Fault(kind="second"):  # as if it were a constant
                return self._products([tensor.detach() for tensor in tensors], gradient)
            case Fault(kind="strides"):
                return self._products(tensors, _as_if_contiguous(gradient))
        chosen = self._chosen(tensors)
        wrong = self._wrong(tensors, gradient, right)[chosen]
        return [wrong if i == chosen else one for i, one in enumerate(right)]

    def _wrong(self, tensors: Sequence[Tensor], gradient: Tensor, right: Gradients) -> Gradients:
        """All gradients with the fault, of which one is taken."""
        match self.fault:
            case Fault(kind="factor", size=size):
                return [one if one is None else (1 + size) * one for one in right]
            case Fault(kind="sign"):
                return [one if one is None else -one for one in right]
            case Fault(kind="transpose"):
                return [one if one is None else _transposed(one) for one in right]
            case Fault(kind="broadcast"):
                return self._products(tensors, _only(gradient, 0, slice(0, 1)))
        if isinstance(self.layer, Formula):
            return ByHand(self.layer.without_term(), None).gradients(tensors, gradient)
        return self._products(tensors, _only(gradient, -1, slice(0, -1)))  # of every sum the last

    def _products(self, tensors: Sequence[Tensor], gradient: Tensor) -> Gradients:
        """The transposed Jacobian times what arrives."""
        further = torch.is_grad_enabled()  # this is to be differentiated in its turn
        with torch.enable_grad():
            inputs = [_input(tensor, further=further) for tensor in tensors]
            found = iter(
                torch.autograd.grad(
                    self.run(inputs),
                    [tensor for tensor in inputs if tensor.requires_grad],
                    gradient,
                    create_graph=further,
                    allow_unused=True,
                    materialize_grads=True,
                )
            )
        return [next(found) if tensor.requires_grad else None for tensor in inputs]

    def _applied(self, tensors: Sequence[Tensor]) -> Tensor:
        output: Tensor = HandWritten.apply(self, *tensors)
        return output

    def _chosen(self, tensors: Sequence[Tensor]) -> int:
        """The position of the tensor whose gradient the fault is in."""
        assert self.fault is not None
        varying = [i for i, tensor in enumerate(tensors) if tensor.is_floating_point()]
        return varying[self.fault.gradient % len(varying)]


class HandWritten(Function):
    """The custom function: what it saves is its input and its parameters."""

    @staticmethod
    def forward(ctx: Any, layer: ByHand, *tensors: Tensor) -> Tensor:  # noqa: ANN401
        """The output of the layer."""
        ctx.layer = layer
        ctx.save_for_backward(*tensors)
        return layer.run(tensors)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        """Its gradients, none of the layer itself."""
        return None, *ctx.layer.gradients(ctx.saved_tensors, gradient)


def _input(tensor: Tensor, *, further: bool) -> Tensor:
    """What the layer runs on once more: a number of its own, or one with a past."""
    if not tensor.is_floating_point():
        return tensor
    if further and tensor.requires_grad:
        return tensor.view_as(tensor)  # one tensor may stand in two places
    return tensor.detach().requires_grad_()


def _transposed(gradient: Tensor) -> Tensor:
    """In the order of its transpose; as it is where it has none."""
    return gradient.mT.reshape(gradient.shape) if gradient.ndim > 1 else gradient


def _only(gradient: Tensor, dim: int, part: slice) -> Tensor:
    """Zero but for a part of one dimension."""
    kept = torch.zeros_like(gradient)
    kept.movedim(dim, 0)[part] = 1
    return gradient * kept


def _as_if_contiguous(gradient: Tensor) -> Tensor:
    """Its numbers in the order in which they lie in memory, as a kernel reads a bare pointer."""
    held = gradient.untyped_storage().nbytes() // gradient.element_size()
    if held - gradient.storage_offset() < gradient.numel():  # expanded: nobody reads beyond it
        return gradient
    return gradient.as_strided(gradient.shape, torch.empty(gradient.shape).stride())
