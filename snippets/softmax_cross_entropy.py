import torch


def log_softmax(logits):
    """log p = z − log Σ exp z, row by row."""
    shifted = logits - logits.amax(1, keepdim=True)  # so that exp is at most 1
    return shifted - shifted.exp().sum(1, keepdim=True).log()


def softmax_cross_entropy(logits, labels):
    """Mean of −log p_y over examples: logits (n, C), labels (n,)."""
    rows = torch.arange(len(labels))
    return -log_softmax(logits)[rows, labels].mean()


def softmax_cross_entropy_backward(logits, labels):
    """∂L/∂z = (p − y) / n, where y is 1 at the label and 0 elsewhere."""
    gradient = log_softmax(logits).exp()
    gradient[torch.arange(len(labels)), labels] -= 1
    return gradient / len(labels)
