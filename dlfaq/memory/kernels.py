"""What PyTorch would do on a GPU, said to fake tensors on the CPU.

A fake tensor can call itself a CUDA tensor, but its backward pass needs a driver. So the prediction
runs on the CPU, and what PyTorch does otherwise on a GPU, and what costs memory, is chosen here:

- dropout keeps a mask of one byte an element, not the scaled mask of the input's type;
- attention runs in one kernel (flash attention in half precision without a mask, else the
  memory-efficient one), which keeps no matrix of scores;
- autocast computes the functions below in float32, whatever comes in.

Not covered: what a library allocates inside its kernels. cuDNN's recurrent layers are followed as
PyTorch's own, step by step.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import ModuleType

__all__ = ["CudaKernels"]

_SDPA = "scaled_dot_product_attention"
_own_dropout, _own_attention = F.dropout, F.scaled_dot_product_attention
_FLASH = torch.ops.aten._scaled_dot_product_flash_attention  # noqa: SLF001 - they have no other
_EFFICIENT = torch.ops.aten._scaled_dot_product_efficient_attention  # noqa: SLF001 - names
_HALF = (torch.bfloat16, torch.float16)
_WIDEST_HEAD = 256  # of flash attention
_HEAD_UNIT = 8

# Those of PyTorch's list "CUDA ops that autocast to float32" that allocate as much as they take in.
_IN_FLOAT32 = {
    "binary_cross_entropy_with_logits",
    "cosine_similarity",
    "cross_entropy",
    "cumsum",
    "exp",
    "group_norm",
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
}


class CudaKernels(TorchFunctionMode):
    """Calls what runs on a GPU in place of what runs on the CPU."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Run `func`, or what a GPU runs in its place."""
        keywords = dict(kwargs or {})
        if func is F.multi_head_attention_forward:
            # The mode is off inside of what it calls.
            with (
                _instead(F, dropout=_dropout, softmax=_softmax),
                _instead(F, **{_SDPA: _attention}),
            ):
                return func(*args, **keywords)
        if _autocast() and getattr(func, "__name__", "") in _IN_FLOAT32:
            args, keywords = tree_map_only(Tensor, _in_float32, (tuple(args), keywords))
        return _ON_CUDA.get(func, func)(*args, **keywords)


@contextmanager
def _instead(module: ModuleType, **functions: Callable[..., Any]) -> Iterator[None]:
    """Put these functions of a module in place of its own."""
    own = {name: getattr(module, name) for name in functions}
    for name, function in functions.items():
        setattr(module, name, function)
    try:
        yield
    finally:
        for name, function in own.items():
            setattr(module, name, function)


def _autocast() -> bool:
    return torch.is_autocast_enabled("cpu")


def _in_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in _HALF else tensor


def _softmax(x: Tensor, dim: int) -> Tensor:
    return torch.softmax(_in_float32(x) if _autocast() else x, dim)


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


_ON_CUDA: dict[Callable[..., Any], Callable[..., Any]] = {
    F.dropout: _dropout,
    torch.dropout: _dropout,
    F.scaled_dot_product_attention: _attention,
}
