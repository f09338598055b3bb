import torch
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy


def per_example(net, x, y):
    """The gradient of each example's loss, all weights in a row, (n, p)."""
    weights = {name: p.detach() for name, p in net.named_parameters()}

    def loss(weights, x, y):
        return cross_entropy(functional_call(net, weights, x[None]), y[None])

    gradients = vmap(grad(loss), (None, 0, 0))(weights, x, y)
    return torch.cat([g.flatten(1) for g in gradients.values()], 1)
