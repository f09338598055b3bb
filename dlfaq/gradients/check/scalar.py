"""From a forward pass to the scalar function that is differentiated."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dlfaq.errors import InputError
from dlfaq.gradients.check.deliberate import Deliberate
from dlfaq.gradients.check.lines import Joint
from dlfaq.gradients.check.probe import Traits, looked_at
from dlfaq.gradients.check.problem import Problem
from dlfaq.gradients.check.projection import flat, projection
from dlfaq.gradients.check.rounding import scatter, terms

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from dlfaq.gradients.check.deliberate import Allowed
    from dlfaq.gradients.check.subjects import Forward, Variables

_SHORT = 1e-6
_SINGLE = 1e-3  # of the rounding of float32: what scatters more is not double precision

__all__ = ["holding", "scalar_problem"]


def scalar_problem(
    variables: Variables,
    forward: Forward,
    loss: Callable[[Any], Tensor] | None,
    root: nn.Module | None,
    given: Variables | None,
    *,
    custom: bool = False,
) -> Problem:
    """The scalar function to differentiate.

    Args:
        variables: what it is differentiated by.
        forward: the output.
        loss: of the output, or None.
        root: the model, if it is one.
        given: gradients that are to be checked in place of autograd's.
        custom: whether it is one custom function.

    Raises:
        InputError: the output is no number, not finite or another one each time, or a loss has
            several.
    """

    def value() -> Any:  # noqa: ANN401
        return forward() if loss is None else loss(forward())

    output = value()
    once, again = flat(output).detach(), flat(value()).detach()
    _refuse_output(output, once, again)
    vector, outputs = None, None
    if len(once) == 1:

        def scalar() -> Tensor:
            return flat(value())[0]

    elif loss is not None or given is not None:
        raise InputError(
            expected="a loss that is one number",
            got=f"{len(once)} numbers",
            cure="reduce it, for instance by .mean()",
        )
    else:
        vector = projection(once)

        def outputs() -> Tensor:
            return flat(forward())

        def scalar() -> Tensor:
            return vector @ outputs().double()

    if given is not None:
        size = abs(float(scalar().detach()))
        problem = Problem(variables=variables, value=scalar, size=size, given=given)
        seen = looked_at(scalar, root, variables.values())
        traits = Traits(narrow=seen.narrow, eps=seen.eps)
        return replace(problem, traits=traits if traits.narrow else _by_scatter(problem, given))
    return Problem(
        variables=variables,
        value=scalar,
        size=terms(scalar, variables),
        traits=looked_at(scalar, root),
        root=root,
        outputs=outputs,
        vector=vector,
        single=custom,
    )


def _by_scatter(problem: Problem, given: Variables) -> Traits:
    """The precision of code that PyTorch does not see, by how far its values are off a curve."""
    eps = torch.finfo(torch.float32).eps
    step = eps ** (1 / 3)
    line = Joint.of(problem, given)
    size = max(abs(line.value(t)) for t in (-step, 0.0, step))
    seen = scatter(line, step)
    stands = scatter(line, _SHORT) is None  # where float32 does not move at all, or nothing does
    if not stands or seen is None or not seen > _SINGLE * eps * size:
        return Traits()
    return Traits(narrow=("less than double precision, by how its values scatter",), eps=eps)


def _refuse_output(output: object, once: Tensor, again: Tensor) -> None:
    if not len(once):
        raise InputError(
            expected="a floating-point output",
            got=f"a tensor of {str(output.dtype).removeprefix('torch.')}"
            if isinstance(output, Tensor)
            else type(output).__name__,
            cure="return the tensor whose gradient is to be checked",
        )
    if not once.isfinite().all():
        raise InputError(
            expected="a finite value at this point",
            got=f"{once[~once.isfinite()][0].item()}",
            cure="find where it overflows first; there is no derivative to check",
        )
    if not torch.equal(once, again):
        raise InputError(
            expected="a function that gives the same value twice",
            got=f"two values that differ by up to {(once - again).abs().max().item():.2g}",
            cure="draw the noise once, outside of it, or from the generators of PyTorch, NumPy or "
            "Python, which a check sets back before each pass",
        )


def holding(problem: Problem, allowed: Allowed) -> Problem:
    """The same problem, with the pieces that are allowed held where its variables move."""
    deliberate = Deliberate(allowed)
    deliberate.learn(problem.value, list(problem.variables.values()))
    return replace(problem, beside=lambda: deliberate.held(problem.value))
