"""Which piece of code has the wrong backward: every layer and every custom function alone.

A wrong gradient makes all gradients before it wrong. So each module and each
`torch.autograd.Function` that ran is called once more, by itself, on what it was given, and its
vector-Jacobian product is held against differences. The innermost that fail are the places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.autograd import gradcheck

from dlfaq.gradients.check.calls import recorded
from dlfaq.gradients.check.differences import compare
from dlfaq.gradients.check.problem import Problem
from dlfaq.gradients.check.projection import direction, flat, projection
from dlfaq.gradients.check.report import Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from dlfaq.gradients.check.calls import Call
    from dlfaq.gradients.check.differences import CheckSettings
    from dlfaq.gradients.check.report import GradientRow

__all__ = ["wrong_places"]


def wrong_places(
    forward: Callable[[], object], root: nn.Module | None, settings: CheckSettings
) -> tuple[Place, ...]:
    """The pieces of code whose own backward is wrong, the one nearest to the output first."""
    calls = recorded(forward, root)
    blamed: set[int] = set()  # calls in which something inside is wrong
    containers = {position for call in calls for position in call.ancestors}
    places: dict[tuple[str, str], Place] = {}  # by code and path: a step of an RNN runs many times
    for number in reversed(range(len(calls))):
        call = calls[number]
        rows = () if number in blamed or not call.tensors else _rows(call, settings)
        if any(row.verdict == "wrong" for row in rows):
            blamed.update(call.ancestors)
            place = Place(call.code, call.path, call.layer, rows, parts=number in containers)
            places.setdefault((call.code, call.path), place)
    return tuple(places.values())


def _rows(call: Call, settings: CheckSettings) -> tuple[GradientRow, ...]:
    """Rows for a call whose vector-Jacobian product PyTorch's own check doubts, else none.

    That check is along one direction for each tensor: a full Jacobian, which gradcheck builds even
    in its fast mode when it fails, would not fit into memory.
    """
    tensors = {name: t.detach().clone().requires_grad_() for name, t in call.tensors.items()}

    def outputs() -> Tensor:
        return flat(call.run(*tensors.values()))

    example = outputs().detach()
    if not len(example):
        return ()
    vector = projection(example)
    along = [(t.detach(), direction(t)) for t in tensors.values()]

    def moved(*steps: Tensor) -> Tensor:
        return vector @ flat(call.run(*(t + s * u for s, (t, u) in zip(steps, along, strict=True))))

    try:
        passes = gradcheck(
            moved,
            tuple(example.new_zeros((), requires_grad=True) for _ in along),
            eps=settings.step,
            rtol=settings.rtol,
            atol=settings.rtol / 100,  # it may doubt too much: the rows decide
            check_undefined_grad=False,
            raise_exception=False,
        )
    except RuntimeError:  # it runs backward twice, which one that changes what it saved forbids
        passes = False
    if passes:
        return ()
    problem = Problem(
        variables=tensors,
        value=lambda: vector @ outputs(),
        magnitude=float((vector * example).abs().sum()),
        outputs=outputs,
        vector=vector,
    )
    return compare(problem, settings)
