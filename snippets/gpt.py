from torch import nn


class GPT(nn.Module):
    """A language model of GPT-2's shape: tokens (n, length) to logits.

    The sizes left out are those of the small one. The output layer shares
    its weights with the word embedding. Logits are (n · length, words).
    """

    def __init__(self, layers=12, width=768, heads=12, words=50_257):
        super().__init__()
        self.words = nn.Embedding(words, width)
        self.places = nn.Embedding(1024, width)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, heads, 4 * width, 0.0, "gelu",
                batch_first=True, norm_first=True,
            )
            for _ in range(layers)
        )  # fmt: skip
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens):
        n = tokens.shape[1]
        h = self.words(tokens) + self.places.weight[:n]
        later = nn.Transformer.generate_square_subsequent_mask(n)
        for block in self.blocks:
            h = block(h, later, is_causal=True)
        return (self.norm(h) @ self.words.weight.T).flatten(0, 1)
