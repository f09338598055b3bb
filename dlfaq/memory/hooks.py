"""Hooks on parameters, which no copy of a model keeps: carried over, or refused in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlfaq.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["carry_all_hooks", "carry_hooks"]


def carry_all_hooks(model: nn.Module, copied: nn.Module) -> None:
    """Give the parameters of a copy the hooks of the model's.

    Raises:
        InputError: one steps an optimizer, perhaps: it runs once the gradient is accumulated.
    """
    for parameter, copy in zip(model.parameters(), copied.parameters(), strict=True):
        if getattr(parameter, "_post_accumulate_grad_hooks", None):
            raise InputError(
                expected="parameters whose hooks change their gradients alone",
                got=f"{type(model).__name__} with register_post_accumulate_grad_hook",
                cure="take the hook out, and pass optimizer_in_backward=True if it steps an "
                "optimizer (--optimizer-in-backward on the command line)",
            )
        carry_hooks(parameter, copy)


def carry_hooks(parameter: Tensor, copy: Tensor) -> None:
    """Those of `register_hook`, which take a gradient and may give another."""
    for hook in (parameter._backward_hooks or {}).values():  # noqa: SLF001 - it has no other name
        copy.register_hook(hook)
