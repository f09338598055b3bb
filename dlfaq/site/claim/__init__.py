"""A claim as it is shown: its numbers, its card, its chart."""
