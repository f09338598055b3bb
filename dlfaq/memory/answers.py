"""What an optimizer is told when it asks fake tensors for numbers.

Some steps look at numbers to decide: L-BFGS whether it has converged, Adafactor how large the
weights are, a gradient scaler whether a gradient overflowed. Fake tensors have none. The answers
here are those of a step in the middle of a run that goes well; which way such a step goes does not
depend on them otherwise.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import DataDependentOutputException
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Answers"]

_ITEM = torch.ops.aten._local_scalar_dense.default  # noqa: SLF001 - it has no other name


class Answers(TorchDispatchMode):
    """Answers where fake tensors cannot.

    Args:
        number: what every number is.
        converging: L-BFGS's: answers whatever the tensors are. A loss falls from one look to the
            next, no tolerance is reached, each pair of gradients is worth remembering, and a line
            search is content with its first point.
    """

    def __init__(self, number: float = 1.0, *, converging: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._number = number
        self._converging = converging
        self._silent = False
        self._looks = 0
        self._compared = WeakIdKeyDictionary()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Answer nothing inside: a model that a closure runs must not look at numbers."""
        self._silent = True
        try:
            yield
        finally:
            self._silent = False

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Run the operation, or answer."""
        if self._silent or func is not _ITEM:
            output = func(*args, **(kwargs or {}))
            if self._converging and isinstance(output, Tensor) and output.dtype == torch.bool:
                self._compared[output] = _converges(func, args)
            return output
        if self._converging:
            return self._answer(args[0])
        try:
            return func(*args)
        except DataDependentOutputException:
            return self._number

    def _answer(self, tensor: Tensor) -> float | bool:
        if tensor.dtype == torch.bool:
            return bool(self._compared.get(tensor, False))
        self._looks += 1
        return 1.0 / self._looks


def _converges(func: torch._ops.OpOverload, args: Sequence[Any]) -> bool:
    """How a comparison of L-BFGS ends in the middle of a run."""
    name = func.name()
    if name == "aten::gt.Scalar":  # curvature above a small number; slope above minus another
        return bool(args[1] > 0)
    return bool(name == "aten::le.Tensor")  # the line search: the slope has become flat enough
