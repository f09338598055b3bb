"""What comes out of the layers of a network: statistics while it trains, and units that are dead.

`stats` records, `liveness` finds dead units, `observation` is what both hook with.
"""
