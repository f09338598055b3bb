import torch


class Adam:
    """w ← w − η m̂ / (√v̂ + ε), from running means of g and of g².

    m ← β₁ m + (1 − β₁) g and v ← β₂ v + (1 − β₂) g² start at 0. After t
    steps of w they are too small by the factors 1 − β₁ᵗ and 1 − β₂ᵗ, so they
    are divided by these: m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ).
    """

    def __init__(self, parameters, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
        self.parameters = list(parameters)
        self.m = [torch.zeros_like(w) for w in self.parameters]
        self.v = [torch.zeros_like(w) for w in self.parameters]
        self.t = [0 for w in self.parameters]
        self.lr, self.betas, self.eps = lr, betas, eps

    def zero_grad(self):
        for w in self.parameters:
            w.grad = None

    @torch.no_grad()
    def step(self):
        b1, b2 = self.betas
        for i, w in enumerate(self.parameters):
            if w.grad is None:  # frozen for now: its t stands still
                continue
            self.t[i] += 1
            self.m[i].mul_(b1).add_((1 - b1) * w.grad)
            self.v[i].mul_(b2).add_((1 - b2) * w.grad**2)
            m_hat = self.m[i] / (1 - b1 ** self.t[i])
            v_hat = self.v[i] / (1 - b2 ** self.t[i])
            w -= self.lr * m_hat / (v_hat.sqrt() + self.eps)
