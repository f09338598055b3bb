"""The forty questions that the site sets out to answer, by their IDs, in the order of the sheets.

Only these count in the tally of common answers. A page that answers another question says
`question: true` in its front matter instead of naming an ID.
"""

from __future__ import annotations

__all__ = ["FORTY"]

#: NNN-q is question q of sheet NNN; A2 is the second assignment of sheet 001.
FORTY = (
    *(f"000-{number}" for number in range(1, 6)),
    *(f"001-{number}" for number in range(1, 8)),
    *("A2-1", "A2-2", "A2-3a", "A2-3b", "A2-4"),
    *(f"002-{number}" for number in range(1, 10)),
    *(f"003-{number}" for number in range(1, 9)),
    *(f"004-{number}" for number in range(4, 10)),
)
