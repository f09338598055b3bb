"""Is a backward pass right? Gradients against differences, with a report that names the place.

report = check_gradients(model, x, loss=lambda output: cross_entropy(output, y))
assert report.ok, report
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.func import functional_call

from dlfaq.errors import InputError
from dlfaq.gradient_check.calls import argument_names
from dlfaq.gradient_check.differences import Problem, Settings, compare
from dlfaq.gradient_check.places import wrong_places
from dlfaq.gradient_check.report import GradientReport
from dlfaq.projection import flat, projection

__all__ = ["check_gradients"]

Array: TypeAlias = Tensor | npt.NDArray[np.float64]


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
      the inputs that do;
    - a function of tensors, `Square.apply` of a `torch.autograd.Function` too:
      `check_gradients(f, x)`, the inputs that require gradients;
    - gradients worked out by hand: `check_gradients(loss, parameters={"w": w}, gradients={"w": g})`
      where `loss()` reads the very arrays in `parameters`, tensors or NumPy's. They are moved in
      place while it is called, and put back. Without `gradients`, autograd's are checked.

    Each entry a of a gradient is held against n = (F(θ + h) − F(θ − h))/2h; they agree if
    |a − n| ≤ max(atol, rtol·max(|a|, |n|)). Of a large parameter a fixed choice of entries is
    compared, and all of them at once along a random direction; if that disagrees, the entry is
    searched for. Where an entry fails at a kink (a ReLU at 0), the verdict is "kink" if the
    gradient lies between the slopes of the two sides and is right beside the kink on both sides.

    If something is wrong, and for modules and functions in any case, each layer and each custom
    function that ran is checked alone with `torch.autograd.gradcheck`, so that the report names the
    piece of code and not all that comes before it.

    Model, buffers, gradients and PyTorch's random generator stay as they are.

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
    settings = Settings(step=step, rtol=rtol, atol=atol, entries=entries)
    root = subject if isinstance(subject, nn.Module) else None
    if parameters is not None:
        variables = {name: _tensor(array) for name, array in parameters.items()}
        forward = lambda: subject(*inputs)  # noqa: E731
    elif root is not None:
        variables, forward = _of_module(root, inputs)
    else:
        variables, forward = _of_function(subject, inputs)
    _refuse_unusable(variables, gradients, step=step)

    with torch.random.fork_rng(devices=[]):
        problem = _problem(variables, forward, loss, root, gradients)
        rows = compare(problem, settings)
        by_hand = parameters is not None
        places = () if by_hand else wrong_places(problem.value, root, settings)
    return GradientReport(
        rows=rows,
        places=places,
        rtol=rtol,
        source="autograd" if gradients is None else "given",
    )


Variables: TypeAlias = dict[str, Tensor]
Forward: TypeAlias = Callable[[], Any]


def _of_module(module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Variables, Forward]:
    """Copies of parameters and inputs, and the module's output for them."""
    state = {name: _leaf(p) for name, p in module.named_parameters() if p.requires_grad}
    copies, checked = _inputs(module.forward, inputs)

    def forward() -> Any:  # noqa: ANN401
        buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}
        return functional_call(module, {**state, **buffers}, tuple(_fresh(copies)))

    checked = {f"{k} (argument)" if k in state else k: t for k, t in checked.items()}
    return {**state, **checked}, forward


def _of_function(
    function: Callable[..., Any], inputs: tuple[Any, ...]
) -> tuple[Variables, Forward]:
    copies, checked = _inputs(function, inputs)
    return checked, lambda: function(*_fresh(copies))


def _inputs(function: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[list[Any], Variables]:
    """The inputs with copies of those that require gradients, and these by the names they have."""
    copies = [
        _leaf(value) if isinstance(value, Tensor) and value.requires_grad else value
        for value in inputs
    ]
    names = argument_names(function, len(inputs))
    checked = {
        name: copy
        for name, copy in zip(names, copies, strict=True)
        if isinstance(copy, Tensor) and copy.requires_grad
    }
    return copies, checked


def _fresh(inputs: list[Any]) -> list[Any]:
    """The inputs for a function that may change them in place."""
    return [value.clone() if isinstance(value, Tensor) else value for value in inputs]


def _leaf(tensor: Tensor) -> Tensor:
    return tensor.detach().clone().requires_grad_()


def _tensor(array: Array) -> Tensor:
    """The array itself as a tensor: what moves the one moves the other."""
    return array if isinstance(array, Tensor) else torch.from_numpy(array)


def _problem(
    variables: Variables,
    forward: Forward,
    loss: Callable[[Any], Tensor] | None,
    root: nn.Module | None,
    gradients: Mapping[str, Array] | None,
) -> Problem:
    """The scalar function to differentiate, after a look at what it gives."""
    given = None if gradients is None else {k: _tensor(g).detach() for k, g in gradients.items()}

    def value() -> Any:  # noqa: ANN401
        return forward() if loss is None else loss(forward())

    with torch.no_grad():
        once, again = flat(value()), flat(value())
    if not len(once):
        raise InputError(
            expected="a floating-point output",
            got="none",
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


def _refuse_unusable(
    variables: Variables, gradients: Mapping[str, Array] | None, *, step: float
) -> None:
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
                got=f"{name!r} of {str(tensor.dtype).removeprefix('torch.')}",
                cure=_why_not_single(step),
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


def _why_not_single(step: float) -> str:
    eps = torch.finfo(torch.float32).eps
    best = eps ** (1 / 3)
    return (
        f"use double(), of the model and of its inputs: in float32 a loss is rounded at {eps:.0e} "
        f"of its size, so a difference over the step h = {step:g} is off by eps·|L|/h ≈ "
        f"{eps / step:.1g}·|L| where the formula itself is off by h² only; even at the best step, "
        f"h ≈ {best:.1g}, only about {-np.log10(eps ** (2 / 3)):.0f} digits agree, and a wrong "
        "gradient can pass"
    )
