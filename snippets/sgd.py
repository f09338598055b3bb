import torch


class SGD:
    """Stochastic gradient descent: w ← w − η g, with g as it is in .grad."""

    def __init__(self, parameters, lr):
        self.parameters = list(parameters)
        self.lr = lr

    def zero_grad(self):
        for w in self.parameters:
            w.grad = None

    @torch.no_grad()
    def step(self):
        for w in self.parameters:
            if w.grad is not None:
                w -= self.lr * w.grad  # reads .grad, does not write it
