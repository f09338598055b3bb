import torch


class AdamW:
    """w ← w − η λ w − η m̂ / (√v̂ + ε): Adam's step and a decay beside it.

    m̂ and v̂ are Adam's corrected running means of g and of g². The decay
    takes no part in them, so no weight's decay is divided by √v̂.
    """

    def __init__(
        self,
        parameters,
        lr=0.001,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.01,
    ):
        self.parameters = list(parameters)
        self.m = [torch.zeros_like(w) for w in self.parameters]
        self.v = [torch.zeros_like(w) for w in self.parameters]
        self.lr, self.betas, self.eps, self.t = lr, betas, eps, 0
        self.weight_decay = weight_decay

    def zero_grad(self):
        for w in self.parameters:
            w.grad = None

    @torch.no_grad()
    def step(self):
        self.t += 1
        b1, b2 = self.betas
        for w, m, v in zip(self.parameters, self.m, self.v, strict=True):
            if w.grad is None:
                continue
            w -= self.lr * self.weight_decay * w
            m.mul_(b1).add_((1 - b1) * w.grad)
            v.mul_(b2).add_((1 - b2) * w.grad**2)
            m_hat = m / (1 - b1**self.t)
            v_hat = v / (1 - b2**self.t)
            w -= self.lr * m_hat / (v_hat.sqrt() + self.eps)
