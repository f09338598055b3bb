import torch


class Adam:
    """w ← w − η m̂ / (√v̂ + ε), from running means of g and of g².

    m ← β₁ m + (1 − β₁) g and v ← β₂ v + (1 − β₂) g² start at 0. After t
    steps they are too small by the factors 1 − β₁ᵗ and 1 − β₂ᵗ, so they are
    divided by these: m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ).
    """

    def __init__(self, parameters, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
        self.parameters = list(parameters)
        self.m = [torch.zeros_like(w) for w in self.parameters]
        self.v = [torch.zeros_like(w) for w in self.parameters]
        self.lr, self.betas, self.eps, self.t = lr, betas, eps, 0

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
            m.mul_(b1).add_((1 - b1) * w.grad)
            v.mul_(b2).add_((1 - b2) * w.grad**2)
            m_hat = m / (1 - b1**self.t)
            v_hat = v / (1 - b2**self.t)
            w -= self.lr * m_hat / (v_hat.sqrt() + self.eps)
