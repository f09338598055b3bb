"""Is a backward pass right? Gradients against differences, with a report that names the place.

report = check_gradients(model, x, loss=lambda output: cross_entropy(output, y))
assert report.ok, report
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from dlfaq.errors import InputError
from dlfaq.gradients.check.budget import Budget
from dlfaq.gradients.check.deliberate import Allowed
from dlfaq.gradients.check.differences import compare
from dlfaq.gradients.check.judge import CheckSettings
from dlfaq.gradients.check.places import wrong_places
from dlfaq.gradients.check.report import GradientReport
from dlfaq.gradients.check.scalar import holding, scalar_problem
from dlfaq.gradients.check.second import at_kink_undecided, second_order
from dlfaq.gradients.check.state import State, kept
from dlfaq.gradients.check.subjects import (
    compiled,
    of_function,
    of_module,
    padding_rows_have_gradients,
    shared,
    why_not_single,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from dlfaq.gradients.check.report import GradientRow, Place
    from dlfaq.gradients.check.subjects import Array, Variables

__all__ = ["check_gradients"]


def check_gradients(
    subject: nn.Module | Callable[..., Any],
    *inputs: Any,  # noqa: ANN401  (what the subject takes)
    loss: Callable[[Any], Tensor] | None = None,
    parameters: Mapping[str, Array] | None = None,
    gradients: Mapping[str, Array] | None = None,
    step: float = 1e-6,
    rtol: float = 1e-6,
    atol: float | None = None,
    entries: int | None = None,
    order: Literal[1, 2] = 1,
    allow: Collection[object] = (),
    budget_s: float | None = None,
) -> GradientReport:
    """Compare gradients with central differences, and say where they go wrong.

    Three things can be checked:

    - a module: `check_gradients(model, x, loss=…)`, all its parameters that require gradients, and
      the inputs that do, in tuples, lists and dicts too;
    - a function of tensors, `Square.apply` of a `torch.autograd.Function` too:
      `check_gradients(f, x)`, the inputs that require gradients;
    - gradients worked out by hand: `check_gradients(loss, parameters={"w": w}, gradients={"w": g})`
      where `loss()` reads the very arrays in `parameters`, tensors or NumPy's. They are moved in
      place while it is called, and put back. Without `gradients`, autograd's are checked.

    Each entry a of a gradient is held against n = (F(θ + h) − F(θ − h))/2h; they agree if
    |a − n| ≤ max(atol, rtol·max(|a|, |n|)), or if they do over shorter steps, to one side where the
    function ends. Of a large parameter a fixed choice of entries is compared, and all of them at
    once along random directions; if one disagrees, the entry is searched for. A row states its
    `resolution`: an error of an entry above that part of the largest entry would have been seen.
    A gradient is called wrong only if the differences settle on another value; where they settle on
    none, as at a jump or in half precision, the verdict is "undecided". Where an entry fails at a
    kink (a ReLU at 0), it is "kink" if autograd is right beside it on both sides, or if a gradient
    that is given lies between the slopes of the two sides; outside of them it is "undecided" where
    several kinks meet, as at ties in a max pool. So are second derivatives at a kink.

    For modules and functions each layer and each custom function that ran is checked alone, too, on
    what it was given, and with upstream gradients that are not contiguous, so that the report names
    the piece of code and not all that comes before it.

    Random numbers that the subject draws, as dropout does, are the same in each pass. Model,
    buffers, gradients and the random generators stay as they are; the parameters are moved in place
    while it runs. The row that `padding_idx` of an embedding keeps from learning is checked as if
    it learned.

    Args:
        subject: a module, a function of tensors, or a loss of no arguments.
        inputs: what it is called with.
        loss: from the output to a scalar. Without it an output that is no scalar is multiplied by a
            fixed random vector.
        parameters: for a loss that reads them: float64 arrays by name.
        gradients: what is said to be their gradient.
        step: h. A longer one is taken where something is computed in less than float64.
        rtol: the largest relative difference that counts as agreement.
        atol: the largest absolute one; a hundred times the rounding error eps·S/h if left out,
            where S is the size of the terms that F adds up.
        entries: how many entries of a parameter are compared one by one; if left out 200, or fewer
            where that would take long.
        order: 2 to check second derivatives too: the gradient of w·∇F, for a fixed random w. Where
            `allow` names pieces of the subject, those of its layers and custom functions alone.
        allow: what has another gradient on purpose (straight-through, reversed, cut): names of
            parameters, inputs or layers, modules or their types, classes of
            `torch.autograd.Function`, functions of a Python module. All else is checked as if that
            gradient were the derivative.
        budget_s: after so many seconds nothing more is begun; the report says what was left out.

    Raises:
        InputError: nothing to check, a dtype other than float64, a function that is random beyond
            the generators of the process or not finite, a loss that is no scalar, gradients whose
            names or shapes are not those of the parameters, nothing of a name in `allow`.

    Example:
        >>> report = check_gradients(mlp([4, 3, 2], dtype=torch.float64), torch.ones(5, 4).double())
        >>> report.ok, report["0.weight"].verdict
        (True, 'agrees')
    """
    _refuse_settings(step, entries, order, budget_s)
    settings = CheckSettings(step=step, rtol=rtol, atol=atol, entries=entries)
    root = subject if isinstance(subject, nn.Module) else None
    unchecked: tuple[str, ...] = ()
    if parameters is not None:
        variables = shared(parameters)
        state = State(None)

        def forward() -> Any:  # noqa: ANN401
            state.restore()
            return subject(*inputs)

    elif root is not None:
        variables, forward, unchecked = of_module(root, inputs)
    else:
        variables, forward = of_function(subject, inputs)
    given = None if gradients is None else shared(gradients)
    _refuse_unusable(variables, given, step=step)
    allowed = Allowed.of(allow, subject, variables)

    # Every value is one of the pass that is differentiated: a transformer layer in eval mode takes
    # another path without gradients, and a forward may ask for gradients itself.
    with (
        torch.set_grad_enabled(given is None),
        kept(root),
        padding_rows_have_gradients(root),
        Budget(budget_s, total=len(variables) * order) as budget,
    ):
        problem = scalar_problem(variables, forward, loss, root, given, custom=_custom(subject))
        if allowed.pieces:
            problem = holding(problem, allowed)
        rows = _excused(compare(problem, settings, over=budget.over), allowed)
        second: tuple[GradientRow, ...] = ()
        if order == 2 and not allowed.pieces:  # noqa: PLR2004
            of_second = second_order(problem)
            second = _excused(
                compare(of_second, settings, over=lambda name: budget.over(f"second: {name}")),
                allowed,
            )
            if any(row.verdict == "kink" for row in rows):
                second = tuple(map(at_kink_undecided, second))
        places: tuple[Place, ...] = ()
        if parameters is None:
            wrong = any(row.verdict == "wrong" for row in rows)
            again = wrong and problem.traits.second
            places = wrong_places(
                problem.value,
                root,
                settings,
                order=2 if again else order,
                allowed=allowed,
                over=budget.over,
            )
    return GradientReport(
        rows=rows,
        second=second,
        places=places,
        rtol=rtol,
        source="autograd" if gradients is None else "given",
        unchecked=unchecked,
        allowed=allowed.said(),
        narrow=problem.traits.narrow,
        unreached=budget.left,
        compiled=compiled(root),
    )


def _refuse_settings(step: float, entries: int | None, order: int, budget_s: float | None) -> None:
    if not step > 0 or (entries is not None and entries < 1):
        raise InputError(
            expected="a step above 0 and at least one entry",
            got=f"step={step:g}, entries={entries}",
            cure="leave them out: step=1e-6, entries=200",
        )
    if order not in {1, 2}:
        raise InputError(
            expected="order=1 or order=2", got=f"order={order!r}", cure="leave it out for gradients"
        )
    if budget_s is not None and not budget_s > 0:
        raise InputError(
            expected="budget_s in seconds, above 0",
            got=f"budget_s={budget_s!r}",
            cure="leave it out for no limit",
        )


def _custom(subject: object) -> bool:
    """Whether the subject is one custom function."""
    owner = getattr(subject, "__self__", None)
    return isinstance(owner, type) and issubclass(owner, torch.autograd.Function)


def _excused(rows: tuple[GradientRow, ...], allowed: Allowed) -> tuple[GradientRow, ...]:
    return tuple(
        replace(row, verdict="allowed", note="") if allowed.excuses_name(row.name) else row
        for row in rows
    )


def _refuse_unusable(variables: Variables, gradients: Variables | None, *, step: float) -> None:
    if not variables:
        raise InputError(
            expected="a parameter or an input that requires gradients",
            got="none",
            cure="call requires_grad_() on the inputs to check, or pass parameters={…}",
        )
    for name, tensor in variables.items():
        if tensor.dtype not in {torch.float64, torch.complex128}:
            raise InputError(
                expected="float64, in which differences resolve a gradient",
                got=f"{name!r} of {str(tensor.dtype).removeprefix('torch.')}",
                cure=why_not_single(step),
            )
        if gradients is None and not tensor.requires_grad:
            raise InputError(
                expected=f"{name!r} with requires_grad, for autograd to differentiate by it",
                got="one without",
                cure="create it with requires_grad=True, or pass gradients={…}",
            )
    if gradients is None:
        return
    if gradients.keys() != variables.keys():
        raise InputError(
            expected=f"a gradient for each of {', '.join(variables)}",
            got=", ".join(gradients) or "none",
            cure="use the same names in parameters= and gradients=",
        )
    for name, tensor in variables.items():
        if tuple(gradients[name].shape) != tuple(tensor.shape):
            raise InputError(
                expected=f"the gradient for {name!r} in its shape {tuple(tensor.shape)}",
                got=f"shape {tuple(gradients[name].shape)}",
                cure="sum it over the examples, or transpose it",
            )
