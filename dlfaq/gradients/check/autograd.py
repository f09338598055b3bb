"""Autograd's gradients, of checkpointed code too, without a trace in anybody's `.grad`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["differentiated", "nodes"]


def differentiated(
    value: Callable[[], Tensor], leaves: Sequence[Tensor], kept: Sequence[Tensor] = ()
) -> list[Tensor | None]:
    """The gradients of value() for `leaves`; None where it does not depend on one.

    Args:
        value: F.
        leaves: what it is differentiated by.
        kept: other tensors whose `.grad` must stay as it is.
    """
    total = value()
    if not total.requires_grad:
        return [None] * len(leaves)
    try:
        return list(torch.autograd.grad(total, list(leaves), allow_unused=True))
    except RuntimeError as error:
        # Checkpoints of the older kind run a backward pass of their own into `.grad`.
        if "use_reentrant" not in str(error):
            raise
    total = value()
    accumulated = [node.variable for node in nodes(total) if hasattr(node, "variable")]
    everywhere = {id(t): t for t in (*leaves, *kept, *accumulated)}
    before = {key: tensor.grad for key, tensor in everywhere.items()}
    try:
        for tensor in everywhere.values():
            tensor.grad = None
        total.backward()
        return [leaf.grad for leaf in leaves]
    finally:
        for key, tensor in everywhere.items():
            tensor.grad = before[key]


def nodes(*outputs: Tensor) -> Iterator[Any]:
    """The nodes of the graph behind the outputs."""
    seen = set()
    todo = [output.grad_fn for output in outputs]
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node
        todo += [before for before, _ in node.next_functions]
