from torch import nn

from dlfaq import mlp


class Coded(nn.Module):
    """A network whose target for class c is the codeword codes[c], (classes, k).

    It answers minus the squared distances of its k outputs to all codewords,
    (n, classes): the largest is the nearest codeword.
    """

    def __init__(self, net, codes):
        super().__init__()
        self.net = net
        self.register_buffer("codes", codes)

    def forward(self, x):
        return -(self.net(x)[:, None, :] - self.codes).square().sum(-1)


def coded(hidden, codes, *, seed):
    return Coded(mlp([*hidden, codes.shape[1]], seed=seed), codes)


def squared_error(answers, labels):
    """Squared distance of the outputs to the codeword of the right class."""
    return -answers.gather(1, labels[:, None]).squeeze(1)
