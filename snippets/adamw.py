class AdamW(Adam):
    """w ← w − η λ w − η m̂ / (√v̂ + ε): Adam's step and a decay beside it.

    The decay takes no part in m̂ and v̂, so no weight's decay is divided
    by √v̂.
    """

    def __init__(self, parameters, lr=0.001, *, weight_decay=0.01, **options):
        super().__init__(parameters, lr, **options)
        self.weight_decay = weight_decay

    @torch.no_grad()
    def step(self):
        for w in self.parameters:
            if w.grad is not None:
                w -= self.lr * self.weight_decay * w
        super().step()
