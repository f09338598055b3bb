"""What process and page agree on about a drawing: its sizes, and ids that wait for a prefix."""

from __future__ import annotations

import re

__all__ = ["PLACEHOLDER", "SIZES", "with_id_prefix"]

SIZES = {"wide": (7.08, 3.1), "narrow": (3.42, 3.0), "thumb": (2.75, 1.25)}
"""Width and height of each size in inches of 96 CSS pixels: 680, 328 and 264 pixels wide."""

PLACEHOLDER = "__figure__"
"""What each id of a drawing begins with."""


def with_id_prefix(svg: str, prefix: str) -> str:
    """Put `prefix` before each id of a drawing, so that no two figures of a page share one."""
    return re.sub(rf'(id="|#){PLACEHOLDER}', lambda found: f"{found[1]}{prefix}-", svg)
