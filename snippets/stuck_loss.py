import numpy as np


def flat(losses, within=0.1):
    """Whether the last hundred losses stay at that of guessing, (…)."""
    last = losses[..., -100:]
    near = np.abs(last.mean(axis=-1) - np.log(10)) < within
    return near & (last.std(axis=-1) < within)


def falls(losses):
    """Whether the last ten losses are well below that of guessing, (…)."""
    return losses[..., -10:].mean(axis=-1) < np.log(10) - 0.2
