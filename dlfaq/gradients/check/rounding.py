"""How far rounding moves a function: from the numbers that it adds up, or as it is seen to scatter.

A sum that cancels is rounded like its terms, not like what is left of them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from math import comb, isfinite, sqrt
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from dlfaq.gradients.check.problem import BackwardFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlfaq.gradients.check.lines import Line
    from dlfaq.gradients.check.problem import Problem

__all__ = ["gradient_scatter", "scatter", "terms"]

_MOVING = {
    "clone", "view", "reshape", "flatten", "unsqueeze", "squeeze", "t", "transpose", "permute",
    "expand", "contiguous", "double", "__getitem__",
}  # fmt: skip
_POINTS = 9
_ORDERS = range(3, 7)
_SCALES = (1.0, 0.7, 0.9, 1.1, 1.3)
_DISTANCES = (1 / 16, 1 / 512, 1 / 16384)  # between the points, in steps


class _Terms(TorchFunctionMode):
    """Adds up (z·∂F/∂z)² over all that is computed: each z is rounded by up to eps·z."""

    def __init__(self) -> None:
        super().__init__()
        self.squares = 0.0
        self.hooked: set[tuple[int, int]] = set()
        self.kept: list[object] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        result = func(*args, **(kwargs or {}))
        only_moved = getattr(func, "__name__", "") in _MOVING
        for leaf in tree_leaves((args, result)):
            if isinstance(leaf, Tensor) and leaf.layout == torch.strided:
                self._hook(leaf, rounded=not only_moved)
        return result

    def _hook(self, tensor: Tensor, *, rounded: bool) -> None:
        node = tensor.grad_fn
        if node is None or not tensor.is_floating_point():
            return
        key = (id(node), tensor.output_nr)
        if key in self.hooked:
            return
        self.hooked.add(key)
        self.kept.append(node)  # no other node gets its address
        if not rounded:
            return
        held = tensor.detach()

        def add(gradient: Tensor) -> None:
            with torch.no_grad():
                term = (held * gradient).double().square().sum().item()
            if isfinite(term):
                self.squares += term

        tensor.register_hook(add)


def terms(value: Callable[[], Tensor], variables: Mapping[str, Tensor]) -> float:
    """The size of the terms of F, sqrt(F² + Σ(z·∂F/∂z)²) over all intermediate results z."""
    size = 0.0
    mode = _Terms()
    with suppress(Exception):  # what cannot be hooked or differentiated has its own report
        with mode:
            total = value()
        size = abs(float(total.detach()))
        if total.requires_grad:
            torch.autograd.grad(total, list(variables.values()), allow_unused=True)
    return sqrt(size**2 + mode.squares) if isfinite(mode.squares) else size


def scatter(line: Line, step: float) -> float | None:
    """The standard deviation of F from a smooth curve along a line, within a step.

    None if F keeps a value over many points: it is rounded so that none of its curve is seen.

    Differences of high order leave nothing of the curve (Moré and Wild, 2011). To either side of
    the point, whose kink is no noise, and at several distances, as a curve may bend within any.
    """
    found = []
    for distance in _DISTANCES:
        for side in (-1, 1):
            values = [line.value(side * step * distance * (j + 1)) for j in range(_POINTS)]
            if len(set(values)) <= _POINTS // 2 or not all(map(isfinite, values)):
                continue  # the steps are lost in rounding, or over an edge
            table = torch.tensor(values, dtype=torch.float64)
            for order in range(1, max(_ORDERS) + 1):
                table = table.diff()
                if order in _ORDERS:
                    found.append((table.square().mean() / comb(2 * order, order)).sqrt().item())
    return min(found, default=None)


def gradient_scatter(problem: Problem) -> dict[str, float]:
    """How far the rounding of a backward pass moves autograd's gradient of each variable.

    A sum that should be 0 is what rounding leaves of its terms, in a backward pass as in a forward
    one. The gradient of c·F is c times that of F, and only its rounding is another for each c.
    """
    found: dict[str, list[Tensor]] = {name: [] for name in problem.variables}
    try:
        with torch.enable_grad():
            for c in _SCALES:
                for name, gradient in _scaled(problem, c).gradients().items():
                    found[name].append(gradient.detach() / c)
    except BackwardFailed:  # gradients that are given may be all there are
        return {}
    spread = {name: torch.stack(g).nan_to_num() for name, g in found.items()}
    return {name: (g.amax(0) - g.amin(0)).max().item() for name, g in spread.items()}


def _scaled(problem: Problem, c: float) -> Problem:
    """c·F, differentiated by autograd."""
    return replace(problem, given=None, value=lambda: c * problem.value())
