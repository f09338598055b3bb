"""Gradient checks: autograd or a formula against differences, with a report that names the place.

`check` asks; `problem` is what it asks of (from `subjects`, by `scalar`; `state` is put back before
each pass). `differences` compares along `lines`, `judge` says whether one agrees, at the limit that
`rounding` and the precision found by `probe` leave, and `corners` whether it is a kink (`kinks`
names it) and `symmetry` whether one triangle is read. `places` runs each piece of code alone
(`calls`), also in other `layouts`; `second` is for second derivatives, `deliberate` for gradients
that are meant to be other ones. `patterns` says what kind of mistake it is, and `report` shows it.
"""
