"""Activation checkpointing of a whole model: which of its blocks compute their forward pass twice.

A block's activations are dropped after its forward pass, all but its input, and computed again when
the backward pass arrives (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016).
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from torch import nn
from torch.utils.checkpoint import checkpoint

from dlfaq.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["checkpoint_blocks"]

_FEWEST_LAYERS = 4  # shorter chains have nothing between two checkpoints


def checkpoint_blocks(model: nn.Module) -> list[str]:
    """Make the blocks of a model checkpointed, in place, and name them.

    A block is a child of an `nn.Sequential` or `nn.ModuleList` that has children itself, such as a
    residual block of a stage or a layer of a transformer encoder; where a container holds further
    containers of blocks, theirs count. A model without blocks has its `nn.Sequential`s of plain
    layers cut into about √n pieces each, where they have four layers or more; the last piece, whose
    turn comes first, is not recomputed.

    Args:
        model: changed in place.

    Raises:
        InputError: it has neither.
    """
    blocks = dict(_blocks(model, ""))
    for block in set(blocks.values()):  # one that is used twice is wrapped once
        # One attribute of the instance: hooks, names and the state dict stay as they are.
        again = partial(checkpoint, block.forward, use_reentrant=False)
        block.forward = again
    if blocks:
        return list(blocks)
    chains = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Sequential) and len(module) >= _FEWEST_LAYERS
    }
    for chain in chains.values():
        pieces = [nn.Sequential(*piece) for piece in _pieces(list(chain))]
        chain.forward = partial(_through, pieces)  # type: ignore[method-assign]
    if chains:
        return list(chains)
    raise InputError(
        expected="a model with blocks in an nn.Sequential or nn.ModuleList",
        got=f"{type(model).__name__} without any",
        cure="leave checkpointing out, or call torch.utils.checkpoint.checkpoint in its forward",
    )


def _pieces(layers: list[nn.Module]) -> list[list[nn.Module]]:
    """About √n pieces of equal length.

    None begins with a layer that works in place: it would overwrite the input that is kept.
    """
    length = math.ceil(len(layers) / math.isqrt(len(layers)))
    pieces: list[list[nn.Module]] = []
    for layer in layers:
        is_full = not pieces or len(pieces[-1]) >= length
        if is_full and not (pieces and getattr(layer, "inplace", False)):
            pieces.append([])
        pieces[-1].append(layer)
    return pieces


def _through(pieces: list[nn.Sequential], x: object) -> object:
    *recomputed, last = pieces  # the last one's activations are used at once
    for piece in recomputed:
        x = checkpoint(piece, x, use_reentrant=False)
    return last(x)


def _blocks(module: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Module]]:
    for name, child in module.named_children():
        path = f"{prefix}{name}"
        inner = list(_blocks(child, f"{path}."))
        is_item = isinstance(module, nn.Sequential | nn.ModuleList)
        holds_blocks = bool(inner) and isinstance(child, nn.Sequential | nn.ModuleList)
        if is_item and any(child.children()) and not holds_blocks:
            yield path, child
        else:
            yield from inner
