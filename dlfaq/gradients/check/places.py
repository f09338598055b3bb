"""Which piece of code has the wrong backward: every layer and every custom function alone.

A wrong gradient makes all gradients before it wrong. So each module and each
`torch.autograd.Function` that ran is called once more, by itself, on what it was given, and its
vector-Jacobian product is held against differences. The innermost that fail are the places.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from dlfaq.gradients.check.calls import not_checkpointed, recorded
from dlfaq.gradients.check.differences import compare
from dlfaq.gradients.check.judge import Judge
from dlfaq.gradients.check.layouts import depends_on_layout
from dlfaq.gradients.check.lines import Joint
from dlfaq.gradients.check.probe import looked_at
from dlfaq.gradients.check.problem import BackwardFailed, Problem
from dlfaq.gradients.check.projection import flat, projection
from dlfaq.gradients.check.report import Place
from dlfaq.gradients.check.rounding import terms
from dlfaq.gradients.check.second import at_kink_undecided, second_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from dlfaq.gradients.check.calls import Call
    from dlfaq.gradients.check.deliberate import Allowed
    from dlfaq.gradients.check.judge import CheckSettings
    from dlfaq.gradients.check.report import GradientRow

__all__ = ["wrong_places"]


def wrong_places(
    forward: Callable[[], object],
    root: nn.Module | None,
    settings: CheckSettings,
    *,
    order: int = 1,
    allowed: Allowed,
    over: Callable[[str], bool],
) -> tuple[Place, ...]:
    """The pieces of code whose own backward is wrong, the one nearest to the output first.

    Args:
        forward: runs them.
        root: the model whose layers they are.
        settings: how gradients are compared.
        order: 2 for their second derivatives, too.
        allowed: what has another gradient on purpose.
        over: asked before each piece, by name, whether to stop.
    """
    calls = recorded(forward, root)
    spared: set[int] = set()  # calls in which something is wrong, or meant to be
    containers = {position for call in calls for position in call.ancestors}
    for number, call in enumerate(calls):
        if allowed.excuses(call) or (allowed.plain and allowed.runs_in(call)):
            spared |= {number, *call.ancestors}
    for number, call in enumerate(calls):
        if any(allowed.excuses(calls[outer]) for outer in call.ancestors):
            spared.add(number)
    places: dict[tuple[str, str], Place] = {}  # by code and path: a step of an RNN runs many times
    with not_checkpointed():
        for number in reversed(range(len(calls))):
            call = calls[number]
            if number in spared or (call.code, call.path) in places:
                continue
            if over(f"{call.code} at {call.path!r}" if call.path else call.code):
                continue
            for way in range(1, order + 1):
                rows = _rows(call, settings, way, holds=number in containers)
                if any(
                    row.verdict == "wrong"
                    and not _hooked(call, row.name)
                    and not allowed.excuses_name(f"{call.path}.{row.name}".lstrip("."))
                    for row in rows
                ):
                    spared.update(call.ancestors)
                    place = Place(
                        call.code, call.path, call.layer, rows, number in containers, order=way
                    )
                    places[call.code, call.path] = place
                    break
    return tuple(places.values())


def _hooked(call: Call, name: str) -> bool:
    """Whether a hook on a parameter changes its gradient, which is no fault of the layer's."""
    return name in call.parameters and bool(call.parameters[name]._backward_hooks)  # noqa: SLF001


def _rows(
    call: Call, settings: CheckSettings, order: int, *, holds: bool
) -> tuple[GradientRow, ...]:
    """Rows for a call if a look along one direction of all it reads doubts it, else none."""
    arguments = {name: t.detach().clone().requires_grad_() for name, t in call.arguments.items()}
    variables = {**arguments, **call.parameters}
    usable = all(t.dtype in {torch.float64, torch.complex128} for t in variables.values())
    if not variables or not usable:
        return ()

    def outputs() -> Tensor:
        return flat(call.run(*arguments.values()))

    problem = _problem(call, variables, outputs)
    if problem is None:
        return ()
    if order == 2:  # noqa: PLR2004
        second = second_order(problem)
        rows = compare(second, settings) if _doubted(second, settings) else ()
        if any(row.verdict == "wrong" for row in rows):
            first = compare(problem, settings)
            rows = tuple(map(at_kink_undecided, rows)) if _has_kink(first) else rows
        return rows
    rows = compare(problem, settings) if _doubted(problem, settings) else ()
    custom = call.module is None or not type(call.module).__module__.startswith("torch.")
    if any(row.verdict == "wrong" for row in rows) or holds or not custom:
        return rows
    return _laid_out(call, problem, settings) or rows


def _has_kink(rows: tuple[GradientRow, ...]) -> bool:
    return any(row.verdict == "kink" for row in rows)


def _problem(
    call: Call, variables: dict[str, Tensor], outputs: Callable[[], Tensor]
) -> Problem | None:
    """A random combination of the outputs as a function of what the call reads."""
    example = outputs().detach()
    if not len(example) or not example.isfinite().all():
        return None
    if example.dtype != torch.float64 or not torch.equal(example, outputs().detach()):
        traits = looked_at(outputs, call.module)
        if not traits.narrow or not torch.equal(example, outputs().detach()):
            return None
    vector = projection(example)

    def value() -> Tensor:
        return vector @ outputs().double()

    traits = looked_at(value, call.module)
    return Problem(
        variables=variables,
        value=value,
        size=terms(value, variables),
        traits=traits,
        root=call.module,
        outputs=outputs,
        vector=vector,
        single=call.function is not None,
    )


def _doubted(problem: Problem, settings: CheckSettings) -> bool:
    """Whether the derivative along one direction of all variables at once does not agree."""
    try:
        gradients = problem.gradients()
    except BackwardFailed:
        return True
    lines = [Joint.of(problem, gradients)] if len(problem.variables) > _FEW else []
    lines += [] if lines else [Joint.of(problem, gradients, (name,)) for name in gradients]
    for line in lines:
        judge = Judge.of(problem, settings, line)
        seen = judge.look(line, along=line.usual)
        if seen.verdict != "agrees":
            return True
    return False


_FEW = 6  # tensors that are looked at one by one


def _laid_out(call: Call, problem: Problem, settings: CheckSettings) -> tuple[GradientRow, ...]:
    """Rows for a call whose gradients depend on how numbers lie in memory."""
    found = depends_on_layout(
        call.run, list(call.arguments.values()), list(call.parameters.values())
    )
    if not found:
        return ()
    rows = compare(problem, replace(settings, entries=1))
    return tuple(
        replace(row, verdict="wrong", note=found[position]) if position in found else row
        for position, row in enumerate(rows)
    )
