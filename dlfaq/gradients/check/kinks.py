"""Where a computation has no derivative: the branches that it takes, and which of them change.

A ReLU, a maximum, a comparison decide between formulas, element by element. The function is smooth
while every decision stays as it is, and has a kink where one is about to change.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Branches", "branches", "changed", "layer_stack"]

_aten = torch.ops.aten


def _side(x: Tensor, *thresholds: float | Tensor | None) -> Tensor:
    """On which side of the thresholds each element lies: −1, 0 or 1 for one of them."""
    return sum((torch.sign(x - t) for t in thresholds if t is not None), torch.zeros_like(x))


# From the arguments and the result of an operation to its decision, element by element.
_DECISIONS: dict[Any, Callable[..., Tensor]] = {
    **dict.fromkeys(
        (_aten.relu, _aten.leaky_relu, _aten.elu, _aten.abs, _aten.sign, _aten._prelu_kernel),  # noqa: SLF001
        lambda _, x, *__: _side(x, 0),
    ),
    _aten.threshold: lambda _, x, t, *__: _side(x, t),
    _aten.hardtanh: lambda _, x, low=-1, high=1: _side(x, low, high),
    **dict.fromkeys((_aten.hardswish, _aten.hardsigmoid), lambda _, x: _side(x, -3, 3)),
    **dict.fromkeys((_aten.softshrink, _aten.hardshrink), lambda _, x, t=0.5: _side(x, -t, t)),
    _aten.clamp: lambda _, x, *low_high, **named: _side(x, *low_high, *named.values()),
    **dict.fromkeys((_aten.clamp_min, _aten.clamp_max), lambda _, x, t: _side(x, t)),
    **dict.fromkeys(
        (_aten.maximum, _aten.minimum, _aten.gt, _aten.ge, _aten.lt, _aten.le),
        lambda _, x, y: torch.as_tensor(_side(x, y)),
    ),
    **dict.fromkeys(
        (_aten.max, _aten.min, _aten.sort, _aten.median, _aten.kthvalue, _aten.topk,
         _aten.max_pool2d_with_indices, _aten.max_pool3d_with_indices,
         _aten.adaptive_max_pool2d, _aten.adaptive_max_pool3d),
        lambda result, *_, **__: result[1],
    ),
    **dict.fromkeys(
        (_aten.max.default, _aten.min.default, _aten.median.default),
        lambda result, x: x == result,
    ),
    _aten.amax: lambda _, x, dim=(), keepdim=False: x == x.amax(dim, keepdim=True),  # noqa: ARG005
    _aten.amin: lambda _, x, dim=(), keepdim=False: x == x.amin(dim, keepdim=True),  # noqa: ARG005
}  # fmt: skip


class Branches(NamedTuple):
    """The decisions of one operation in one run.

    Attributes:
        operation: its name in PyTorch, such as "relu".
        path: the layer in which it ran, "" outside of all.
        layer: the type of that layer.
        leaf: whether that layer holds no others.
        taken: the decision for each element.
    """

    operation: str
    path: str
    layer: str
    leaf: bool
    taken: Tensor


class _Recorder(TorchDispatchMode):
    def __init__(self, stack: Sequence[tuple[str, nn.Module]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.stack = stack
        self.found: list[Branches] = []

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401  (an operation of PyTorch, which has no type of its own)
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        packet = func.overloadpacket
        decide = _DECISIONS.get(func) or _DECISIONS.get(packet)
        if not any(isinstance(a, Tensor) and a.is_floating_point() for a in args):
            decide = None
        # An operation in place would overwrite what was decided on.
        before = [a.clone() if isinstance(a, Tensor) else a for a in args] if decide else []
        result = func(*args, **(kwargs or {}))
        if decide:
            path, layer = self.stack[-1] if self.stack else ("", None)
            taken = decide(result, *before, **(kwargs or {}))
            self.found.append(
                Branches(
                    operation=packet.__name__,
                    path=path,
                    layer=type(layer).__name__ if layer is not None else "",
                    leaf=layer is not None and not any(layer.children()),
                    taken=taken.clone(),
                )
            )
        return result


@contextmanager
def layer_stack(root: nn.Module | None) -> Iterator[list[tuple[str, nn.Module]]]:
    """The layers that are running, outermost first, with their qualified names."""
    stack: list[tuple[str, nn.Module]] = []
    with ExitStack() as hooks:
        for path, layer in root.named_modules() if root is not None else ():
            if isinstance(layer, torch.jit.ScriptModule):
                continue  # compiled: no hook can be put on it

            def enter(layer: nn.Module, _: object, path: str = path) -> None:
                stack.append((path, layer))

            def leave(*_: object) -> None:
                stack.pop()

            before = layer.register_forward_pre_hook(enter)
            after = layer.register_forward_hook(leave, always_call=True)
            hooks.callback(before.remove)
            hooks.callback(after.remove)
        yield stack


def branches(value: Callable[[], object], root: nn.Module | None) -> list[Branches]:
    """The decisions that a run of `value` takes, in order."""
    with layer_stack(root) as stack:
        recorder = _Recorder(stack)
        with recorder:
            value()
    return recorder.found


def changed(runs: Sequence[list[Branches]]) -> list[str]:
    """Which decisions differ between runs of one computation.

    Returns:
        A sentence per element, such as "ReLU at '1', example 0, unit 3".
    """
    if len({tuple((b.operation, b.path, b.taken.shape) for b in run) for run in runs}) != 1:
        return ["the computation takes another course"]
    said = []
    middle = runs[len(runs) // 2]
    for step, here in enumerate(middle):
        differs = torch.zeros_like(here.taken, dtype=torch.bool)
        for run in runs:
            differs |= run[step].taken != here.taken
        said += [_said(here, index) for index in differs.nonzero().tolist()]
    return said


def _said(branch: Branches, index: list[int]) -> str:
    words = branch.layer if branch.leaf else branch.operation
    if branch.path:
        words += f" at {branch.path!r}"
    if not index:
        return words
    if len(index) == 1:
        return f"{words}, element {index[0]}"
    unit = index[1] if len(index) == 2 else index[1:]  # noqa: PLR2004
    return f"{words}, example {index[0]}, unit {unit}"
