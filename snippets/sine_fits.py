from itertools import pairwise
from types import SimpleNamespace

import torch

from dlfaq import seeds

GRID = torch.linspace(-1, 1, 100).expand(1, 1, 100)


def sine_sets(n, sets, *, redrawn, noise, most=120):
    """Noisy sines, x and y (16 · sets, 1, n): the first n of `most` points.

    If `redrawn`, the sets of a replica are its first one with n points
    drawn from it again, with repetitions.
    """
    drawn = []
    for seed in seeds(16):
        draw = torch.Generator().manual_seed(seed)
        x = torch.rand(sets, 1, most, generator=draw) * 2 - 1
        noisy = noise * torch.randn(sets, 1, most, generator=draw)
        pairs = torch.stack([x, torch.sin(3 * x) + noisy])[..., :n]
        if redrawn:
            chosen = torch.randint(n, (sets, n), generator=draw)
            pairs = pairs[:, 0, 0, chosen][:, :, None]
        drawn.append(pairs)
    return torch.cat(drawn, 1)


def default_weights(sizes, nets, draw):
    """PyTorch's default weights and biases, a layer after the other."""
    made = []
    for inputs, outputs in pairwise(sizes):
        for columns in (inputs, 1):
            uniform = torch.rand(nets, outputs, columns, generator=draw)
            made.append((uniform * 2 - 1) / inputs**0.5)
    return made


def forward(parameters, x, drop=0.0, draw=None):
    """The outputs, what each layer receives, and dropout's factors."""
    received, factors = [x.expand(len(parameters[0]), -1, -1)], []
    hidden = parameters[:-2]
    for weight, bias in zip(hidden[::2], hidden[1::2], strict=True):
        h = torch.baddbmm(bias, weight, received[-1]).tanh_()
        if drop:
            kept = (torch.rand(h.shape, generator=draw) >= drop) / (1 - drop)
            factors.append((h, kept))
            h = h * kept
        received.append(h)
    *_, weight, bias = parameters
    return torch.baddbmm(bias, weight, received[-1]), received, factors


def backward(parameters, error, received, factors):
    """Give each parameter its gradient; `received` is used up."""
    for layer in reversed(range(len(received))):
        parameters[2 * layer].grad = error @ received[layer].mT
        parameters[2 * layer + 1].grad = error.sum(2, keepdim=True)
        if layer:
            error = parameters[2 * layer].mT @ error
            h = received[layer]
            if factors:
                h, kept = factors[layer - 1]
                error *= kept
            error *= h.square_().neg_().add_(1)  # the slope of tanh


def sine_fits(
    sizes,
    steps,
    *,
    n=30,
    sets=8,
    redrawn=False,
    noise=0.3,
    drop=0.0,
    decay=0.0,
):
    """Fit a tanh network to each data set by AdamW, full batch.

    Gives bias², variance and training error after each of `steps`, as
    arrays (16, len(steps)): a replica is so many `sets` of n points, each
    fitted from initial weights of its own. Backpropagation is written out,
    since it is some three times as fast so.
    """
    x, y = sine_sets(n, sets, redrawn=redrawn, noise=noise)
    draw = torch.Generator().manual_seed(seeds(1)[0])
    parameters = default_weights(sizes, len(x), draw)
    options = {"lr": 0.01, "weight_decay": decay}
    adam = torch.optim.AdamW(parameters, fused=True, **options)
    rows = []
    for step in range(1, max(steps) + 1):
        fits, received, factors = forward(parameters, x, drop, draw)
        backward(parameters, (fits - y) * (2 / n), received, factors)
        adam.step()
        if step in steps:
            rows.append(split_error(parameters, x, y))
    parts = {
        part: torch.stack([row[part] for row in rows], 1).numpy()
        for part in ("bias", "variance", "training")
    }
    return SimpleNamespace(**parts)


def split_error(parameters, x, y):
    """Of each replica's fits: bias², variance, and their training error.

    The mean of k fits is off by bias and by chance; the second is a k-th
    part of the variance, and is taken off.
    """
    fits = forward(parameters, GRID)[0].double().view(16, -1, 100)
    variance = fits.var(1).mean(1)
    off = (fits.mean(1) - torch.sin(3 * GRID[0]).double()).square().mean(1)
    training = (forward(parameters, x)[0] - y).double().square()
    return {
        "bias": off - variance / fits.shape[1],
        "variance": variance,
        "training": training.mean((1, 2)).view(16, -1).mean(1),
    }
