from itertools import combinations, product

import numpy as np

from dlfaq import fit_many, seeds


def train_sizes(data, inputs, widths, steps):
    """Accuracy of depth 1 to 3 at each width: two arrays (sizes, runs)."""
    validation, test = [], []
    for depth, width in product((1, 2, 3), widths):
        runs = fit_many(
            data,
            sizes=[inputs] + [width] * depth + [10],
            optimizer="adam",
            lr=0.003,
            steps=steps,
            batch_size=50,
            seeds=seeds(16),
        )
        validation.append(runs.final_accuracy("validation"))
        test.append(runs.accuracy)
    return np.array(validation), np.array(test)


def expected_regret(validation, test, trials):
    """Regret of the best of so many random sizes, averaged over all draws."""
    runs = np.arange(test.shape[1])
    regrets = []
    for sizes in combinations(range(len(test)), trials):
        drawn = np.array(sizes)
        chosen = drawn[validation[drawn].argmax(axis=0)]
        regrets.append(test.max(axis=0) - test[chosen, runs])
    return np.mean(regrets, axis=0)
