import torch


def forward_repaired(z):
    """Value 4σ(z) − 2, with the slope of σ."""
    back = torch.sigmoid(z)
    return 4 * back.detach() - 2 + back - back.detach()
