import torch


class Momentum:
    """Heavy ball: v ← μ v + g, then w ← w − η v. v starts at 0."""

    def __init__(self, parameters, lr, momentum=0.9):
        self.parameters = list(parameters)
        self.velocities = [torch.zeros_like(w) for w in self.parameters]
        self.lr, self.momentum = lr, momentum

    def zero_grad(self):
        for w in self.parameters:
            w.grad = None

    @torch.no_grad()
    def step(self):
        for w, v in zip(self.parameters, self.velocities, strict=True):
            if w.grad is not None:
                v.mul_(self.momentum).add_(w.grad)
                w -= self.lr * v
