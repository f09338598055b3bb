from math import prod

import torch
from torch import nn


def strided(shape, filters, kernel=3, *, seed):
    """A convolution with stride 2 per number of filters, a linear layer.

    The first kernel has size `kernel`, the others 3. Each is padded by half
    its size, so that it halves the sides of an image of `shape` (14, 14), or
    the length of a signal (40,), rounded up. Weights are PyTorch's default,
    drawn by its generator, which `fit_many` seeds: `seed` has done its work.
    """
    del seed
    convolution = {1: nn.Conv1d, 2: nn.Conv2d}[len(shape)]
    layers, channels = [nn.Unflatten(1, (1, *shape))], 1
    for number in filters:
        layer = convolution(channels, number, kernel, 2, padding=kernel // 2)
        layers += [layer, nn.ReLU()]
        channels, kernel = number, 3
    layers.append(nn.Flatten())
    with torch.no_grad():
        width = nn.Sequential(*layers)(torch.zeros(1, prod(shape))).shape[1]
    return nn.Sequential(*layers, nn.Linear(width, 10))
