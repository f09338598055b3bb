"""Modules that PyTorch does not have: around a layer, or for a function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Applied", "Attention", "Checkpointed", "First", "Single", "Twice"]


class Applied(nn.Module):
    """A function of tensors as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        """The function of x."""
        return self.function(x)


class First(nn.Module):
    """The first output of a layer, without its states."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """That output."""
        output: Tensor = self.layer(x)[0]
        return output


class Attention(nn.Module):
    """Self-attention: queries, keys and values are all x."""

    def __init__(self, width: int) -> None:
        super().__init__()
        heads = 2 if width % 2 == 0 else 1
        self.layer = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """From (n, length, width) to the same."""
        # That weights are asked for takes the way of which PyTorch has second derivatives.
        output: Tensor = self.layer(x, x, x, need_weights=True)[0]
        return output


class Twice(nn.Module):
    """A layer on its own output: a shared one."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """In the shape of x."""
        output: Tensor = self.layer(self.layer(x))
        return output


class Single(nn.Module):
    """A layer that computes in float32, whatever comes and goes."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """In the precision of what came."""
        state = {name: parameter.float() for name, parameter in self.layer.named_parameters()}
        state |= {
            name: buffer.float() if buffer.is_floating_point() else buffer
            for name, buffer in self.layer.named_buffers()
        }
        given = x if x.is_floating_point() else next(self.layer.parameters())
        output: Tensor = functional_call(self.layer, state, (x.float() if given is x else x,))
        return output.to(given.dtype)


class Checkpointed(nn.Module):
    """A layer that runs once more for the backward pass instead of keeping what it needs."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """What the layer gives."""
        output: Tensor = checkpoint(self.layer, x, use_reentrant=False)
        return output
