"""What kind of mistake a wrong gradient shows: a factor, a transposition, a forgotten term."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dlfaq.gradients.check.reals import reals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlfaq.gradients.check.problem import Problem

__all__ = ["pattern"]

_CLOSE = 1e-4  # of the largest entry: what is the same up to the error of differences
_STEP = 1e-6


def pattern(
    problem: Problem,
    name: str,
    gradient: Tensor,
    numeric: Mapping[tuple[int, ...], float],
) -> str:
    """The kind of error as the end of "its gradient …", or "" where none of the known ones fits.

    Args:
        problem: what was checked.
        name: of the variable whose gradient is wrong, θ.
        gradient: a, of the shape of θ.
        numeric: n, by index, for the entries of θ that were compared.
    """
    variable = reals(problem.variables[name])
    if not gradient.isfinite().all():
        return "is not finite"
    if any(not isfinite(slope) for slope in numeric.values()):
        return "has nothing to compare with: a step away the function is not finite"
    if not any(numeric.values()):
        copy = "" if problem.given is None else ". Does the loss read this very array, not a copy?"
        return f"should be 0: nothing depends on it here{copy}"
    if not gradient.any():
        return "is 0: nothing flows back to it"
    if len(numeric) < 2:  # noqa: PLR2004  (of a single number every factor is constant)
        return ""
    indices = list(numeric)
    n = torch.tensor([numeric[i] for i in indices], dtype=gradient.dtype)

    def at(tensor: Tensor) -> Tensor:
        return torch.stack([tensor[i] for i in indices]).to(n)

    a, theta = at(gradient), at(variable)
    missing = n - a
    factor, share = _multiple(a, n), _multiple(missing, theta)
    square = gradient.ndim == 2 and gradient.shape[0] == gradient.shape[1]  # noqa: PLR2004
    known = {
        "has the wrong sign": _same(a, -n),
        f"is {_digits(factor)} times what it should be": _same(a, factor * n),
        "is transposed": square and _same(at(gradient.mT), n),
        "is multiplied by a matrix where its transpose belongs": _is_forward(
            problem, variable, gradient
        ),
        f"lacks a term, {share:.4g} times the parameter itself": _same(missing, share * theta),
        f"lacks a term that is {missing.mean().item():.4g} in every entry": _same(
            missing, missing.mean().expand_as(missing)
        ),
    }
    return next((words for words, holds in known.items() if holds), "")


def _digits(factor: float) -> str:
    short = f"{factor:.4g}"
    return f"{factor:.8g}" if short == "1" else short


def _multiple(x: Tensor, of: Tensor) -> float:
    """The c for which c·`of` comes nearest to x."""
    return (x @ of / (of @ of)).item() if of.any() else 0.0


def _same(x: Tensor, y: Tensor) -> bool:
    return bool((x - y).abs().max() <= _CLOSE * max(x.abs().max(), y.abs().max()))


def _is_forward(problem: Problem, variable: Tensor, gradient: Tensor) -> bool:
    """Whether the gradient, which should be Jᵀv, is Jv."""
    if problem.outputs is None or problem.vector is None:
        return False
    if problem.vector.numel() != variable.numel():
        return False
    sides = []
    before = variable.clone()
    for step in (_STEP, -_STEP):
        with torch.no_grad():
            variable.copy_(before + step * problem.vector.view_as(variable))
        try:
            sides.append(problem.outputs().detach().clone())
        except Exception:  # noqa: BLE001  (over the edge of the domain)
            break
    with torch.no_grad():
        variable.copy_(before)
    if len(sides) < 2:  # noqa: PLR2004  (of the two)
        return False
    return _same((sides[0] - sides[1]) / (2 * _STEP), gradient.flatten())
