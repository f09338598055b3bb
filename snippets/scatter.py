from dataclasses import replace
from functools import partial

import torch

from dlfaq import fit_many, mlp, seeds


def part_of(data, number, count, *, seed):
    """The first `count` training examples of `data`, or the second."""
    whole = data(seed=seed)
    x, y = whole.train
    some = slice(count * number, count * number + count)
    return replace(whole, train=whole.train._replace(x=x[some], y=y[some]))


def fresh_network(sizes, number, *, seed):
    return mlp(sizes, seed=seed + 32 * number)


def scatter(data, sizes, steps, count=500, options=None):
    """Half the squared distance of two networks' probabilities, (8,).

    They share no training example and no initial weight, so that this is
    on average the variance, summed over the classes. By AdamW.
    """
    said = []
    for number in (0, 1):
        runs = fit_many(
            partial(part_of, data, number, count),
            model=partial(fresh_network, sizes, number),
            optimizer="adamw",
            options=options or {"weight_decay": 0.0},
            lr=0.003,
            steps=steps,
            batch_size=50,
            seeds=seeds(8),
            parts=["test"],
        )
        with torch.no_grad():
            outputs = []
            for replica, seed in enumerate(seeds(8)):
                model, test = runs.model(replica), data(seed=seed).test
                outputs.append(model(test.x))
        said.append(torch.stack(outputs).softmax(-1))
    return ((said[0] - said[1]) ** 2).sum(-1).mean(1).numpy() / 2
