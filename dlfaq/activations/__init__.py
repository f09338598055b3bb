"""What comes out of the layers of a network: statistics while it trains, and units that are dead.

`stats` records, `liveness` finds dead units, `observation` is what both hook with.
"""

from __future__ import annotations

from dlfaq.activations.liveness import dead_units
from dlfaq.activations.stats import ActivationStats, activation_stats

__all__ = ["ActivationStats", "activation_stats", "dead_units"]
