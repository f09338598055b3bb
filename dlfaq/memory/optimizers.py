"""The optimizers of a step: all of torch.optim by name, as PyTorch runs them on the device."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

from torch import Tensor, optim

from dlfaq.errors import DlfaqError, InputError, first_line
from dlfaq.memory.place import place
from dlfaq.training.names import unknown_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dlfaq.training.optimizers import Optimizer

__all__ = ["build", "name_of", "on_host", "optimizer_errors"]

_MATRIX = 2  # dimensions
_RATE = 1e-3  # of no consequence for memory


def build(
    optimizer: Optimizer, options: Mapping[str, Any], parameters: Sequence[Tensor], device: str
) -> list[optim.Optimizer]:
    """The optimizers over these parameters: one, or two where one takes matrices alone.

    Args:
        optimizer: a name of torch.optim in any case ("adam", "SparseAdam", "sparse_adam"), a class,
            or a function of (parameters, lr=…).
        options: its own.
        parameters: what it is to change.
        device: as whose it steps, "cuda" or "cpu".

    Raises:
        InputError: it has no such name, is none, or does not take the options or the parameters.
    """
    kind = _kind(optimizer) if isinstance(optimizer, str) else optimizer
    muon = getattr(optim, "Muon", None)  # newer than the oldest PyTorch that the benches run on
    if kind is not muon or all(p.dim() == _MATRIX for p in parameters):
        return [_built(kind, options, parameters, device)]
    # As its documentation has it: a standard method for what is no matrix.
    matrices = [p for p in parameters if p.dim() == _MATRIX]
    others = [p for p in parameters if p.dim() != _MATRIX]
    made = [_built(muon, options, matrices, device)] if matrices else []
    return [*made, _built(optim.AdamW, {}, others, device)]


def name_of(optimizer: Optimizer) -> str:
    """The optimizer in a word."""
    if isinstance(optimizer, str):
        return optimizer
    inner = getattr(optimizer, "func", optimizer)  # of a partial
    return str(getattr(inner, "__name__", type(inner).__name__))


def _kind(name: str) -> type[optim.Optimizer]:
    kinds = {
        known.lower(): kind
        for known, kind in vars(optim).items()
        if isinstance(kind, type) and issubclass(kind, optim.Optimizer) and known != "Optimizer"
    }
    plain = name.rpartition(".")[2].lower().replace("_", "").replace("-", "").replace(" ", "")
    if plain not in kinds:
        otherwise = "pass one of these, a class of torch.optim, or a function of (parameters, lr=…)"
        raise unknown_name(name, kinds, what="an optimizer", otherwise=otherwise)
    return kinds[plain]


def _built(
    kind: Callable[..., Any], options: Mapping[str, Any], parameters: Sequence[Tensor], device: str
) -> optim.Optimizer:
    if not callable(kind):
        raise InputError(
            expected="an optimizer by name, by class or by function",
            got=f"a {type(kind).__name__}",
            cure='pass for example optimizer="adam", and its options as options={…}',
        )
    keywords = {"lr": _RATE, **options}
    try:
        made = kind(parameters, **keywords)
    except Exception as error:
        raise InputError(
            expected=f"options and parameters that {name_of(kind)} takes",
            got=f"{dict(options)} ({first_line(error)})",
            cure="see its page in the reference of torch.optim",
        ) from error
    if not isinstance(made, optim.Optimizer):
        raise InputError(
            expected="an optimizer by name, by class or by function",
            got=f"{name_of(kind)}, which gives a {type(made).__name__}",
            cure="write optimizer=lambda parameters, lr: torch.optim.SGD(parameters, lr=lr)",
        )
    for group in made.param_groups:
        # On a GPU one call for all tensors (`foreach`), with temporaries as large as the model; on
        # the CPU one tensor after another. Adafactor loops everywhere unless it is told.
        own = group.get("fused") or group.get("differentiable") or kind is _adafactor()
        if "foreach" in group and group["foreach"] is None and not own:
            group["foreach"] = device == "cuda"
    return made


def _adafactor() -> type[optim.Optimizer] | None:
    return getattr(optim, "Adafactor", None)


@contextmanager
def optimizer_errors(optimizer: optim.Optimizer, *, on_cuda: bool) -> Iterator[None]:
    """Let an optimizer step as on the device, and turn what stops it into an error that names it.

    Args:
        optimizer: whose step it is.
        on_cuda: its tensors stand for a GPU's, so it may be `capturable`.
    """
    name = type(optimizer).__name__
    try:
        with _capturable_anywhere(optimizer) if on_cuda else ExitStack():
            yield
    except DlfaqError:
        raise
    except Exception as error:
        cure = "pass another optimizer, other options, or a function of (parameters, lr=…)"
        if isinstance(optimizer, optim.SparseAdam):
            cure = "pass adam, or make every layer with weights nn.Embedding(sparse=True)"
        raise InputError(
            expected=f"a step of the optimizer {name} that runs on these gradients",
            got=f"{type(error).__name__}{place(error)}: {first_line(error)}",
            cure=cure,
        ) from error


@contextmanager
def _capturable_anywhere(optimizer: optim.Optimizer) -> Iterator[None]:
    """PyTorch looks whether the tensors are on a GPU; fake ones that stand for a GPU's are not."""
    module = sys.modules[type(optimizer).__module__]
    asked = "_get_capturable_supported_devices"
    with ExitStack() as stack:
        if hasattr(module, asked):
            stack.enter_context(mock.patch.object(module, asked, return_value=["cpu"]))
        yield


def on_host(made: Sequence[optim.Optimizer]) -> list[Tensor]:
    """The state that stays on the host when the parameters are on a GPU: counts of steps."""
    return [
        tensor
        for optimizer in made
        if not isinstance(optimizer, optim.ASGD | optim.LBFGS)  # all of theirs is on the GPU
        for group in optimizer.param_groups
        if not (group.get("fused") or group.get("capturable"))
        for parameter in group["params"]
        for tensor in optimizer.state[parameter].values()
        if isinstance(tensor, Tensor) and not tensor.dim()
    ]
