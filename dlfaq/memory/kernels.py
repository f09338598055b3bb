"""What PyTorch does with real tensors, and on a GPU, said to fake tensors on the CPU.

A linear layer whose input is not contiguous adds its bias in place. For fake tensors PyTorch adds
out of place, as for all tensors of Python's making, which would take the output twice.

A fake tensor can call itself a CUDA tensor, but its backward pass needs a driver. So the prediction
runs on the CPU, and what PyTorch does otherwise on a GPU, and what costs memory, is chosen here:

- dropout keeps a mask of one byte per element, not the scaled mask of the input's type;
- attention runs in one kernel (flash attention in half precision without a mask, else the
  memory-efficient one), which keeps no matrix of scores;
- autocast computes the functions below in float32, whatever comes in; the softmax of a
  cross-entropy reads half precision and writes float32, and its gradient the other way, so that
  there is no float32 copy of the logits.

Not covered: what a library allocates inside its kernels. cuDNN's recurrent layers are followed as
PyTorch's own, step by step.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["Kernels", "autocast_anywhere"]

_own_dropout, _own_attention = F.dropout, F.scaled_dot_product_attention
_own_linear, _own_cross_entropy = F.linear, F.cross_entropy
_run_backward = torch.autograd.graph._engine_run_backward  # noqa: SLF001 - it has no other name
_FLASH = torch.ops.aten._scaled_dot_product_flash_attention  # noqa: SLF001 - they have no other
_EFFICIENT = torch.ops.aten._scaled_dot_product_efficient_attention  # noqa: SLF001 - names
_HALF = (torch.bfloat16, torch.float16)
_WIDEST_HEAD = 256  # of flash attention
_HEAD_UNIT = 8
_MATRIX = 2  # dimensions

# Those of PyTorch's list "CUDA ops that autocast to float32" that allocate as much as they take in.
_IN_FLOAT32 = {
    "binary_cross_entropy_with_logits",
    "cosine_similarity",
    "cumsum",
    "exp",
    "group_norm",
    "huber_loss",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "log",
    "log_softmax",
    "logsumexp",
    "mse_loss",
    "nll_loss",
    "pow",
    "rms_norm",
    "rsqrt",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "upsample",
}


class Kernels(TorchFunctionMode):
    """Calls what runs for real tensors in place of what runs for fake ones.

    Args:
        on_cuda: what runs on a GPU, not on the CPU.
    """

    def __init__(self, *, on_cuda: bool) -> None:
        super().__init__()
        self._instead = _ON_CUDA if on_cuda else _ANYWHERE
        self._on_cuda = on_cuda

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Run `func`, or what runs in its place. The mode is off inside of what it calls."""
        keywords = dict(kwargs or {})
        if func is Tensor.backward and not any(keywords.values()) and not args[0].dim():
            return self._backward(args[0])
        if func is F.multi_head_attention_forward:
            own = _IN_ATTENTION_ON_CUDA if self._on_cuda else _IN_ATTENTION
            with mock.patch.multiple(F, **own):
                return func(*args, **keywords)
        if self._on_cuda and _autocast() and getattr(func, "__name__", "") in _IN_FLOAT32:
            args, keywords = tree_map_only(Tensor, _in_float32, (tuple(args), keywords))
        return self._instead.get(func, func)(*args, **keywords)

    def _backward(self, loss: Tensor) -> None:
        """With the mode on: what is checkpointed runs its forward pass again, as it did before."""
        with self:
            kept = {"allow_unreachable": True, "accumulate_grad": True}
            _run_backward((loss,), (torch.ones_like(loss),), False, False, (), **kept)


@contextmanager
def autocast_anywhere() -> Iterator[None]:
    """Let a model's own `torch.autocast("cuda")` hold for the CPU's tensors that stand for a GPU's.

    PyTorch switches it off in silence where there is no GPU.
    """
    enter = torch.autocast.__init__

    def __init__(self: torch.autocast, device_type: str, *args: Any, **keywords: Any) -> None:  # noqa: ANN401, N807
        enter(self, "cpu" if device_type == "cuda" else device_type, *args, **keywords)

    with mock.patch.object(torch.autocast, "__init__", __init__):
        yield


def _autocast() -> bool:
    return torch.is_autocast_enabled("cpu")


def _in_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in _HALF else tensor


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:  # noqa: A002
    if bias is None or input.dim() <= _MATRIX or input.is_contiguous():
        return _own_linear(input, weight, bias)
    output = _own_linear(input, weight)
    return output.add_(bias.to(output.dtype))


def _softmax(x: Tensor, dim: int) -> Tensor:
    return torch.softmax(_in_float32(x) if _autocast() else x, dim)


class _HalfToFloat(torch.autograd.Function):
    """The logarithm of a softmax from two bytes to four, and its gradient back.

    For PyTorch's operator fake tensors of bfloat16 take the numbers for float16's.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int) -> Tensor:  # noqa: ANN401
        output: Tensor = torch.ops.aten._log_softmax(x.view(torch.float16), dim, True)  # noqa: SLF001
        ctx.save_for_backward(output)
        ctx.dim, ctx.dtype = dim, x.dtype
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (output,) = ctx.saved_tensors
        back = torch.ops.aten._log_softmax_backward_data  # noqa: SLF001
        return back(gradient, output, ctx.dim, torch.float16).view(ctx.dtype), None


def _cross_entropy(  # noqa: PLR0917
    input: Tensor,  # noqa: A002 - the signature is PyTorch's
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,  # noqa: FBT001
    ignore_index: int = -100,
    reduce: bool | None = None,  # noqa: FBT001
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    of_classes = not target.is_floating_point() and not label_smoothing
    if not (_autocast() and input.dtype in _HALF and of_classes):
        kept = (weight, size_average, ignore_index, reduce, reduction, label_smoothing)
        return _own_cross_entropy(_in_float32(input) if _autocast() else input, target, *kept)
    logarithms = _HalfToFloat.apply(input, min(1, input.dim() - 1))
    return F.nll_loss(logarithms, target, weight, size_average, ignore_index, reduce, reduction)


def _dropout(
    input: Tensor,  # noqa: A002 - the signature is PyTorch's
    p: float = 0.5,
    training: bool = True,  # noqa: FBT001, FBT002
    inplace: bool = False,  # noqa: FBT001, FBT002
) -> Tensor:
    if inplace or not (training and 0 < p < 1 and input.numel()):
        return _own_dropout(input, p, training, inplace)
    output: Tensor = torch.native_dropout(input, p, training)[0]
    return output


def _attention(  # noqa: PLR0917 - the signature is PyTorch's
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,  # noqa: FBT001, FBT002
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    if query.dim() != 4 or enable_gqa:  # noqa: PLR2004 - (batch, heads, length, head)
        return _own_attention(
            query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
        )
    if _autocast():
        half = torch.get_autocast_dtype("cpu")
        query, key, value = (t.to(half) for t in (query, key, value))
    head = query.shape[-1]
    scale = head**-0.5 if scale is None else scale
    if query.dtype in _HALF and attn_mask is None and head <= _WIDEST_HEAD:
        pad = -head % _HEAD_UNIT
        padded = [F.pad(t, (0, pad)) if pad else t for t in (query, key, value)]
        output: Tensor = _FLASH(*padded, dropout_p, is_causal, scale=scale)[0]
        return output[..., :head] if pad else output
    bias = attn_mask
    if bias is not None:
        if bias.dtype == torch.bool:
            bias = torch.zeros_like(bias, dtype=query.dtype).masked_fill_(~bias, float("-inf"))
        bias = bias.expand(*query.shape[:-1], key.shape[-2])
    needs_gradient = torch.is_grad_enabled() and any(t.requires_grad for t in (query, key, value))
    kept = (needs_gradient, dropout_p, is_causal)
    attended: Tensor = _EFFICIENT(query, key, value, bias, *kept, scale=scale)[0]
    return attended


_ANYWHERE: dict[Callable[..., Any], Callable[..., Any]] = {F.linear: _linear}
_ON_CUDA: dict[Callable[..., Any], Callable[..., Any]] = {
    **_ANYWHERE,
    F.dropout: _dropout,
    torch.dropout: _dropout,
    F.scaled_dot_product_attention: _attention,
    F.cross_entropy: _cross_entropy,
}
_IN_ATTENTION = {"linear": _linear}
_IN_ATTENTION_ON_CUDA = {
    **_IN_ATTENTION,
    "dropout": _dropout,
    "softmax": _softmax,
    "scaled_dot_product_attention": _attention,
}
