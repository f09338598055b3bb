"""PyTorch's losses by name, and targets for them: nobody brings labels to an account of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor, nn

from dlfaq.errors import InputError
from dlfaq.training.names import unknown_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["CLASSES", "arguments_of", "loss_by_name", "plain_name"]

CLASSES = ("crossentropy", "nll", "multimargin", "nllloss2d")
"""Losses whose targets are classes, one for all numbers along the second dimension."""

_PAIRS = ("cosineembedding", "marginranking")
_TRIPLES = ("tripletmargin", "tripletmarginwithdistance")
_ELSE = ("ctc", "linearcrossentropy")  # take more than outputs and labels
_NO_LOSS_IN_NAME = (
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "kl_div",
)


def plain_name(name: str) -> str:
    """What `F.mse_loss`, "nn.MSELoss" and "mse" have in common: "mse"."""
    plain = name.rpartition(".")[2].lower().replace("_", "").replace("-", "").replace(" ", "")
    return plain.removesuffix("loss") or plain


def loss_by_name(name: str) -> Callable[..., Tensor]:
    """The function or the module that a name of torch.nn.functional or torch.nn stands for.

    Raises:
        InputError: none has that name.
    """
    functions = {n: f for n, f in vars(F).items() if n.endswith("_loss") or n in _NO_LOSS_IN_NAME}
    modules = {
        n: kind
        for n, kind in vars(nn).items()
        if isinstance(kind, type) and issubclass(kind, nn.modules.loss._Loss)  # noqa: SLF001
    }
    known = {plain_name(n): n for n in [*modules, *sorted(functions)]}
    found = known.get(plain_name(name))
    if found is None:
        names = [*functions, *modules]
        otherwise = "pass one of these, a module, or a function of the outputs"
        raise unknown_name(name, names, what="a loss", otherwise=otherwise)
    loss: Callable[..., Tensor] = functions[found] if found in functions else modules[found]()
    return loss


def arguments_of(
    name: str, outputs: Sequence[Tensor], target: Callable[..., Tensor]
) -> list[list[Tensor]]:
    """What a loss is called with, a list for each call; the calls' results are summed.

    Args:
        name: of a loss of PyTorch, plain.
        outputs: of the model.
        target: makes a target of a shape and a type.

    Raises:
        InputError: it takes other outputs than these.
    """
    if name in _ELSE:
        raise InputError(
            expected="a loss of outputs and labels",
            got=f"{name}, which takes more",
            cure="pass loss=, a function of the outputs that gives it the rest",
        )
    for group, n in ((_PAIRS, 2), (_TRIPLES, 3), (("gaussiannll",), 2)):
        if name in group and len(outputs) != n:
            raise InputError(
                expected=f"a model with {n} outputs for the loss {name}",
                got=str(len(outputs)),
                cure="pass loss=, a function of the outputs",
            )
    first = outputs[0]
    if name in _TRIPLES:
        return [list(outputs)]
    if name in _PAIRS:
        return [[*outputs, target(first.shape[:1], first.dtype)]]
    if name == "gaussiannll":
        return [[first, target(first.shape, first.dtype), outputs[1]]]
    if name in CLASSES:
        return [[x, target(_without_classes(x), torch.int64)] for x in outputs]
    whole = torch.int64 if name == "multilabelmargin" else None
    return [[x, target(x.shape, whole or x.dtype)] for x in outputs]


def _without_classes(outputs: Tensor) -> tuple[int, ...]:
    """The shape of the labels: (batch, classes, …) has one for each (batch, …)."""
    return (*outputs.shape[:1], *outputs.shape[2:]) if outputs.dim() > 1 else ()
