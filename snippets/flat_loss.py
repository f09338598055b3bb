from torch.nn.functional import cross_entropy
from torch.nn.utils import parameters_to_vector, vector_to_parameters


class FlatLoss:
    """The loss of a network as a function of all its weights in one list."""

    def __init__(self, net, x, y):
        self.net, self.x, self.y = net.double(), x.double(), y
        self.start = parameters_to_vector(net.parameters()).detach()

    def __call__(self, w, part=slice(None)):
        vector_to_parameters(w, self.net.parameters())
        return cross_entropy(self.net(self.x[part]), self.y[part])

    def gradient(self, w, part=slice(None)):
        """The slope along each weight, (p,), over a part of the examples."""
        self.net.zero_grad()
        self(w, part).backward()
        return parameters_to_vector([p.grad for p in self.net.parameters()])
