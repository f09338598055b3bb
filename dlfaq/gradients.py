"""How large the gradients of a network are, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from dlfaq.errors import InputError
from dlfaq.evaluation import cross_entropies

if TYPE_CHECKING:
    from dlfaq.evaluation import Loss
    from dlfaq.history import Floats

__all__ = ["GradientNorms", "gradient_norms"]


class GradientNorms(NamedTuple):
    """Norms by layer from the input on, (layers,) each.

    Attributes:
        weights: ‖∂L/∂W_l‖, Frobenius, of the mean loss over the examples.
        deltas: root mean square over the examples i of ‖δ_l‖ = ‖∂L_i/∂z_l‖, Euclidean, where L_i is
            the loss of example i and z_l
            are the pre-activations (the outputs of layer l before its activation).
    """

    weights: Floats
    deltas: Floats


def gradient_norms(
    model: nn.Module, x: Tensor, y: Tensor, *, loss: Loss = cross_entropies
) -> GradientNorms:
    """Norms of the weight gradients and of the deltas of each linear or convolutional layer.

    Deltas say whether a signal vanishes on its way back. Weight gradients also scale with the
    layer's inputs, ∂L/∂W_l = δ_l aᵀ_{l−1}, and so may shrink with nothing vanishing. The model's
    own `.grad` and mode stay as they are; a layer that is used twice counts its last use.

    Args:
        model: maps x (n, …) to logits (n, classes), an example's from its own inputs alone.
        x: inputs.
        y: labels, (n,).
        loss: outputs and labels to one loss an example, (n,).

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
    seen: dict[nn.Module, Tensor] = {}
    hooks = [layer.register_forward_hook(lambda m, _, z: seen.update({m: z})) for layer in layers]
    try:
        total = loss(model(x), y).sum()  # the sum: δ of an example is then its own
    finally:
        for hook in hooks:
            hook.remove()
    weights = [layer.weight for layer in layers]
    gradients = torch.autograd.grad(total, [*weights, *(seen[layer] for layer in layers)])
    n = len(y)
    # In float64: the squares of what is left at depth 20 are below the range of float32.
    norms = np.array([gradient.double().norm().item() for gradient in gradients])
    return GradientNorms(norms[: len(layers)] / n, norms[len(layers) :] / np.sqrt(n))
