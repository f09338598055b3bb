import torch

from dlfaq import mlp


def small_net(sizes, scale, seed):
    """A tanh network with LeCun's weights times a scale, biases 0."""
    net = mlp(sizes, activation="tanh", init="lecun", seed=seed)
    with torch.no_grad():
        for p in net.parameters():
            p *= scale
    return net
