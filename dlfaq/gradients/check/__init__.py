"""Gradient checks: autograd or a formula against differences, with a report that names the place.

`check` asks, `problem` is what it asks of, `differences` compares entry by entry and tells a kink
from a bug (`kinks`), `places` runs each piece of code alone (`calls`), `patterns` says what kind of
mistake it is, and `report` shows it.
"""
