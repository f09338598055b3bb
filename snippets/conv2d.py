from torch.nn.functional import fold, unfold


def conv2d(x, weight, bias, stride=1, padding=0):
    """y[o, r, q] = b[o] + Σ W[o, c, i, j] x[c, s r + i − p, s q + j − p].

    x (n, c, h, w), weight (o, c, k, l), bias (o,), stride s, padding p.
    Returns (n, o, h', w') with h' = ⌊(h + 2p − k) / s⌋ + 1, w' alike.
    """
    kernel = weight.shape[2:]
    height = (x.shape[2] + 2 * padding - kernel[0]) // stride + 1
    windows = unfold(x, kernel, padding=padding, stride=stride)
    y = weight.flatten(1) @ windows + bias[:, None]  # (n, o, h' w')
    return y.unflatten(2, (height, -1))


def conv2d_backward(gradient, x, weight, stride=1, padding=0):
    """∂L/∂x, ∂L/∂W and ∂L/∂b from gradient = ∂L/∂y."""
    kernel = weight.shape[2:]
    windows = unfold(x, kernel, padding=padding, stride=stride)
    delta = gradient.flatten(2)  # (n, o, h' w')
    to_weight = (delta @ windows.mT).sum(0).view_as(weight)
    # fold adds up what a pixel gets from all the windows that it is in.
    columns = weight.flatten(1).T @ delta
    to_x = fold(columns, x.shape[2:], kernel, padding=padding, stride=stride)
    return to_x, to_weight, delta.sum((0, 2))
