"""Whether replicas can be trained together and still come out as each does alone."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.optim import SGD

from dlfaq.errors import InputError, first_line
from dlfaq.seeding import same_draws
from dlfaq.training.models import count_parameters
from dlfaq.training.optimizers import is_elementwise
from dlfaq.training.stacked.forward import slow_mapping
from dlfaq.training.stacked.stack import Stack
from dlfaq.training.stacked.trial import why_not_alike
from dlfaq.training.surroundings.surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dlfaq.data.sets import Dataset
    from dlfaq.training.plan import Plan

__all__ = ["check_alike", "why_not_copied", "why_not_stacked"]

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


def why_not_copied(model: nn.Module) -> str | None:
    """Why there is no second one, which trials need, or None."""
    try:
        deepcopy(model)
    except Exception as error:  # noqa: BLE001 - what a model holds may raise any
        return f"the model cannot be copied: {first_line(error)}"
    return None


def why_not_stacked(
    models: Sequence[nn.Module], datasets: Sequence[Dataset], plan: Plan
) -> str | None:
    """Why replicas cannot or should not be stacked, or None.

    Args:
        models: the replicas, before training, which can be copied; they stay as they are.
        datasets: one for each seed, or a single one for all.
        plan: of the training.
    """
    # A copy is tried, since a model may count its calls; its tensors lack their hooks and ties.
    model, x = deepcopy(models[0]), datasets[0].train.x[: plan.batch_size]
    if not is_elementwise(plan.optimizer):
        return "the optimizer is not known to work element by element"
    if _shares_memory(_state(models[0], remove_duplicate=False).values()):
        return "layers share parameters"
    if x.dtype == torch.float64 and plan.optimizer not in _BY_SIZE and _cancels_a_bias(model):
        return "batch norm cancels the bias before it (with bias=False there it can be stacked)"
    if any(getattr(part, hooks, None) for part in _parts(models[0]) for hooks in _HOOKS):
        return "hooks of the model would see all replicas at once"
    numbers = _numbers_per_step(model, x)
    if numbers > _STACKED_AT_MOST:
        return f"memory sets the pace of {numbers:,} parameters and activations per step"
    by_size = plan.optimizer in _BY_SIZE
    return _why_not_mapped(model, x) or why_not_alike(models, datasets, plan, by_size)


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
    shapes = [
        {name: (v.shape, v.dtype, v.requires_grad) for name, v in _state(one).items()}
        for one in (model, other)
    ]
    if str(model) != str(other) or shapes[0] != shapes[1]:
        return False
    for training in (False, True):
        try:
            pair = [deepcopy(one).train(training) for one in (model, other)]
        except Exception:  # noqa: BLE001 - so it is looped over
            return True
        pair[0].load_state_dict(other.state_dict())
        around = Surroundings(pair)
        with same_draws():
            got = pair[0](x)
        around.put_back(draws=True)
        with same_draws():
            wanted = pair[1](x)
        around.put_back(draws=True)
        if not torch.allclose(got, wanted, equal_nan=True):
            return False
    return True


def _state(model: nn.Module, *, remove_duplicate: bool = True) -> dict[str, Tensor]:
    return {
        **dict(model.named_parameters(remove_duplicate=remove_duplicate)),
        **dict(model.named_buffers(remove_duplicate=remove_duplicate)),
    }


def _shares_memory(tensors: Iterable[Tensor]) -> bool:
    """Whether two are one, or one a view of the other, as in `b.weight.data = a.weight.data.T`."""
    places = [tensor.untyped_storage().data_ptr() for tensor in tensors if tensor.numel()]
    return len({*places}) < len(places)


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
def _numbers_per_step(model: nn.Module, batch: Tensor) -> int:
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
    """How many numbers a layer puts out; a recurrent one puts out its state too."""
    first = outputs[0] if isinstance(outputs, tuple) else outputs
    return first.numel()


def _why_not_mapped(model: nn.Module, x: Tensor) -> str | None:
    """Let two copies of `model` learn together from `x`."""
    try:
        stack = Stack([model, model], [0, 1])
        with slow_mapping():
            stack(torch.stack([x, x])).sum().backward()
    except Exception as error:  # noqa: BLE001 - any other fault shows in the loop too
        return f"torch.func cannot map the model: {first_line(error)}"
    if any(parameter.grad is None for parameter in stack.learned):
        return "some parameters get no gradient, which optimizers leave alone"
    return None
