"""What is built and checked, as plain values: a case can be printed, and built again from that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from dlfaq.gradients.planted.formulas import FORMULAS
from dlfaq.gradients.planted.layers import LAYERS, layers_for

if TYPE_CHECKING:
    from random import Random

    from dlfaq.gradients.planted.layers import Form, Shape

__all__ = ["Case", "Fault", "FaultKind", "Layer", "draw_case"]

FaultKind: TypeAlias = Literal[
    "factor", "sign", "transpose", "term", "detached", "broadcast", "stale", "strides", "second"
]

_AROUND = ("residual", "twice", "float32", "checkpoint")
_LOSSES = ("cross-entropy", "MSE", "L1", "BCE", "sum", "mean", "log cosh", "none")
_VALUES = ("normal", "normal", "normal", "halves", "zeros", "small", "large")
_SHAPES: dict[Form, tuple[Shape, ...]] = {  # for each dimension the sizes to choose from
    "vectors": ((1, 2, 3, 5), (1, 2, 3, 4, 17)),
    "series": ((1, 2, 3), (1, 2), (2, 4, 5)),
    "images": ((1, 2), (1, 2), (2, 3), (3, 4)),
    "sequences": ((1, 2, 3), (1, 3), (2, 3)),
    "tokens": ((1, 2, 3), (1, 4)),
}
_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        name: one of `LAYERS`.
        around: what it stands in: "residual", "twice" (it runs two times on end), "float32" (it
            computes in that), "checkpoint", or "" for nothing.
        by_hand: whether a `torch.autograd.Function` with a backward of its own computes it.
    """

    name: str
    around: str = ""
    by_hand: bool = False


@dataclass(frozen=True)
class Fault:
    """One mistake in the backward pass of one layer.

    Attributes:
        kind: "factor" (1 + size), "sign" and "transpose" of a gradient; "term": one is missing;
            "detached": missing because the forward pass cuts it off; "broadcast": of the examples
            that a parameter serves only the first counts; "stale": what was saved has changed by a
            factor 1 + size; "strides": the gradient that comes in is read as if it were
            contiguous; "second": the first derivative is right, its own derivative is not.
        layer: the position of the layer.
        gradient: of which of the layer's input and parameters, counted around.
        size: of a factor.
    """

    kind: FaultKind
    layer: int
    gradient: int = 0
    size: float = 0.5


@dataclass(frozen=True)
class Case:
    """A network, its input and its loss, all from one seed, and what is asked of it.

    Attributes:
        seed: of parameters, inputs and labels.
        form: of the input.
        shape: of the input.
        layers: from input to output.
        loss: "none" leaves the output as it is.
        scale: what the loss is multiplied by.
        values: of the input: "normal", "halves" (rounded to 0.5: ties and kinks), "zeros", "small"
            (10⁻³ times normal), "large" (100 times).
        subject: "module", "function" (of input and parameters) or "given" (gradients of the
            parameters, as worked out by hand).
        order: 2 if second derivatives are checked too.
        fault: None for a right backward pass.
    """

    seed: int
    form: Form
    shape: Shape
    layers: tuple[Layer, ...]
    loss: str = "none"
    scale: float = 1.0
    values: str = "normal"
    subject: Literal["module", "function", "given"] = "module"
    order: Literal[1, 2] = 1
    fault: Fault | None = None


def draw_case(random: Random, *, faulty: bool) -> Case:
    """A case from a source of choices: `random.Random(number)`, or one that Hypothesis steers.

    Args:
        random: what decides.
        faulty: whether a fault is planted. It may have no effect: a batch of one example is its own
            first one.

    Example:
        >>> from random import Random
        >>> draw_case(Random(3), faulty=False).fault is None
        True
    """
    form: Form = random.choice(list(_SHAPES))
    case = Case(
        seed=random.getrandbits(16),
        form=form,
        shape=tuple(random.choice(sizes) for sizes in _SHAPES[form]),
        layers=_draw_layers(random, form),
        loss=random.choice(_LOSSES),
        scale=random.choice((1.0, 1.0, 1.0, 1e-5, 1e5)),
        values=random.choice(_VALUES),
        subject=random.choice(("module", "module", "module", "function", "given")),
    )
    if case.subject == "given" and case.loss == "none":
        case = replace(case, loss="mean")  # who works gradients out has a loss
    if faulty:
        case = _planted(random, case)
    second = case.fault is not None and case.fault.kind == "second"
    if second or (case.subject != "given" and random.randrange(8) == 0):
        case = _twice_differentiable(case)
    padded = any(layer.name == "padded Embedding" for layer in case.layers)
    # Only of a module can a check know that one row of the weights is not meant to learn.
    return replace(case, subject="module") if padded else case


def _twice_differentiable(case: Case) -> Case:
    """The case with second derivatives, which PyTorch does not have of all layers.

    Nor has it them of a checkpoint under `functional_call`, as the truth is taken: what runs once
    more reads the module's own parameters.
    """
    layers = tuple(
        layer if LAYERS[layer.name].twice else replace(layer, name="LayerNorm")
        for layer in case.layers
    )
    layers = tuple(
        replace(layer, around="") if layer.around == "checkpoint" else layer for layer in layers
    )
    subject = "module" if case.subject == "given" else case.subject
    return replace(case, layers=layers, order=2, subject=subject)


def _draw_layers(random: Random, form: Form) -> tuple[Layer, ...]:
    """From one to four layers, an embedding before them if the input is tokens."""
    count = random.randrange(1, 5)
    layers: list[Layer] = []
    while len(layers) < count or form == "tokens":
        name = random.choice(random.choice((layers_for(form), layers_for(form, alone=True))))
        kind = LAYERS[name]
        wraps = [around for around in _AROUND if kind.same or around in {"float32", "checkpoint"}]
        layers.append(
            Layer(
                name,
                around=random.choice(wraps) if random.randrange(4) == 0 else "",
                by_hand=kind.by_hand and random.randrange(4) == 0,
            )
        )
        form = kind.gives or form
    return tuple(layers)


def _planted(random: Random, case: Case) -> Case:
    """The case with a fault in one of its layers."""
    kind = random.choice(_KINDS)
    layers = list(case.layers)
    if kind == "detached":
        places = [i for i, layer in enumerate(layers) if LAYERS[layer.name].same]
    else:
        places = [i for i, layer in enumerate(layers) if LAYERS[layer.name].by_hand]
    if not places:
        layers.append(Layer("square Linear"))
        places = [len(layers) - 1]
    place = random.choice(places)
    if kind == "detached":  # of a formula, or of a branch
        around = layers[place].around if layers[place].name in FORMULAS else "residual"
        layers[place] = replace(layers[place], around=around, by_hand=False)
    else:
        layers[place] = replace(layers[place], by_hand=True)
    if kind == "strides":  # what follows sends a gradient back whose layout is another
        layers.insert(place + 1, Layer("transposed"))
    fault = Fault(
        kind,
        layer=place,
        gradient=random.randrange(6),
        size=random.choice((-1, 1)) * random.choice((1, 2, 5)) * 10.0 ** -random.randrange(1, 9),
    )
    return replace(case, layers=tuple(layers), fault=fault)
