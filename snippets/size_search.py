from itertools import combinations

import numpy as np

from dlfaq import fit_many, seeds


def train_sizes(data, sizes, **training):
    """Accuracy of each size at each rate: validation and test.

    Both have the shape (networks, evaluations, runs), the rates of a size
    one after the other.
    """
    runs = [
        fit_many(
            data,
            sizes=units,
            optimizer="adam",
            batch_size=50,
            seeds=seeds(8),
            parts=["validation", "test"],
            **training,
        )
        for units in sizes
    ]
    return (
        np.concatenate([run.curves[part].accuracy for run in runs]).swapaxes(1, 2)
        for part in ("validation", "test")
    )


def best_of(networks, count, validation, test):
    """Test accuracy of the best of so many, over all ways to draw them."""
    picks = []
    for drawn in map(list, combinations(networks, count)):
        chosen = np.array(drawn)[validation[drawn].argmax(axis=0)]
        picks.append(np.take_along_axis(test, chosen[None], axis=0)[0])
    return np.mean(picks, axis=0)
