"""The record of a claim: its verdict, its inverse, its margins, its way through JSON; seeds."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from dlfaq.claims import claim as claims
from dlfaq.claims.claim import claim, recorded
from dlfaq.protocol import OFFSETS, Claim, first_seed

SEEDS = range(1000, 1004)
SPREAD = np.array([-0.3, -0.1, 0.1, 0.3])


@pytest.fixture(autouse=True)
def _building(monkeypatch) -> None:
    monkeypatch.setattr(claims, "_RECORDED", [])
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
        (3, {"equals": 3}, True, False),
        (3.1, {"equals": 3}, False, True),
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
        "one value",
        "equality",
        "no equality",
        "inequality",
        "its own threshold",
    ],
)
def test_a_claim_that_holds_fails_with_its_comparison_inverted_unless_it_says_nothing(
    measured, options, holds, inverse
) -> None:
    claim("It is so", measured, **options)
    [(found, _)] = recorded()
    assert (found.holds(), found.inverse_holds()) == (holds, inverse)
    assert found.verdict == ("holds" if holds else "refuted" if inverse else "inconclusive")


def against(comparator, threshold, measured=1.0, *, error=0.1, unit=""):
    ends = threshold if isinstance(threshold, list) else [threshold, threshold]
    low = -math.inf if comparator == "at_most" else ends[0]
    high = math.inf if comparator == "at_least" else ends[1]
    return Claim(
        "It is so",
        "effect",
        "mean",
        comparator,
        low,
        high,
        measured,
        standard_error=error,
        unit=unit,
    )


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (against("at_least", 0.5), 5),
        (against("at_least", 1.5), -5),
        (against("at_most", 1.5), 5),
        (against("within", [0.5, 1.2]), 2),
        (against("within", [0.9, 1.5]), 1),
        (against("at_least", 1.0, math.e, unit="×"), 10),
        (against("at_most", math.e, 1.0, unit="×"), 10),
        (against("at_least", 0.5, error=None), 0.5),
        (against("at_most", 3.0, -1.0, error=None, unit="×"), 4),
        (against("at_least", 0.5, error=0.0), math.inf),
        (against("at_least", 1.0, error=0.0), 0),
        (against("at_most", 0.5, error=0.0), -math.inf),
    ],
)
def test_margin_is_in_standard_errors(found, expected):
    assert found.margin == pytest.approx(expected)


COMPLETE = Claim(
    statement="It `grows` by {}",
    kind="effect",
    statistic="mean",
    comparator="within",
    low=-1.0,
    high=2.0,
    measured=0.5,
    interval=(0.25, 0.75),
    standard_error=0.1,
    p_value=0.01,
    failure_chance=0.02,
    seeds=(1000, 1001),
    unit="MB",
    label="grows",
    gated=False,
    fails_when="never",
    arms=("a", "b"),
    signs=(2, 0, 0),
    line=7,
)


@pytest.mark.parametrize("comparator", ["at_least", "at_most", "within", "equals"])
def test_a_claim_comes_back_from_json_as_it_was(comparator):
    ends = {"at_least": {"high": math.inf}, "at_most": {"low": -math.inf}}.get(comparator, {})
    found = replace(COMPLETE, comparator=comparator, **ends)
    text = json.dumps(found.to_json(), allow_nan=False)
    assert Claim.from_json(json.loads(text)) == found


@pytest.mark.parametrize("name", COMPLETE.to_json())
def test_a_field_that_is_missing_or_unknown_is_refused(name):
    data = COMPLETE.to_json()
    data[f"{name}s"] = data.pop(name)
    with pytest.raises(TypeError, match=f"other fields: .*{name}"):
        Claim.from_json(data)


def test_masters_share_no_seed_and_all_fit_into_32_bits():
    # design.md: replica i of master M has the seed 100·M+i, the build is M=10.
    assert [first_seed(offset) for offset in (-10, 0, 1)] == [0, 1000, 1100]
    some = sorted(random.Random(0).sample(OFFSETS, 1000))
    assert min(b - a for a, b in pairwise(map(first_seed, some))) >= 100
    assert first_seed(OFFSETS[-1]) + 99 < 2**32
