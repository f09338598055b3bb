"""From a case to what a check is called with, and what is true of its gradients.

The truth is autograd's gradient of the same network without the fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from dlfaq.gradients.planted.by_hand import ByHand
from dlfaq.gradients.planted.formulas import Formula, Residual
from dlfaq.gradients.planted.layers import LAYERS, WORDS
from dlfaq.gradients.planted.modules import Checkpointed, Single, Twice
from dlfaq.seeding import generator, seeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlfaq.gradients.planted.cases import Case, Fault, Layer

__all__ = ["Network", "build"]


@dataclass(frozen=True)
class Network:
    """What a case says, built.

    Attributes:
        model: in float64.
        x: its input, with requires_grad unless it is tokens.
        loss: from the output to one number; None for the output itself.
        culprit: the path of the module with the fault, "" if there is none.
    """

    model: nn.Sequential
    x: Tensor
    loss: Callable[[Tensor], Tensor] | None
    culprit: str

    @property
    def tensors(self) -> list[Tensor]:
        """What is differentiated by: the parameters, and the input unless it is tokens."""
        varying = [self.x] if self.x.is_floating_point() else []
        return [*self.model.parameters(), *varying]

    def value(self, *tensors: Tensor) -> Tensor:
        """Loss or output as a function of such tensors."""
        names = [name for name, _ in self.model.named_parameters()]
        state = dict(zip(names, tensors, strict=False))
        x = tensors[-1] if self.x.is_floating_point() else self.x
        output: Tensor = functional_call(self.model, state, (x,))
        return output if self.loss is None else self.loss(output)


_AROUND = {
    "residual": Residual,
    "twice": Twice,
    "float32": Single,
    "checkpoint": Checkpointed,
}


def build(case: Case) -> Network:
    """The network of a case; but for the fault it depends on nothing else."""
    x = _input(case)
    model = nn.Sequential()
    culprit = ""
    with seeded(case.seed, "planted"):
        example = x.detach()
        for position, layer in enumerate(case.layers):
            fault = case.fault if case.fault and case.fault.layer == position else None
            module, inner = _module(layer, tuple(example.shape), fault)
            if fault:
                culprit = ".".join([str(position), *inner])
            model.append(module)
            with torch.no_grad():
                example = module(example)
    loss = None if case.loss == "none" else _loss(case, example)
    return Network(model, x, loss, culprit)


def _module(
    layer: Layer, shape: tuple[int, ...], fault: Fault | None
) -> tuple[nn.Module, list[str]]:
    """A layer and all around it, and the path from there to what has the fault."""
    module = LAYERS[layer.name].make(shape).double()
    with torch.no_grad():
        for parameter in module.parameters():  # of norms they are all 1 or 0
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    detached = fault is not None and fault.kind == "detached"
    if layer.by_hand:
        module = ByHand(module, fault)
    elif detached and isinstance(module, Formula):
        module = module.without_term()
    if not layer.around:
        return module, []
    module = _AROUND[layer.around](module)
    if detached and isinstance(module, Residual) and not isinstance(module.layer, Formula):
        module.keep = Tensor.detach
        return module, []
    return module, ["layer"]


def _input(case: Case) -> Tensor:
    generator_ = generator(case.seed, "planted input")
    if case.form == "tokens":
        return torch.randint(WORDS, case.shape, generator=generator_)
    x = torch.randn(case.shape, generator=generator_, dtype=torch.float64)
    x = {
        "normal": x,
        "halves": (2 * x).round() / 2,
        "zeros": 0 * x,
        "small": x / 1000,
        "large": 100 * x,
    }[case.values]
    return x.requires_grad_()


def _loss(case: Case, example: Tensor) -> Callable[[Tensor], Tensor]:
    """A loss for outputs of that shape."""
    draw = generator(case.seed, "planted labels")
    classes = example.flatten(1).shape[1]
    labels = torch.randint(classes, (len(example),), generator=draw)
    target = torch.rand(example.shape, generator=draw, dtype=torch.float64)
    losses: dict[str, Callable[[Tensor], Tensor]] = {
        "cross-entropy": lambda o: functional.cross_entropy(o.flatten(1), labels),
        "MSE": lambda o: functional.mse_loss(o, target.to(o)),
        "L1": lambda o: functional.l1_loss(o, target.round(decimals=1).to(o)),
        "BCE": lambda o: functional.binary_cross_entropy_with_logits(o, target.to(o)),
        "sum": torch.sum,
        "mean": torch.mean,
        "log cosh": lambda o: _log_cosh(o - target.to(o)).mean(),
    }
    chosen = losses[case.loss]
    return lambda output: case.scale * chosen(output)


def _log_cosh(x: Tensor) -> Tensor:
    """Up to a constant; a loss of one's own, of formulas."""
    return x + functional.softplus(-2 * x)
