"""One look at a forward pass: its precision, its cost, and operations with a convention of theirs.

A number that passes through float32 is rounded there, whatever type comes out at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dlfaq.gradients.check.kinks import layer_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from torch import nn

__all__ = ["Traits", "looked_at"]

_AN_OPERATION = 2000  # what starting one costs, in numbers computed: 5 µs

# They read one triangle of a matrix, and their gradient is that along symmetric changes.
_READ_A_TRIANGLE = {
    "linalg_cholesky_ex", "linalg_cholesky", "cholesky", "_linalg_eigh", "linalg_eigh",
    "linalg_eigvalsh", "cholesky_inverse", "linalg_ldl_factor_ex",
}  # fmt: skip
# Their gradient keeps the place of a draw in its distribution, not the random numbers behind it.
_IMPLICIT = {"_standard_gamma", "_sample_dirichlet"}


@dataclass(frozen=True)
class Traits:
    """What one forward pass did.

    Attributes:
        narrow: where it computed in less than double precision on the way from a variable to the
            output, in words.
        eps: the relative rounding error of the narrowest of these, of float64 if there are none.
        work: its cost, in numbers computed.
        triangle: whether an operation read one triangle of a matrix only.
        implicit: the operations that differentiate what they draw implicitly.
        second: whether it took a gradient that is to be differentiated again.
    """

    narrow: tuple[str, ...] = ()
    eps: float = torch.finfo(torch.float64).eps
    work: float = 0.0
    triangle: bool = False
    implicit: tuple[str, ...] = ()
    second: bool = False


@dataclass
class _Seen:
    narrow: dict[str, float] = field(default_factory=dict)
    operations: set[str] = field(default_factory=set)
    work: float = 0.0
    second: bool = False


class _Look(TorchDispatchMode):
    def __init__(self, stack: Sequence[tuple[str, nn.Module]], moved: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.stack = stack
        self.seen = _Seen()
        # Inside the forward of a custom function nothing requires gradients, nor where they are
        # given; kept, so that no other tensor gets their address.
        self.inside: dict[int, Tensor] = {id(tensor): tensor for tensor in moved}

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401  (an operation of PyTorch, which has no type of its own)
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        varies = any(
            isinstance(a, Tensor) and (a.requires_grad or id(a) in self.inside)
            for a in tree_leaves((args, kwargs))
        )
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        self.seen.work += _AN_OPERATION
        for out in tree_leaves(result):
            if isinstance(out, Tensor):
                self.seen.work += out.numel()
                if varies and (out.is_floating_point() or out.is_complex()):
                    self._follow(name, out)
        if varies:
            self.seen.operations.add(name)
            if torch.is_grad_enabled() and torch._C._current_graph_task_id() != -1:  # noqa: SLF001
                self.seen.second = True
        return result

    def _follow(self, name: str, out: Tensor) -> None:
        if not torch.is_grad_enabled():
            self.inside[id(out)] = out
        eps = torch.finfo(out.dtype).eps
        if eps > torch.finfo(torch.float64).eps:
            path, layer = self.stack[-1] if self.stack else ("", None)
            dtype = str(out.dtype).removeprefix("torch.")
            if layer is None or not path:
                where = name.strip("_")
            else:
                where = f"{type(layer).__name__} at {path!r}"
            self.seen.narrow.setdefault(f"{dtype} in {where}", eps)


def looked_at(
    value: Callable[[], object], root: nn.Module | None, moved: Iterable[Tensor] = ()
) -> Traits:
    """Run `value` once and say what it did; nothing where it cannot be looked into.

    Args:
        value: a forward pass.
        root: the model whose layers name the places.
        moved: tensors that vary though they do not require gradients.
    """
    try:
        with layer_stack(root) as stack:
            look = _Look(stack, moved)
            with look:
                value()
    except Exception:  # noqa: BLE001  (compiled code may not run under a mode)
        return Traits()
    seen = look.seen
    return Traits(
        narrow=tuple(seen.narrow),
        eps=max(seen.narrow.values(), default=torch.finfo(torch.float64).eps),
        work=seen.work,
        triangle=bool(seen.operations & _READ_A_TRIANGLE),
        implicit=tuple(sorted(seen.operations & _IMPLICIT)),
        second=seen.second,
    )
