"""Replicas trained as one model, and the proof that it is exact."""
