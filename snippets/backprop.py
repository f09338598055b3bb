def forward(x, layers):
    """h₀ = x, hₗ = ReLU(hₗ₋₁ Wₗᵀ + bₗ), and no ReLU after the last layer.

    x (n, d); layers [(W, b), …] with W (outputs, inputs) as in nn.Linear.
    Returns [h₀, h₁, …]: all that the backward pass will need.
    """
    hs = [x]
    for number, (weight, bias) in enumerate(layers, start=1):
        z = hs[-1] @ weight.T + bias
        hs.append(z if number == len(layers) else z.clamp(min=0))
    return hs


def backward(hs, layers, delta):
    """∂L/∂Wₗ = δₗᵀ hₗ₋₁, ∂L/∂bₗ = Σ δₗ, δₗ₋₁ = (δₗ Wₗ) ⊙ [hₗ₋₁ > 0].

    delta (n, outputs) is ∂L/∂z of the last layer.
    Returns [(∂L/∂W, ∂L/∂b), …] in the order of the layers.
    """
    gradients = []
    for i in reversed(range(len(layers))):
        gradients.append((delta.T @ hs[i], delta.sum(0)))
        if i > 0:  # the inputs went through no ReLU, and need no δ
            delta = (delta @ layers[i][0]) * (hs[i] > 0)
    return gradients[::-1]
