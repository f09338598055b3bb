from dataclasses import replace

import torch


def noisy_labels(data, seed, share=0.2):
    """The data with a share of the training labels drawn at random."""
    clean = data(seed=seed)
    draws = torch.Generator().manual_seed(seed)
    y = clean.train.y.clone()
    wrong = torch.rand(len(y), generator=draws) < share
    y[wrong] = torch.randint(10, (len(y),), generator=draws)[wrong]
    return replace(clean, train=clean.train._replace(y=y))
