"""What cuDNN takes for a moment to convolve on tensor cores.

Its kernels for tensor cores want the channels last. Of tensors in PyTorch's usual order cuDNN makes
copies in that order, of what a convolution reads and of what it writes, in a workspace that is
given back when the convolution is over. Tensors that are channels last already need none. Neither
do 1×1 convolutions in the forward pass, which are products of matrices as they stand, nor those
with as many groups as channels, for which PyTorch has kernels of its own.

Found by comparing predictions with an H200 (bench/memory_truth_h200.md): in float32, which cuDNN
multiplies as TF32 there, the copies account for what was missing, to 2 % of the peak; in half
precision some of them are not made. cuDNN may need more where `torch.backends.cudnn.benchmark` lets
it try all of its kernels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["copies_bytes"]

_FORWARD = torch.ops.aten.convolution.default
_BACKWARD = torch.ops.aten.convolution_backward.default
_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
_GROUPS_FORWARD, _GROUPS_BACKWARD = 8, 9  # places among the arguments


def copies_bytes(func: object, args: Sequence[object], output: object) -> int:
    """Bytes of the copies that one operation may need.

    Args:
        func: the operator, as PyTorch's dispatcher calls it.
        args: its arguments.
        output: what it returned.
    """
    if func is _FORWARD:
        read, weight, groups, written = args[0], args[1], args[_GROUPS_FORWARD], output
    elif func is _BACKWARD:
        # The gradients of input and weights come one after the other: each time two of these.
        read, written, weight, groups = args[0], args[1], args[2], args[_GROUPS_BACKWARD]
    else:
        return 0
    assert isinstance(read, Tensor)
    assert isinstance(written, Tensor)
    assert isinstance(weight, Tensor)
    is_product = func is _FORWARD and all(n == 1 for n in weight.shape[2:])
    is_depthwise = groups == len(weight) != 1
    order = _CHANNELS_LAST.get(read.dim())
    if order is None or is_product or is_depthwise or read.is_contiguous(memory_format=order):
        return 0
    return read.nbytes + written.nbytes + weight.nbytes
