import numpy as np
import torch
from torch.nn.functional import cross_entropy, one_hot

from dlfaq import digits, mlp, seeds

SIZES = [64, 32, 32, 10]
EXAMPLES = 200


def outputs(weights, x):
    """Of tanh networks stacked along the first axis."""
    for w, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = torch.baddbmm(b[:, None], x, w.mT).tanh()
    return torch.baddbmm(weights[-1][:, None], x, weights[-2].mT)


def along(tensor, per_net):
    """One number a network, shaped so that it multiplies `tensor`."""
    return per_net.view(-1, *[1] * (tensor.ndim - 1))


def sharpness(losses, weights, v):
    """Of each network, (networks,), by power steps; and the directions."""
    slopes = torch.autograd.grad(losses.sum(), weights, create_graph=True)
    for _ in range(25):
        length = sum(a.flatten(1).square().sum(1) for a in v).sqrt()
        unit = [a / along(a, length) for a in v]
        slope = sum((g * a).sum() for g, a in zip(slopes, unit, strict=True))
        v = torch.autograd.grad(slope, weights, retain_graph=True)
    pairs = zip(unit, v, strict=True)
    return sum((a * h).flatten(1).sum(1) for a, h in pairs), v


def descend(rates, steps, loss="squared", replicas=8, every=50):
    """Full-batch descent on 200 digits, all networks at once.

    Sharpness, training loss and test accuracy, each (looks, rates, replicas).
    """
    sets = [digits(seed=seed) for seed in seeds(replicas)]

    def stacked(tensors):  # rate by rate, replica by replica
        tensors = torch.stack(list(tensors))
        return tensors.repeat(len(rates), *[1] * (tensors.ndim - 1))

    x, y, test_x, test_y = [
        stacked(getattr(getattr(data, part), which)[:count] for data in sets)
        for part, count in (("train", EXAMPLES), ("test", None))
        for which in ("x", "y")
    ]
    nets = [mlp(SIZES, activation="tanh", seed=s) for s in seeds(replicas)]
    copies = zip(*[net.parameters() for net in nets], strict=True)
    weights = [stacked(same).detach().requires_grad_() for same in copies]
    eta = torch.tensor(rates).repeat_interleave(replicas)
    draw = torch.Generator().manual_seed(seeds(1)[0])
    v = [torch.randn(w.shape, generator=draw) for w in weights]

    def losses():
        out = outputs(weights, x)
        if loss == "squared":
            return (out - one_hot(y, 10)).square().sum(-1).mean(1)
        return cross_entropy(out.mT, y, reduction="none").mean(1)

    looks = []
    for step in range(steps + 1):
        if step % every == 0:
            found, v = sharpness(losses(), weights, v)
            with torch.no_grad():
                hits = outputs(weights, test_x).argmax(-1) == test_y
                seen = found, losses(), hits.float().mean(1)
            looks.append([s.detach().view(len(rates), -1) for s in seen])
        gradients = torch.autograd.grad(losses().sum(), weights)
        with torch.no_grad():
            for w, g in zip(weights, gradients, strict=True):
                w -= along(w, eta) * g
    return [torch.stack(part).numpy() for part in zip(*looks, strict=True)]


def first_below(target, loss, values):
    """The values when the loss is first below the target, NaN if never."""
    below = loss < target
    found = np.take_along_axis(values, below.argmax(0)[None], axis=0)[0]
    return np.where(below.any(0), found, np.nan)
