from dataclasses import replace

import torch


def noisy_labels(data, share=0.2, parts=("train", "validation"), *, seed):
    """`data` with that share of the labels of these parts drawn anew.

    They are drawn from all classes, so that some of them stay right.
    """
    clean = data(seed=seed)
    draws = torch.Generator().manual_seed(seed)

    def redrawn(part):
        chosen = torch.rand(len(part.y), generator=draws) < share
        fresh = torch.randint(clean.classes, part.y.shape, generator=draws)
        return part._replace(y=torch.where(chosen, fresh, part.y))

    noisy = {name: redrawn(getattr(clean, name)) for name in parts}
    return replace(clean, **noisy)
