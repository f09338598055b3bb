"""The function whose first derivatives are second derivatives: w·∇F for a fixed random w."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from dlfaq.gradients.check.autograd import nodes
from dlfaq.gradients.check.probe import looked_at
from dlfaq.gradients.check.projection import direction
from dlfaq.gradients.check.rounding import terms

if TYPE_CHECKING:
    from torch import Tensor

    from dlfaq.gradients.check.problem import Problem
    from dlfaq.gradients.check.report import GradientRow

__all__ = ["UPSTREAM", "at_kink_undecided", "second_order"]

UPSTREAM = "upstream gradient"
_NUMBER = 7  # of the directions, not one that variables are moved along


def second_order(problem: Problem) -> Problem:
    """w·∇F as a function of the same variables, and of the gradient that comes from above.

    A backward that differentiates right may not be differentiable itself: it saved an intermediate
    result, which is a constant to it, or is marked `once_differentiable`.
    """
    leaves = list(problem.variables.values())
    weights = [direction(leaf.detach(), _NUMBER) for leaf in leaves]
    upstream = None
    if problem.vector is not None:
        upstream = problem.vector.clone().requires_grad_()

    def first() -> Tensor:
        if upstream is None or problem.outputs is None:
            return problem.value()
        return upstream @ problem.outputs().double()

    def value() -> Tensor:
        total = first()
        if not total.requires_grad:
            return torch.zeros((), dtype=torch.float64)
        found = torch.autograd.grad(total, leaves, create_graph=True, allow_unused=True)
        products = [
            (g.to_dense() if g.layout != torch.strided else g) * w.conj()
            for g, w in zip(found, weights, strict=True)
            if g is not None
        ]
        sums = [(torch.view_as_real(p) if p.is_complex() else p).sum() for p in products]
        return torch.stack([s.double() for s in sums]).sum() if sums else total.detach() * 0

    refused = ""
    total = first()
    if total.requires_grad:
        found = torch.autograd.grad(total, leaves, create_graph=True, allow_unused=True)
        if any("Error" in node.name() for g in found if g is not None for node in nodes(g)):
            refused = "a function in it is marked @once_differentiable"
    variables = dict(problem.variables)
    if upstream is not None:
        variables[UPSTREAM] = upstream
    return replace(
        problem,
        variables=variables,
        value=value,
        size=terms(value, variables),
        traits=looked_at(value, problem.root),
        outputs=None,
        refused=refused,
        vector=None,
    )


def at_kink_undecided(row: GradientRow) -> GradientRow:
    """The row of a second derivative at a point where the first one has a kink: none is wrong.

    There is no second derivative, and PyTorch's own need not keep to the side that its first
    derivative takes: PReLU's at 0 does not.
    """
    if row.verdict != "wrong":
        return row
    note = "is taken at a kink, where there is none: move the point off it"
    return replace(row, verdict="undecided", note=note)
