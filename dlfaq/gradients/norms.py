"""How large the gradients of a network are, layer by layer."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from dlfaq.errors import InputError
from dlfaq.seeding import generators_kept
from dlfaq.training.evaluation import cross_entropies

if TYPE_CHECKING:
    from dlfaq.training.evaluation import Loss
    from dlfaq.training.history import Floats

__all__ = ["GradientNorms", "gradient_norms"]


class GradientNorms(NamedTuple):
    """Norms by layer from the input on, (layers,) each.

    Attributes:
        weights: ‖∂L/∂W_l‖, Frobenius, of the mean loss over the examples.
        deltas: root mean square over the examples i of ‖δ_l‖ = ‖∂L_i/∂z_l‖, Euclidean, where L_i is
            the loss of example i and z_l are the pre-activations (the outputs of layer l before its
            activation).
    """

    weights: Floats
    deltas: Floats


def gradient_norms(
    model: nn.Module, x: Tensor, y: Tensor, *, loss: Loss = cross_entropies
) -> GradientNorms:
    """Norms of the weight gradients and of the deltas of each linear or convolutional layer.

    Deltas say whether a signal vanishes on its way back. Weight gradients also scale with the
    layer's inputs, ∂L/∂W_l = δ_l aᵀ_{l−1}, and so may shrink with nothing vanishing. The model
    stays as it is, its `.grad`, buffers and mode, and so does the random generator. Frozen layers
    count as if they were not; the deltas of a layer that is used twice are those of its last use,
    and one that does not run has NaN, as have weights that are computed in passing (weight norm).

    Args:
        model: maps x (n, …) to logits (n, classes), an example's from its own inputs alone.
        x: inputs.
        y: labels, (n,).
        loss: outputs and labels to one loss per example, (n,).

    Raises:
        InputError: the model has no such layer.

    Example:
        >>> norms = gradient_norms(mlp([64, 32, 32, 10]), *digits().train)
        >>> norms.deltas.shape
        (3,)
    """
    layers = [
        module
        for module in model.modules()
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d)
    ]
    if not layers:
        raise InputError(
            expected="a model with a linear or convolutional layer",
            got=type(model).__name__,
            cure="pass the model that holds the layers, such as an mlp",
        )
    seen: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def look(layer: nn.Module, _: object, z: Tensor) -> Tensor:
        seen[layer] = cast("Tensor", layer.weight), z
        return z.clone()  # for an activation in place, which would overwrite z

    # Copies that all require gradients: nothing of the model itself is touched.
    leaves = {p: p.detach().requires_grad_() for p in model.parameters()}
    state = {name: leaves[p] for name, p in model.named_parameters(remove_duplicate=False)}
    state |= {name: buffer.clone() for name, buffer in model.named_buffers()}
    with ExitStack() as undo:
        for layer in layers:
            undo.callback(layer.register_forward_hook(look).remove)
        undo.enter_context(generators_kept())
        undo.enter_context(torch.enable_grad())
        total = loss(functional_call(model, state, (x,)), y).sum()  # δ of an example is its own
    tensors = [tensor for layer in seen for tensor in seen[layer]]
    gradients = torch.autograd.grad(total, tensors, allow_unused=True)
    # In float64: the squares of what is left at depth 20 are below the range of float32.
    norms = [np.nan if g is None else g.double().norm().item() for g in gradients]
    found = dict(zip(seen, zip(norms[::2], norms[1::2], strict=True), strict=True))
    nowhere = (np.nan, np.nan)
    weights, deltas = np.array([found.get(layer, nowhere) for layer in layers]).T
    return GradientNorms(weights / len(y), deltas / np.sqrt(len(y)))
