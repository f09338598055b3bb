"""Gradient checks: autograd or a formula against differences, with a report that names the place.

`check` asks, `differences` compares entry by entry and tells a kink from a bug (`kinks`), `places`
runs each piece of code alone (`calls`), `patterns` says what kind of mistake it is, and `report`
shows it.
"""

from __future__ import annotations

from dlfaq.gradient_check.check import check_gradients
from dlfaq.gradient_check.report import GradientReport

__all__ = ["GradientReport", "check_gradients"]
