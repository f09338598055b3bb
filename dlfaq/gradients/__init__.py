"""Instruments for gradients: their norms by layer, and the check of a backward pass."""
