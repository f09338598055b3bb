"""Nine sizes of network, and what a random search among them gives away."""

# --8<-- [start:code]
from itertools import combinations, product

import numpy as np

from dlfaq import fit_many, seeds

Pair = tuple[np.ndarray, np.ndarray]


def train_sizes(data, inputs: int, widths: tuple, steps: int) -> Pair:  # noqa: ANN001
    """Train."""
