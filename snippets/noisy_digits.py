import torch

from dlfaq import Dataset, Examples, digits

REDRAWN = 0.2  # of the labels


def noisy_digits(*, seed):
    """200 training digits; a fifth of them, and of validation, relabelled.

    The new label is drawn from all ten, so one in ten of these stays right.
    """
    data, draw = digits(seed=seed), torch.Generator().manual_seed(seed)

    def spoil(x, y):
        chosen = torch.rand(len(y), generator=draw) < REDRAWN
        drawn = torch.randint(10, (len(y),), generator=draw)
        return Examples(x, torch.where(chosen, drawn, y))

    train = spoil(data.train.x[:200], data.train.y[:200])
    return Dataset(train, spoil(*data.validation), data.test)
