"""Whether replicas can be trained together and still come out as each does alone."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.optim import SGD

from dlfaq.errors import InputError
from dlfaq.models import count_parameters
from dlfaq.optimizers import is_elementwise
from dlfaq.seeding import seeded
from dlfaq.stacking import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlfaq.plan import Plan

__all__ = ["check_alike", "why_not_stacked"]

# Above so many parameters and activations of one replica in a step, overhead no longer matters and
# memory sets the pace, so that a loop is as fast. Stacked against loop, Adam, 16 replicas, a core:
# 64-32-10 at batch 1000 2.7 times as fast (108 thousand numbers), 784-64-10 at 100 2.0 (137), 1-D
# CNN with 16 and 32 channels at 100 1.8 (139), 784-128-10 at 100 1.9 (194), 784-256-10 at 32 1.2
# (237), CNN with 32 and 64 at 100 1.2 (278), 64-256-256-10 at 400 1.2 (319), 64-512-512-10 at 32
# 1.0 (336), 784-64-10 at 1000 0.7 (909).
_STACKED_AT_MOST = 300_000

# Batch norm subtracts the bias of the layer before it again, so that its gradient is nothing but
# rounding. These optimizers make steps of that size of it, all others steps as long as any, which
# go another way alone: weights then differ by 1e-9 after 200 steps of Adam, where they otherwise
# agree to 1e-12. In float32 rounding is seen in all weights, and nobody counts on so many digits.
_BY_SIZE = ("sgd", SGD)
_NORMS = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d

_HOOKS = (
    "_backward_hooks",
    "_backward_pre_hooks",
    "_forward_hooks",
    "_forward_pre_hooks",
    "_post_accumulate_grad_hooks",
)


def why_not_stacked(model: nn.Module, x: Tensor, plan: Plan) -> str | None:
    """Why replicas of `model` cannot or should not be stacked, or None.

    Args:
        model: one of them, before training.
        x: inputs of a batch, (n, …).
        plan: of the training.
    """
    if not is_elementwise(plan.optimizer):
        return "the optimizer is not known to work element by element"
    tensors = _state(model, remove_duplicate=False)
    if len({*map(id, tensors.values())}) < len(tensors):
        return "layers share parameters"
    if x.dtype == torch.float64 and plan.optimizer not in _BY_SIZE and _cancels_a_bias(model):
        return "batch norm cancels the bias before it (with bias=False there it can be stacked)"
    if any(getattr(part, hooks, None) for part in _parts(model) for hooks in _HOOKS):
        return "hooks of the model would see all replicas at once"
    numbers = _numbers_a_step(model, x)
    if numbers > _STACKED_AT_MOST:
        return f"memory sets the pace of {numbers:,} parameters and activations a step"
    return _why_not_mapped(model, x)


def check_alike(models: Sequence[nn.Module], x: Tensor) -> None:
    """Check that seeds decide on the values of parameters and buffers, and on nothing else.

    Args:
        models: what a function of `seed=` made of several seeds.
        x: some inputs.

    Raises:
        InputError: models are one object, or differ in more.
    """
    if len({*map(id, models)}) < len(models):
        raise InputError(
            expected="a model of its own for each seed",
            got="one model for several",
            cure="make a new one at each call",
        )
    for other in models[1:]:
        if not _differs_in_state_alone(models[0], other, x):
            raise InputError(
                expected="models that differ in the values of parameters and buffers alone",
                got="models that differ in more from seed to seed",
                cure="make what the seed decides a parameter, or register it as a buffer",
            )


@torch.no_grad()
def _differs_in_state_alone(model: nn.Module, other: nn.Module, x: Tensor) -> bool:
    """Whether `model` does what `other` does once it has its parameters and buffers."""
    own, wanted = _state(model), _state(other)
    shapes = [{name: (v.shape, v.dtype) for name, v in state.items()} for state in (own, wanted)]
    if str(model) != str(other) or shapes[0] != shapes[1]:
        return False
    copy = deepcopy(model).eval()
    copy.load_state_dict(other.state_dict())
    with seeded(0, "check"):  # some models draw random numbers even so
        got = copy(x)
    with seeded(0, "check"):
        return torch.allclose(got, other.eval()(x), equal_nan=True)


def _state(model: nn.Module, *, remove_duplicate: bool = True) -> dict[str, Tensor]:
    return {
        **dict(model.named_parameters(remove_duplicate=remove_duplicate)),
        **dict(model.named_buffers(remove_duplicate=remove_duplicate)),
    }


def _parts(model: nn.Module) -> Iterator[nn.Module | Tensor]:
    yield from model.modules()
    yield from model.parameters()


def _cancels_a_bias(model: nn.Module) -> bool:
    layers = [module for module in model.modules() if not any(module.children())]
    return any(
        isinstance(second, _NORMS) and getattr(first, "bias", None) is not None
        for first, second in pairwise(layers)
    )


@torch.no_grad()
def _numbers_a_step(model: nn.Module, batch: Tensor) -> int:
    """How many parameters, inputs and outputs of layers with parameters a replica has in a step."""
    x = batch[:2]
    sizes = [x.numel()]
    hooks = [
        module.register_forward_hook(lambda *call: sizes.append(_size(call[-1])))
        for module in model.modules()
        if any(True for _ in module.parameters(recurse=False))
    ]
    model.eval()
    model(x)
    for hook in hooks:
        hook.remove()
    return count_parameters(model) + len(batch) * sum(sizes) // len(x)


def _size(outputs: Tensor | tuple[Tensor, ...]) -> int:
    """How many numbers a layer puts out; a recurrent one tells its state too."""
    first = outputs[0] if isinstance(outputs, tuple) else outputs
    return first.numel()


def _why_not_mapped(model: nn.Module, x: Tensor) -> str | None:
    """Let two copies of `model` learn together from `x`."""
    try:
        stack = Stack([model, model], [0, 1])
        stack(torch.stack([x, x])).sum().backward()
    except Exception as error:  # noqa: BLE001 - what is not torch.func's fault the loop runs into
        return f"torch.func cannot map the model: {str(error).splitlines()[0]}"
    if any(parameter.grad is None for parameter in stack.learned):
        return "some parameters get no gradient, which optimizers leave alone"
    return None
