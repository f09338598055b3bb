from functools import cache, partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from torch.optim.lr_scheduler import ExponentialLR

from dlfaq import fit_many


def ramp(data, seeds, *, low=1e-3, high=10.0, steps=100, **network):
    """The rates of a range test, (steps,), and the losses, (replicas, steps)."""
    growth = (high / low) ** (1 / steps)
    losses = fit_many(
        data,
        lr=low,
        seeds=seeds,
        steps=steps,
        scheduler=partial(ExponentialLR, gamma=growth),
        parts=["test"],
        **network,
    ).batch_loss
    return low * growth ** np.arange(steps), losses


def lowest(rates, losses):
    """The rate where the mean of five losses in a row is lowest, (replicas,)."""
    finite = np.where(np.isfinite(losses), losses, 1e9)
    means = sliding_window_view(finite, 5, axis=-1).mean(axis=-1)
    return rates[means.argmin(axis=-1) + 2]


def trials(data, *, steps, **network):
    """What trains a network at shares of the rate that its range test found."""

    @cache  # arms of one replica share its range test
    def found(seed):
        return lowest(*ramp(data, [seed], **network))[0]

    def accuracy(seed, shares):
        """Test accuracy at that share which does best on validation data."""
        tried = fit_many(
            data,
            lr=[share * found(seed) for share in shares],
            seeds=[seed],
            steps=steps,
            parts=["validation", "test"],
            **network,
        )
        best = tried.final_accuracy("validation")[:, 0].argmax()
        return tried.accuracy[best, 0]

    return accuracy
