import torch

BACKWARD = {
    "right": lambda g, y: g * (1 - y**2),
    "a factor": lambda g, y: g * (1 - y**2) / 2,
    "a sign": lambda g, y: g * (1 + y**2),
    "a term": lambda g, _: g,
}


def tanh_with(backward):
    """The function tanh with one of these backward passes."""

    class Tanh(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            y = z.tanh()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            (y,) = ctx.saved_tensors
            return backward(g, y)

    return Tanh.apply
