import torch
from torch.nn.functional import cross_entropy

TEMPERATURES = 0.5 * 1.15 ** torch.arange(40)


@torch.no_grad()
def tempered(model, data):
    """Validation and test loss at the temperature that suits validation."""
    held, tested = data.validation, data.test
    z = model(held.x)
    losses = torch.stack([cross_entropy(z / t, held.y) for t in TEMPERATURES])
    best = TEMPERATURES[losses.argmin()]
    test = cross_entropy(model(tested.x) / best, tested.y)
    return losses.min().item(), test.item()
