"""A claim that holds does not hold with its comparison inverted, unless it says nothing."""

from __future__ import annotations

import numpy as np
import pytest
from dlfaq.claims.mutation import inverse_holds

from dlfaq.claims import claim as claims
from dlfaq.claims.claim import claim, recorded

SEEDS = range(1000, 1004)
SPREAD = np.array([-0.3, -0.1, 0.1, 0.3])


@pytest.fixture(autouse=True)
def _building(monkeypatch) -> None:
    monkeypatch.setattr(claims, "_RECORDS", [])
    monkeypatch.setenv("DLFAQ_RUNNER", "1")


@pytest.mark.parametrize(
    ("measured", "options", "holds", "inverse"),
    [
        (1 + SPREAD, {"at_least": 0.5, "seeds": SEEDS}, True, False),
        (1 + SPREAD, {"at_least": 0, "seeds": SEEDS}, True, False),
        (1 + SPREAD, {"at_most": 2, "seeds": SEEDS}, True, False),
        (1 + SPREAD, {"at_least": 2, "seeds": SEEDS}, False, True),
        (1 + SPREAD, {"at_least": 1, "seeds": SEEDS}, False, False),
        (SPREAD, {"within": 0.5, "seeds": SEEDS}, True, False),
        (9 + SPREAD, {"within": 0.5, "seeds": SEEDS}, False, True),
        (SPREAD - 9, {"within": 0.5, "seeds": SEEDS}, False, True),
        (np.exp(SPREAD + 1), {"at_least": 1, "unit": "×", "seeds": SEEDS}, True, False),
        ([False] * 32, {"at_most": 0.2, "seeds": range(32)}, True, False),
        (3, {"within": (3, 3)}, True, False),
        (3, {"within": (4, 5)}, False, True),
        # No number is on the wrong side of the one it is compared with: this says nothing.
        (3, {"at_least": 3}, True, True),
    ],
    ids=[
        "effect",
        "ordering",
        "from above",
        "does not hold",
        "undecided",
        "null",
        "above the margins",
        "below the margins",
        "ratio",
        "share",
        "equality",
        "inequality",
        "its own threshold",
    ],
)
def test_inverse(measured, options, holds, inverse) -> None:
    claim("It is so", measured, **options)
    [record] = recorded()
    assert (record["holds"], inverse_holds(record)) == (holds, inverse)
