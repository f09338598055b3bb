import torch
from torch import nn


class Block(nn.Module):
    """Attention, then two layers; layer norm first in each branch, or last."""

    def __init__(self, width, norm_first):
        super().__init__()
        self.norm_first = norm_first
        self.mix = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        for layer in (self.mix, self.out, self.up, self.down):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def attend(self, x):
        q, k, v = self.mix(x).chunk(3, -1)
        return self.out((q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v)

    def feed(self, x):
        return self.down(torch.relu(self.up(x)))

    def forward(self, x):
        for norm, branch in zip(self.norms, (self.attend, self.feed), strict=True):
            x = x + branch(norm(x)) if self.norm_first else norm(x + branch(x))
        return x


class Transformer(nn.Module):
    """Reads a digit as eight rows of eight pixels."""

    def __init__(self, norm_first, layers=8, width=16, **_seed):
        super().__init__()
        self.embed = nn.Linear(8, width)
        self.place = nn.Parameter(0.1 * torch.randn(8, width))
        blocks = [Block(width, norm_first) for _ in range(layers)]
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.LayerNorm(width) if norm_first else nn.Identity()
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        z = self.embed(x.reshape(-1, 8, 8)) + self.place
        return self.head(self.last(self.blocks(z)).mean(1))
