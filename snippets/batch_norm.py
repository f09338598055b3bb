import torch


class BatchNorm:
    """y = γ (x − μ) / √(σ² + ε) + β, feature by feature, for x (n, d).

    In training μ and σ² are those of the batch; in evaluation they are the
    running estimates, which each training batch moves a little. A training
    batch has two examples at least: a single one has no variance.
    """

    def __init__(self, features, eps=1e-5, momentum=0.1, dtype=None):
        self.weight = torch.ones(features, dtype=dtype)  # γ
        self.bias = torch.zeros(features, dtype=dtype)  # β
        self.running_mean = torch.zeros(features, dtype=dtype)
        self.running_var = torch.ones(features, dtype=dtype)
        self.eps, self.momentum, self.training = eps, momentum, True

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            n = len(x)
            mean = x.mean(0)
            var = (x - mean).square().mean(0)  # divided by n
            unbiased = var * n / (n - 1)  # only for the running estimate
            self.running_mean = self.running_mean.lerp(mean, self.momentum)
            self.running_var = self.running_var.lerp(unbiased, self.momentum)
        self.scale = 1 / (var + self.eps).sqrt()
        self.normal = (x - mean) * self.scale
        return self.weight * self.normal + self.bias

    def backward(self, gradient):
        """From ∂L/∂y to ∂L/∂x; leaves ∂L/∂γ and ∂L/∂β behind."""
        self.weight_grad = (gradient * self.normal).sum(0)
        self.bias_grad = gradient.sum(0)
        delta = gradient * self.weight
        if self.training:  # μ and σ depend on every example of the batch
            along = (delta * self.normal).mean(0)
            delta = delta - delta.mean(0) - self.normal * along
        return delta * self.scale
