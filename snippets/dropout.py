import torch


class Dropout:
    """y = x ⊙ k / (1 − p), each k being 0 with probability p, else 1.

    In evaluation y = x. The division by 1 − p gives both the same mean.
    """

    def __init__(self, p=0.5):
        self.p = p  # 0 ≤ p < 1
        self.training = True

    def forward(self, x):
        self.scale = torch.ones_like(x)
        if self.training:
            self.scale.bernoulli_(1 - self.p).div_(1 - self.p)
        return x * self.scale

    def backward(self, gradient):
        """From ∂L/∂y to ∂L/∂x, through the units that were kept."""
        return gradient * self.scale
