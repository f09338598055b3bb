"""Is a backward pass right? Gradients against differences, with a report that names the place.

report = check_gradients(model, x, loss=lambda output: cross_entropy(output, y))
assert report.ok, report
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from dlfaq.errors import InputError
from dlfaq.gradients.check.differences import CheckSettings, compare
from dlfaq.gradients.check.places import wrong_places
from dlfaq.gradients.check.problem import Problem
from dlfaq.gradients.check.projection import flat, projection
from dlfaq.gradients.check.report import GradientReport
from dlfaq.gradients.check.subjects import (
    of_function,
    of_module,
    padding_rows_have_gradients,
    shared,
    why_not_single,
)
from dlfaq.seeding import generators_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlfaq.gradients.check.subjects import Array, Forward, Variables

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
    entries: int = 200,
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
    |a − n| ≤ max(atol, rtol·max(|a|, |n|)), or if they do over shorter steps. Of a large parameter
    a fixed choice of entries is compared, and all of them at once along a random direction; if that
    disagrees, the entry is searched for. Where an entry fails at a kink (a ReLU at 0), the verdict
    is "kink" if the gradient lies between the slopes of the two sides and is right beside the kink
    on both sides.

    If something is wrong, and for modules and functions in any case, each layer and each custom
    function that ran is checked alone with `torch.autograd.gradcheck`, so that the report names the
    piece of code and not all that comes before it.

    Model, buffers, gradients and PyTorch's random generator stay as they are. The row that
    `padding_idx` of an embedding keeps from learning is checked as if it learned.

    Args:
        subject: a module, a function of tensors, or a loss of no arguments.
        inputs: what it is called with.
        loss: from the output to a scalar. Without it an output that is no scalar is multiplied by a
            fixed random vector.
        parameters: for a loss that reads them: float64 arrays by name.
        gradients: what is said to be their gradient.
        step: h.
        rtol: the largest relative difference that counts as agreement.
        atol: the largest absolute one; a hundred times the rounding error eps·|F|/h if left out.
        entries: how many entries of a parameter are compared one by one.

    Raises:
        InputError: nothing to check, a dtype other than float64, a function that is random or not
            finite, a loss that is no scalar, gradients whose names or shapes are not those of the
            parameters.

    Example:
        >>> report = check_gradients(mlp([4, 3, 2], dtype=torch.float64), torch.ones(5, 4).double())
        >>> report.ok, report["0.weight"].verdict
        (True, 'agrees')
    """
    if not (step > 0 and entries >= 1):
        raise InputError(
            expected="a step above 0 and at least one entry",
            got=f"step={step:g}, entries={entries}",
            cure="leave them out: step=1e-6, entries=200",
        )
    settings = CheckSettings(step=step, rtol=rtol, atol=atol, entries=entries)
    root = subject if isinstance(subject, nn.Module) else None
    unchecked: tuple[str, ...] = ()
    if parameters is not None:
        variables = shared(parameters)
        forward = lambda: subject(*inputs)  # noqa: E731
    elif root is not None:
        variables, forward, unchecked = of_module(root, inputs)
    else:
        variables, forward = of_function(subject, inputs)
    given = None if gradients is None else shared(gradients)
    _refuse_unusable(variables, given, step=step)

    # Every value is one of the pass that is differentiated: a transformer layer in eval mode takes
    # another path without gradients, and a forward may ask for gradients itself.
    with (
        torch.set_grad_enabled(given is None),
        generators_kept(),
        padding_rows_have_gradients(root),
    ):
        problem = _problem(variables, forward, loss, root, given)
        rows = compare(problem, settings)
        by_hand = parameters is not None
        places = () if by_hand else wrong_places(problem.value, root, settings)
    return GradientReport(
        rows=rows,
        places=places,
        rtol=rtol,
        source="autograd" if gradients is None else "given",
        unchecked=unchecked,
    )


def _problem(
    variables: Variables,
    forward: Forward,
    loss: Callable[[Any], Tensor] | None,
    root: nn.Module | None,
    given: Variables | None,
) -> Problem:
    """The scalar function to differentiate, after a look at what it gives."""

    def value() -> Any:  # noqa: ANN401
        return forward() if loss is None else loss(forward())

    output = value()
    once, again = flat(output).detach(), flat(value()).detach()
    if not len(once):
        raise InputError(
            expected="a floating-point output",
            got=f"a tensor of {_dtype(output)}"
            if isinstance(output, Tensor)
            else type(output).__name__,
            cure="return the tensor whose gradient is to be checked; of a complex one, real and "
            "imaginary part",
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
            cure="call model.eval() if it has dropout, or draw the noise once, outside of it",
        )
    if len(once) == 1:
        return Problem(
            variables=variables,
            value=lambda: flat(value())[0],
            magnitude=once.abs().item(),
            given=given,
            root=root,
        )
    if loss is not None or given is not None:
        raise InputError(
            expected="a loss that is one number",
            got=f"{len(once)} numbers",
            cure="reduce it, for instance by .mean()",
        )
    vector = projection(once)
    return Problem(
        variables=variables,
        value=lambda: vector @ flat(forward()),
        magnitude=float((vector * once).abs().sum()),
        root=root,
        outputs=lambda: flat(forward()),
        vector=vector,
    )


def _refuse_unusable(variables: Variables, gradients: Variables | None, *, step: float) -> None:
    if not variables:
        raise InputError(
            expected="a parameter or an input that requires gradients",
            got="none",
            cure="call requires_grad_() on the inputs to check, or pass parameters={…}",
        )
    for name, tensor in variables.items():
        if tensor.dtype != torch.float64:
            raise InputError(
                expected="float64, in which differences resolve a gradient",
                got=f"{name!r} of {_dtype(tensor)}",
                cure="check real and imaginary part, torch.view_as_real"
                if tensor.is_complex()
                else why_not_single(step),
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


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
