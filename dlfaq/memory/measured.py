"""The peak of a real step: what the allocator of the device says."""

from __future__ import annotations

import copy
import gc
import os
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils._pytree import tree_map_only

from dlfaq.errors import InputError
from dlfaq.memory.hooks import carry_all_hooks
from dlfaq.memory.step import Step
from dlfaq.memory.without_gpu import without_gpu

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dlfaq.memory.inputs import Inputs
    from dlfaq.memory.settings import StepSettings

__all__ = ["measured_peak"]

_STEP = "dlfaq: the measured step"
_LEVEL, _NOTHING = "KINETO_LOG_LEVEL", "99"


def measured_peak(
    model: nn.Module | Callable[[], nn.Module], inputs: Inputs, settings: StepSettings
) -> int:
    """Bytes at the peak of the second step of a real run, over what was held before the model.

    On a GPU it is `torch.cuda.max_memory_allocated`. On the CPU it is the sum of all allocations
    and frees that PyTorch's allocator reports to its profiler.

    Args:
        model: left as it is, or a function that makes it.
        inputs: shapes; zeros of these are what the model gets.
        settings: mode, optimizer, precision and so on.

    Raises:
        InputError: the device is "cuda" and there is none.
    """
    if settings.device == "cpu":
        with without_gpu():
            return _on_cpu(model, inputs, settings)
    if not torch.cuda.is_available():
        raise InputError(
            expected="a GPU to measure on",
            got="none that PyTorch can use",
            cure='pass measure=False, or device="cpu" to predict and measure there',
        )
    gc.collect()
    torch.cuda.synchronize()
    # They would outlive an earlier measurement, and be missing in this one.
    torch._C._cuda_clearCublasWorkspaces()  # noqa: SLF001 - it has no other name
    before = torch.cuda.memory_allocated()
    step = _real_step(model, inputs, settings)
    step.warm_up()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    step.run(lambda _: None)
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def _on_cpu(
    model: nn.Module | Callable[[], nn.Module], inputs: Inputs, settings: StepSettings
) -> int:
    gc.collect()
    recorder = profile(activities=[ProfilerActivity.CPU], profile_memory=True)
    with _quiet_start(), recorder as recorded:
        step = _real_step(model, inputs, settings)
        step.warm_up()
        with torch.profiler.record_function(_STEP):
            step.run(lambda _: None)
    events = recorded.profiler.kineto_results.events()
    begin = next(event.start_ns() for event in events if event.name() == _STEP)
    held = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        if event.name() == "[memory]":
            held += event.nbytes()
            if event.start_ns() >= begin:
                peak = max(peak, held)
    return peak


@contextmanager
def _quiet_start() -> Iterator[None]:
    """Without what the profiler's library prints when it starts and stops.

    It reads its level once, when it is first used; a level that the user set stands.
    """
    if _LEVEL in os.environ:
        yield
        return
    os.environ[_LEVEL] = _NOTHING
    try:
        yield
    finally:
        del os.environ[_LEVEL]


def _real_step(
    model: nn.Module | Callable[[], nn.Module], inputs: Inputs, settings: StepSettings
) -> Step:
    if isinstance(model, nn.Module):
        real = copy.deepcopy(model)
        carry_all_hooks(model, real)
    else:
        real = model()
    if isinstance(settings.loss, nn.Module):
        settings = replace(settings, loss=copy.deepcopy(settings.loss).to(settings.device))
    arguments: Inputs = tree_map_only(
        Tensor, lambda t: torch.zeros_like(t, device=settings.device), inputs
    )
    return Step(real.to(settings.device), arguments, settings, autocast_device=settings.device)
