"""Which units of a network are dead: zero on every example."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from torch import Tensor, nn

from dlfaq.activations.observation import forward_quietly, leaves
from dlfaq.errors import InputError
from dlfaq.training.models import Pointwise

if TYPE_CHECKING:
    from dlfaq.activations.observation import Layers

__all__ = ["dead_units"]

# What can be exactly 0 over a range of inputs, and so for ever.
_CAN_DIE = (nn.ReLU, nn.ReLU6, nn.Threshold, nn.Hardshrink, nn.Softshrink, Pointwise)


def dead_units(
    model: nn.Module, x: Tensor, *, layers: Layers = _CAN_DIE, axis: int = 1
) -> dict[str, Tensor]:
    """Which units of each activation layer are exactly 0 on every example of x.

    About half the outputs of a healthy ReLU layer are 0; a unit is dead if all of its outputs
    are. A ReLU unit that is dead on the whole training set gets a gradient of exactly 0.

    Args:
        model: runs in the mode that it is in; buffers stay as they are.
        x: the examples, (n, …).
        layers: types of the activation layers. Left out, those that can be 0 over a range of inputs
            (ReLU, ReLU6, Threshold, the shrinks), and functions in an `mlp`.
        axis: of the units in the outputs (n, units) or (n, channels, …); −1 for (n, time, units).

    Returns:
        By the layer's name, booleans, (units,). A channel is dead if it is 0 everywhere.

    Raises:
        InputError: no such layer, no example, outputs without units along the axis, or a unit that
            is NaN, which is neither alive nor dead.

    Example:
        >>> dead_units(mlp([64, 32, 10]), digits().train.x)["1"].float().mean()  # the share
        tensor(0.)
    """
    alive: dict[str, Tensor] = {}

    def look(name: str, output: object) -> None:
        dimensions = output.dim() if isinstance(output, Tensor) else 0
        if not isinstance(output, Tensor) or not -dimensions <= axis < dimensions > 1:
            raise InputError(
                expected=f"outputs (n, …) with units along axis {axis}",
                got=f"shape {tuple(output.shape)} from {name!r}"
                if isinstance(output, Tensor)
                else f"a {type(output).__name__} from {name!r}",
                cure="pass a batch of examples, and the axis of the units as axis=",
            )
        if not output.numel():
            raise InputError(
                expected="at least one example",
                got=f"none, shape {tuple(output.shape)} from {name!r}",
                cure="of no examples every unit would be dead",
            )
        by_unit = output.detach().movedim(axis, 0).flatten(1)
        if by_unit.isnan().any():
            raise InputError(
                expected="activations that are numbers",
                got=f"NaN in {int(by_unit.isnan().any(1).sum())} units of {name!r}",
                cure="count such a run as diverged: its units are neither alive nor dead",
            )
        used = (by_unit != 0).any(1)
        alive[name] = alive[name] | used if name in alive else used

    with ExitStack() as hooks:
        for name, layer in leaves(model, layers).items():
            hook = layer.register_forward_hook(lambda _, __, output, name=name: look(name, output))
            hooks.callback(hook.remove)
        forward_quietly(model, x)
    return {name: ~used for name, used in alive.items()}
