"""A case put to `check_gradients` and to `torch.autograd.gradcheck`, beside what is true."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from math import inf
from time import process_time
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from dlfaq.errors import InputError
from dlfaq.gradients.check.check import check_gradients
from dlfaq.gradients.check.projection import direction, projection
from dlfaq.gradients.planted.networks import build
from dlfaq.seeding import generators_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlfaq.gradients.check.report import GradientReport
    from dlfaq.gradients.planted.cases import Case
    from dlfaq.gradients.planted.networks import Network

__all__ = ["Trial", "errors", "peer_passes", "tried"]

Said: TypeAlias = Literal["right", "wrong", "undecided", "refused", "crashed"]
Blame: TypeAlias = Literal["right", "around", "wrong", "none"]

# The step that suits float32; see the page "How do I check that my backward pass is right?".
LONG_STEP = {"eps": 1e-2, "atol": 1e-3, "rtol": 1e-2}


@dataclass(frozen=True)
class Trial:
    """What `check_gradients` said of a case.

    Attributes:
        said: that the gradients are "right" or "wrong"; "undecided" where nothing is wrong and one
            got no verdict; "refused" with an `InputError`, "crashed" with any other.
        error: the largest difference that the fault makes to a gradient, relative to the largest
            entry of that gradient.
        seen: the largest such difference over the resolution that the report states for the
            gradient. Above 1 the fault must be found.
        blame: "right" if the first place that is named is that of the fault, "around" if it holds
            that, "wrong" for another, "none" if none is named.
        seconds: of processor time.
        words: of an error, or what the report says.
    """

    said: Said
    error: float
    seen: float
    blame: Blame
    seconds: float
    words: str


def tried(case: Case) -> Trial:
    """Check the gradients of a case, and hold the report against the truth."""
    off = errors(case)
    said: Said
    start = process_time()
    try:
        report = _report(case)
        seconds = process_time() - start
        # What is called wrong has no resolution: the one that it would have without the fault.
        right = report if report.ok else _report(replace(case, fault=None))
    except InputError as error:
        said, words = "refused", str(error)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is what is looked for)
        said, words = "crashed", f"{type(error).__name__}: {error}"
    else:
        said = "wrong" if not report.ok else "undecided" if report.undecided else "right"
        return Trial(said, max(off), _seen(right, off), _blame(report, case), seconds, str(report))
    return Trial(said, max(off), 0.0, "none", process_time() - start, words)


def errors(case: Case) -> list[float]:
    """How far the gradients are off by the fault: the largest difference over the largest entry.

    One number for each parameter and for the input, and as many again for second derivatives.
    """
    if case.fault is None:
        right = wrong = _gradients(case)
    else:
        right, wrong = _gradients(replace(case, fault=None)), _gradients(case)
    rounding = 1e-12 * max(n.abs().max().item() for n in right)
    found = []
    for a, n in zip(wrong, right, strict=True):
        difference, largest = (a - n).abs().max().item(), n.abs().max().item()
        if difference <= rounding:  # where the true gradient is 0, nothing else says what is much
            found.append(0.0)
        else:
            found.append(difference / largest if largest else inf)
    return found


def peer_passes(case: Case, *, single: bool = False) -> bool:
    """Whether `torch.autograd.gradcheck` passes the case, `gradgradcheck` too at order 2.

    Args:
        case: what is checked; gradients given by hand are those of the model to it.
        single: in float32, with a step and tolerances that suit it, in place of its defaults.
    """
    network = build(case)
    dtype = torch.float32 if single else torch.float64
    tensors = tuple(t.detach().to(dtype).requires_grad_() for t in network.tensors)
    settings: dict[str, Any] = {**(LONG_STEP if single else {}), "raise_exception": False}
    network.model.to(dtype)
    checks: list[Callable[..., bool]] = [gradcheck]
    if case.order == 2:  # noqa: PLR2004
        checks.append(gradgradcheck)
    with warnings.catch_warnings(), generators_kept():
        warnings.simplefilter("ignore")  # that this is float32
        try:
            return all(check(network.value, tensors, **settings) for check in checks)
        except RuntimeError:  # what it does not take for a wrong gradient, though it is one
            return False


def _report(case: Case) -> GradientReport:
    """Of what the case asks to be checked."""
    network = build(case)
    if case.subject == "module":
        return check_gradients(network.model, network.x, loss=network.loss, order=case.order)
    if case.subject == "function":
        return check_gradients(network.value, *network.tensors, order=case.order)
    parameters: dict[str, Tensor] = dict(network.model.named_parameters())
    if network.x.is_floating_point():
        parameters["input"] = network.x
    gradients = dict(zip(parameters, _first(network, network.tensors), strict=True))
    return check_gradients(
        lambda: network.value(*network.tensors), parameters=parameters, gradients=gradients
    )


def _first(network: Network, tensors: Sequence[Tensor], *, further: bool = False) -> list[Tensor]:
    """The gradient of the loss, or of the outputs times the vector that the check multiplies by."""
    output = network.value(*tensors)
    total = output if not output.ndim else projection(output.flatten()) @ output.flatten()
    return list(
        torch.autograd.grad(
            total, tensors, create_graph=further, allow_unused=True, materialize_grads=True
        )
    )


def _gradients(case: Case) -> list[Tensor]:
    """Of first order, and of second order the gradient of their product with a fixed direction."""
    network = build(case)
    tensors = network.tensors
    if case.order == 1:
        return _first(network, tensors)
    first = _first(network, tensors, further=True)
    products = [(direction(t) * a).sum() for t, a in zip(tensors, first, strict=True)]
    along = torch.stack(products).sum()
    second: list[Tensor] = [torch.zeros_like(t) for t in tensors]
    if along.requires_grad:
        second = list(
            torch.autograd.grad(along, tensors, allow_unused=True, materialize_grads=True)
        )
    return [*(gradient.detach() for gradient in first), *second]


def _seen(report: GradientReport, off: Sequence[float]) -> float:
    """The largest of the differences, over what the report states that it can see."""
    # Last may come a second derivative by what is sent back to several outputs: no variable.
    rows = zip([*report.rows, *report.second], off, strict=False)
    decided = [(row, error) for row, error in rows if error and row.verdict != "undecided"]
    return max(
        (error / row.resolution for row, error in decided if row.resolution < inf), default=0.0
    )


def _blame(report: GradientReport, case: Case) -> Blame:
    """Whether the place named first is that of the fault; functions have no layers to name."""
    if not report.places:
        return "none"
    place, culprit = report.places[0], build(case).culprit
    if place.path == (culprit if place.layer else ""):
        return "right"
    return "around" if not place.path or culprit.startswith(f"{place.path}.") else "wrong"
