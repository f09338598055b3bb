import torch


def feature_error(seed, features, points, ridge=0.0, sets=32):
    """Median test error of least squares on random ReLU features.

    The truth is linear in 10 inputs, the labels' noise has sd 0.5. Without
    a ridge, and with more features than points, it is the shortest of the
    weights that fit every point. The median is over data sets, since at
    features = points the mean does not exist.
    """
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=draw, dtype=torch.float64)

    truth, directions = normal(10) / 10**0.5, normal(10, features) / 10**0.5
    test = normal(300, 10)
    x = normal(sets, points, 10)
    y = x @ truth + 0.5 * normal(sets, points)
    u, s, v = torch.linalg.svd((x @ directions).relu(), full_matrices=False)
    inverse = s / (s**2 + ridge)
    weights = v.mT @ (inverse * (u.mT @ y[..., None])[..., 0])[..., None]
    fits = ((test @ directions).relu() @ weights)[..., 0]
    return ((fits - test @ truth) ** 2).mean(1).median().item()
