"""Schedulers of the learning rate by name, by class or by function, one for each learning rate.

Each sees an optimizer of its own group alone. So it cannot tell replicas that are stacked, at
several rates, from one that is trained by itself.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

from torch.optim import lr_scheduler

from dlfaq.errors import InputError, first_line
from dlfaq.training.names import unknown_name

if TYPE_CHECKING:
    from torch.optim import Optimizer

__all__ = ["Scheduler", "build_schedulers"]

Scheduler = str | type[lr_scheduler.LRScheduler] | Callable[..., Any]
"""See `scheduler` of `dlfaq.training.arguments.Training`."""


def _warm_up(
    optimizer: Optimizer, total: int, after: Callable[[float], float], warmup: float, end: float
) -> lr_scheduler.LRScheduler:
    """Linear from 0 to the rate, then along `after`, of the share of what is left, to `end`."""
    if not 0 <= warmup < 1:
        raise ValueError(f"warmup={warmup!r} is no share of the steps, from 0 and below 1")
    warm = round(warmup * total)

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / (warm + 1)  # the first step is one already
        return end + (1 - end) * after(min(1.0, (step - warm) / (total - warm)))

    return lr_scheduler.LambdaLR(optimizer, factor)


def warmup_cosine(
    optimizer: Optimizer, total_steps: int, warmup: float = 0.1, end: float = 0.0
) -> lr_scheduler.LRScheduler:
    """Warm-up over a share of the steps, then half a cosine down to `end` times the rate."""

    def half(share: float) -> float:
        return (1 + math.cos(math.pi * share)) / 2

    return _warm_up(optimizer, total_steps, half, warmup, end)


def warmup_linear(
    optimizer: Optimizer, total_steps: int, warmup: float = 0.1, end: float = 0.0
) -> lr_scheduler.LRScheduler:
    """Warm-up over a share of the steps, then a straight line down to `end` times the rate."""
    return _warm_up(optimizer, total_steps, lambda share: 1 - share, warmup, end)


_NAMES: dict[str, Any] = {
    "constant": lr_scheduler.ConstantLR,
    "cosine": lr_scheduler.CosineAnnealingLR,
    "cosine-warm-restarts": lr_scheduler.CosineAnnealingWarmRestarts,
    "cyclic": lr_scheduler.CyclicLR,
    "exponential": lr_scheduler.ExponentialLR,
    "lambda": lr_scheduler.LambdaLR,
    "linear": lr_scheduler.LinearLR,
    "multi-step": lr_scheduler.MultiStepLR,
    "multiplicative": lr_scheduler.MultiplicativeLR,
    "one-cycle": lr_scheduler.OneCycleLR,
    "polynomial": lr_scheduler.PolynomialLR,
    "step": lr_scheduler.StepLR,
    "warmup-cosine": warmup_cosine,
    "warmup-linear": warmup_linear,
}


def _bare(name: str) -> str:
    """A name without case, hyphens and the LR at its end: CosineAnnealingLR is cosineannealing."""
    return "".join(filter(str.isalnum, name.lower())).removesuffix("lr")


_SPELLINGS = {
    spelling: kind
    for name, kind in _NAMES.items()
    for spelling in (_bare(name), _bare(kind.__name__))
}


def build_schedulers(
    scheduler: Scheduler, options: Mapping[str, Any], optimizer: Optimizer, total: int
) -> list[Any]:
    """A scheduler for each group of `optimizer`, to be stepped `total` times.

    Args:
        scheduler: a name, a class, or a function of the optimizer or of `share=`.
        options: its further arguments; lengths and rates that it needs are filled in.
        optimizer: its groups may have a rate each.
        total: how often the schedulers are stepped.

    Raises:
        InputError: an unknown name, options it does not take, or what is no scheduler.
    """
    build = _builder(scheduler, options, total)
    if len(optimizer.param_groups) == 1:
        return [build(optimizer)]
    built = []
    for group in optimizer.param_groups:
        own = copy(optimizer)
        own.param_groups = [group]  # the very group, into which the scheduler writes
        built.append(build(own))
        vars(own)["_opt_called"] = True  # all step as one, which a scheduler asks
    return built


def _builder(
    scheduler: Scheduler, options: Mapping[str, Any], total: int
) -> Callable[[Optimizer], Any]:
    kind: Any = _SPELLINGS.get(_bare(scheduler)) if isinstance(scheduler, str) else scheduler
    if kind is None:
        otherwise = "pass one of these, a class of torch.optim.lr_scheduler, or a function"
        raise unknown_name(scheduler, _NAMES, what="a scheduler", otherwise=otherwise)
    if isinstance(kind, lr_scheduler.LRScheduler) or not callable(kind):
        raise InputError(
            expected="a scheduler by name, by class or by function",
            got=f"one that is made already, a {type(kind).__name__}"
            if isinstance(kind, lr_scheduler.LRScheduler)
            else repr(kind),
            cure='pass scheduler="cosine", or partial(StepLR, step_size=100), which makes one for '
            "the optimizer of each replica",
        )
    if kind is lr_scheduler.ReduceLROnPlateau:
        raise InputError(
            expected="a scheduler that is stepped without a measurement",
            got="ReduceLROnPlateau, which wants the loss",
            cure='decide on the decay beforehand: scheduler="step" or "cosine"',
        )
    if not isinstance(kind, type) and "share" in _parameters(kind):

        def of_share(step: int) -> float:
            return float(kind(share=step / total, **options))

        return lambda optimizer: lr_scheduler.LambdaLR(optimizer, of_share)

    def build(optimizer: Optimizer) -> Any:  # noqa: ANN401 - as its owner types it
        named = isinstance(scheduler, str) or isinstance(kind, type)
        filled = _filled(kind, options, optimizer, total) if named else {}
        try:
            made = kind(optimizer, **filled, **options)
        except (TypeError, ValueError, KeyError, AttributeError, ZeroDivisionError) as error:
            raise InputError(
                expected=f"scheduler_options that {getattr(kind, '__name__', kind)} takes",
                got=f"{dict(options)} ({first_line(error)})",
                cure="see its page in the reference of torch.optim.lr_scheduler",
            ) from error
        if getattr(made, "optimizer", None) is not optimizer or not callable(made.step):
            raise InputError(
                expected="a function that makes a scheduler for the optimizer it is given",
                got=f"one that gives {type(made).__name__}",
                cure="write scheduler=lambda optimizer: StepLR(optimizer, step_size=100), or a "
                "function of share=, the share of the steps done, that gives a factor",
            )
        return made

    return build


def _filled(
    kind: Callable[..., Any], options: Mapping[str, Any], optimizer: Optimizer, total: int
) -> dict[str, Any]:
    """The lengths and the rate that a scheduler wants and `options` leave open."""
    wanted = _parameters(kind)
    filled: dict[str, Any] = {}
    if "T_max" in wanted:
        filled["T_max"] = total
    if "total_steps" in wanted and not options.keys() & {"epochs", "steps_per_epoch"}:
        filled["total_steps"] = total
    if "total_iters" in wanted and kind is not lr_scheduler.ConstantLR:
        filled["total_iters"] = total
    if "max_lr" in wanted:
        filled["max_lr"] = optimizer.param_groups[0]["lr"]
    return {name: value for name, value in filled.items() if name not in options}


def _parameters(function: Callable[..., Any]) -> Mapping[str, object]:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # it has none that can be read
        return {}
