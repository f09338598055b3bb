import numpy as np

from dlfaq import fit_many, seeds


def arms(powers):
    """Optimisers, each at rates around one that suits it.

    They are that rate times 10 to half of each of `powers`.
    """
    scale = 10 ** (np.array(powers) / 2)
    return {
        "SGD": {"lr": scale},
        "SGD, clipped": {"lr": scale, "clip": 1.0},
        "SGD with momentum": {"lr": 0.1 * scale, "options": {"momentum": 0.9}},
        "Adam": {"lr": 0.01 * scale, "optimizer": "adam"},
    }


def sweep(data, some, *, replicas=8, **network):
    """The history of each arm, (rates, replicas, ...)."""
    parts = ["validation", "test"]
    given = {"seeds": seeds(replicas), "parts": parts, **network}
    return {name: fit_many(data, **arm, **given) for name, arm in some.items()}


def best(history):
    """The place of the best rate on validation data."""
    return history.final_accuracy("validation").mean(axis=1).argmax()


def span(history):
    """Decades of rates that reach the best one's mean less five points."""
    enough = history.accuracy[best(history)].mean() - 0.05
    return (history.accuracy > enough).sum(axis=0) / 2
