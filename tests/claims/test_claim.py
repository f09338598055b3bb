"""Claims: every kind, both sides of every threshold, and how often one holds by chance."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from dlfaq.claims import claim as claims
from dlfaq.claims.claim import claim, estimate, recorded
from dlfaq.errors import ClaimFailed, InputError
from dlfaq.protocol import Claim
from dlfaq.replicate_values import Replicates

SEEDS = range(1000, 1004)
SPREAD = np.array([-0.3, -0.1, 0.1, 0.3])
# t(.975, 3) = 3.182 (NIST) times s/√4, s = √(.2/3)
HALF = 3.1824463 * (0.2 / 3) ** 0.5 / 2


@pytest.fixture(autouse=True)
def _no_earlier_claims(monkeypatch) -> None:
    monkeypatch.setattr(claims, "_RECORDED", [])
    monkeypatch.delenv("DLFAQ_RUNNER", raising=False)


@pytest.fixture
def building(monkeypatch) -> None:
    monkeypatch.setenv("DLFAQ_RUNNER", "1")


def record(measured, **options) -> Claim:
    claim("It is so", measured, **options)
    return made()


def made() -> Claim:
    """The claim made last."""
    return recorded()[-1][0]


def around(mean: float) -> dict:
    return {"measured": mean + SPREAD, "seeds": SEEDS}


KINDS = {
    "identity": ({"measured": 2.0, "equals": 2}, "identity", "value"),
    "identity inside margins": ({"measured": 2.0, "within": (1, 3)}, "identity", "value"),
    "prediction": ({"measured": 2.0, "at_most": 3, "predicted": True}, "prediction", "value"),
    "identity from below": ({"measured": 2, "at_least": 0}, "identity", "value"),
    "identity of a tensor": (
        {"measured": torch.tensor(2.0, requires_grad=True), "at_most": 2},
        "identity",
        "value",
    ),
    "ordering": ({**around(1), "at_least": 0}, "ordering", "mean"),
    "ordering from above": ({**around(-1), "at_most": 0, "unit": "points"}, "ordering", "mean"),
    "ordering of ratios": (
        {"measured": np.exp(1 + SPREAD), "seeds": SEEDS, "at_least": 1, "unit": "×"},
        "ordering",
        "geometric mean",
    ),
    "effect": ({**around(1), "at_least": 0.5}, "effect", "mean"),
    "effect of 1, no ratio": ({**around(2), "at_least": 1}, "effect", "mean"),
    "effect of ratios": (
        {"measured": np.exp(1 + SPREAD), "seeds": SEEDS, "at_least": 1.5, "unit": "×"},
        "effect",
        "geometric mean",
    ),
    "equivalence": ({**around(0), "within": 0.5}, "equivalence", "mean"),
    "null": ({**around(0), "within": 0.5, "null": True}, "null", "mean"),
    "failure rate": (
        {"measured": [False] * 32, "seeds": range(32), "at_most": 0.11},
        "failure rate",
        "failure rate",
    ),
    "failure rate inside margins": (
        {"measured": torch.arange(32) % 2 == 0, "seeds": range(32), "within": (0.3, 0.7)},
        "failure rate",
        "failure rate",
    ),
}


@pytest.mark.parametrize(("given", "kind", "statistic"), KINDS.values(), ids=KINDS)
def test_kind_follows_from_what_is_given(given, kind, statistic) -> None:
    found = record(**given)
    assert (found.kind, found.statistic, found.holds()) == (kind, statistic, True)


def test_a_claim_holds_what_was_measured_and_crosses_as_json() -> None:
    claim(
        "A is {} above B",
        1 + SPREAD,
        at_least=0.5,
        seeds=SEEDS,
        unit="MB",
        label="a-b",
        fails_when="C",
    )
    [(found, ((file, line), *_))] = recorded()
    first = test_a_claim_holds_what_was_measured_and_crosses_as_json.__code__.co_firstlineno
    assert (file, line) == (__file__, first + 1)
    assert found.interval == pytest.approx((1 - HALF, 1 + HALF))
    assert found.standard_error == pytest.approx((0.2 / 3) ** 0.5 / 2)
    assert 0 < found.p_value < found.failure_chance < 1
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert Claim.from_json(data) == found
    for computed in ("interval", "standard_error", "p_value", "failure_chance"):
        del data[computed]
    assert data == {
        "statement": "A is {} above B",
        "label": "a-b",
        "kind": "effect",
        "statistic": "mean",
        "comparator": "at_least",
        "threshold": 0.5,
        "measured": pytest.approx(1.0),
        "seeds": [1000, 1001, 1002, 1003],
        "unit": "MB",
        "gated": True,
        "fails_when": "C",
        "arms": [],
        "signs": None,
        "line": 0,
    }


def test_a_number_has_no_chance() -> None:
    found = record(torch.tensor(0.5), within=1)
    assert (found.interval, found.standard_error, found.p_value) == (None, None, None)
    assert (found.failure_chance, found.replicas, found.seeds) == (None, 0, ())


@pytest.mark.parametrize(
    ("measured", "options", "holds"),
    [
        (2 + 1e-10, {"equals": 2}, True),
        (2 + 3e-10, {"equals": 2}, False),
        (-2e6 - 1e-4, {"equals": -2e6}, True),  # relative
        (-2e6 - 3e-4, {"equals": -2e6}, False),
        (5e-11, {"equals": 0}, True),
        (2e-10, {"equals": 0}, False),
        (2.01, {"equals": 2, "tolerance": 0.01}, True),
        (2.03, {"equals": 2, "tolerance": 0.01}, False),
        (3, {"equals": 3, "tolerance": 0}, True),
        (np.float32(2 + 1e-5), {"equals": 2}, True),
        (torch.tensor(2 + 1e-5), {"equals": 2}, True),
        (torch.tensor(2 + 1e-4), {"equals": 2}, False),
        (torch.tensor(2 + 1e-5, dtype=torch.float64), {"equals": 2}, False),
    ],
)
def test_equals_allows_rounding_by_precision_or_what_is_said(
    building, measured, options, holds
) -> None:
    assert record(measured, **options).holds() is holds


KNOWN = Replicates.of(1 + SPREAD, arms=("A", "B"), seeds=SEEDS, unit="points")
LEVEL = Replicates.of(1 + SPREAD, arms=("A", "B"), seeds=SEEDS, unit="%")


@pytest.mark.parametrize(
    ("measured", "options", "unit", "signs"),
    [
        (KNOWN, {"at_least": 0}, "points", (4, 0, 0)),
        (KNOWN, {"at_least": 0, "unit": "points", "seeds": SEEDS}, "points", (4, 0, 0)),
        (-KNOWN, {"at_most": 0}, "points", (0, 0, 4)),
        (np.exp(KNOWN), {"at_least": 1, "unit": "×"}, "×", (4, 0, 0)),
        (KNOWN > 0, {"at_least": 0.2}, "%", None),
        (
            Replicates.of(KNOWN, arms=KNOWN.arms, seeds=SEEDS, unit="%"),
            {"at_least": 0.1},
            "%",
            None,
        ),
    ],
    ids=["all", "said again", "negative", "without a unit", "compared", "levels"],
)
def test_replicates_bring_their_seeds_their_arms_and_their_unit(
    measured, options, unit, signs
) -> None:
    found = record(measured, **options)
    assert (found.seeds, found.arms) == ((1000, 1001, 1002, 1003), ("A", "B"))
    assert (found.unit, found.signs) == (unit, signs)


@pytest.mark.parametrize(
    ("within", "unit", "threshold"),
    [(0.03, "points", [-0.03, 0.03]), (2, "×", [0.5, 2]), ((-1, 3), "", [-1, 3])],
    ids=["one margin", "one margin of ratios", "two margins"],
)
def test_margins(building, within, unit, threshold) -> None:
    found = record(1.0 + 0.1 * SPREAD, within=within, unit=unit, seeds=SEEDS)
    assert found.threshold == pytest.approx(threshold)


MEAN = 1.0
BOUNDARIES = {
    "number at its least": (2.0, {"at_least": 2}, True),
    "number below its least": (np.nextafter(2.0, 0), {"at_least": 2}, False),
    "number at its most": (2.0, {"at_most": 2}, True),
    "number above its most": (np.nextafter(2.0, 3), {"at_most": 2}, False),
    "number at the low margin": (-2, {"within": 2}, True),
    "number at the high margin": (2, {"within": 2}, True),
    "number beyond a margin": (2.1, {"within": 2}, False),
    "low end above the threshold": (1 + SPREAD, {"at_least": 1 - HALF - 1e-6}, True),
    "low end below it, mean above": (1 + SPREAD, {"at_least": 1 - HALF + 1e-6}, False),
    "high end below the threshold": (1 + SPREAD, {"at_most": 1 + HALF + 1e-6}, True),
    "high end above it, mean below": (1 + SPREAD, {"at_most": 1 + HALF - 1e-6}, False),
    "interval inside both margins": (SPREAD, {"within": HALF + 1e-6}, True),
    "interval beyond both margins": (SPREAD, {"within": HALF - 1e-6}, False),
    "interval beyond the low margin": (SPREAD, {"within": (-HALF + 1e-6, 9)}, False),
    "interval beyond the high margin": (SPREAD, {"within": (-9, HALF - 1e-6)}, False),
    "runs at the threshold of an effect": ([2.0] * 4, {"at_least": 2}, True),
    "runs that tie show no order": ([0.0] * 4, {"at_least": 0}, False),
    "nor from above": ([0.0] * 4, {"at_most": 0}, False),
}


@pytest.mark.parametrize(("measured", "threshold", "holds"), BOUNDARIES.values(), ids=BOUNDARIES)
def test_holds_exactly_on_the_right_side(building, measured, threshold, holds) -> None:
    seeds = {"seeds": SEEDS} if np.ndim(measured) else {}
    assert record(measured, **threshold, **seeds).holds() is holds


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {**around(1), "at_least": 1},
            (
                r"^'It is so' does not hold: measured 1, "
                r"95 % interval 0\.589 to 1\.41 over 4 replicas; claimed at least 1$"
            ),
        ),
        (
            {**around(0), "within": 0.03, "unit": "points"},
            r"-41\.1 points to 41\.1 points over 4 replicas; claimed from -3 points to 3 points$",
        ),
        (
            {"measured": 2 + 1e-9, "equals": 2},
            r"measured 2\.000000001; claimed from 1\.9999999998 to 2\.0000000002$",
        ),
        ({"measured": 3.0, "at_most": 2, "unit": "MB"}, "measured 3 MB; claimed at most 2 MB$"),
        ({"measured": 3.0, "at_most": 2, "unit": "×"}, "measured 3×; claimed at most 2×$"),
    ],
    ids=["replicas", "points", "identity", "unit", "ratio"],
)
def test_claim_that_fails_raises_and_says_by_how_much(given, sentence) -> None:
    with pytest.raises(ClaimFailed, match=sentence):
        record(**given)
    assert made().holds() is False


def test_claim_that_fails_in_a_build_is_only_recorded(building) -> None:
    assert record(3.0, at_most=2).holds() is False


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({**around(0), "at_least": 0}, "inconclusive"),
        ({**around(0), "within": HALF / 2}, "inconclusive"),
        ({**around(0), "within": 2 * HALF}, "holds"),
        ({**around(0), "at_least": 2 * HALF}, "refuted"),
        ({**around(3), "within": 1}, "refuted"),
        ({"measured": [True, False] * 4, "seeds": range(8), "at_most": 0.4}, "inconclusive"),
    ],
    ids=["order", "narrow margins", "wide margins", "effect", "outside margins", "failure rate"],
)
def test_an_estimate_says_what_the_interval_shows_and_never_fails(given, verdict) -> None:
    estimate("Is it so?", **given)
    [(found, _)] = recorded()
    assert (found.verdict, found.holds(), found.gated) == (verdict, verdict == "holds", False)


def test_an_estimate_and_a_claim_share_no_words(building) -> None:
    record(**around(1), at_least=0)
    with pytest.raises(InputError, match="each statement once on a page"):
        estimate("It is so", 1 + SPREAD, at_least=0, seeds=SEEDS)


REFUSED = {
    "no threshold": ({"measured": 1.0}, "got none of them"),
    "two thresholds": ({"measured": 1.0, "at_least": 0, "at_most": 2}, "got at_least and at_most"),
    "margins in the wrong order": ({"measured": 1.0, "within": (2, 1)}, r"got \(2, 1\)"),
    "negative margin": ({"measured": 1.0, "within": -1}, r"got \(1, -1\)"),
    "infinite threshold": ({"measured": 1.0, "within": (0, float("inf"))}, "got inf"),
    "margin of ratios below 1": (
        {"measured": 1.0, "within": 0.5, "unit": "×"},
        r"got \(2, 0\.5\)",
    ),
    "threshold of ratios not positive": (
        {"measured": 1.0, "at_least": 0, "unit": "×"},
        "expected a positive threshold",
    ),
    "NaN": ({"measured": float("nan"), "at_least": 0}, "got nan"),
    "infinite number": ({"measured": float("inf"), "at_least": 0}, "got inf"),
    "NaN in a replica": (
        {"measured": [1.0, float("nan")], "at_least": 0, "seeds": [1, 2]},
        "1 of 2 that are NaN",
    ),
    "single boolean": ({"measured": True, "at_least": 0}, "got a single True"),
    "single NumPy boolean": ({"measured": np.bool_(False), "at_least": 0}, "got a single False"),
    "text": ({"measured": "2", "at_least": 0}, "got str"),
    "nothing": ({"measured": [], "at_least": 0}, r"got shape \(0,\)"),
    "one replica": ({"measured": [1.0], "at_least": 0, "seeds": [1]}, r"got shape \(1,\)"),
    "one replica without its seed": ({"measured": [1.0], "at_least": 0}, r"got shape \(1,\)"),
    "a number a replica and step": (
        {"measured": np.ones((2, 3)), "at_least": 0, "seeds": [1, 2]},
        r"got shape \(2, 3\)",
    ),
    "number with seeds": ({"measured": 1.0, "at_least": 0, "seeds": [1]}, "got a single number"),
    "no seeds": ({"measured": [1.0, 2.0], "at_least": 0}, "expected 2 different seeds"),
    "seed twice": ({"measured": [1.0, 2.0], "at_least": 0, "seeds": [1, 1]}, "got 2, 1 of them"),
    "seed too many": ({"measured": [1.0, 2.0], "at_least": 0, "seeds": [1, 2, 3]}, "got 3"),
    "ratio of zero": (
        {"measured": [1.0, 0.0], "at_least": 2, "seeds": [1, 2], "unit": "×"},
        "expected positive ratios",
    ),
    "null of an effect": (
        {**around(1), "at_least": 0.5, "null": True},
        "got a claim of kind effect",
    ),
    "equals over replicas": ({**around(1), "equals": 1}, "expected a number for `equals`"),
    "prediction over replicas": (
        {**around(1), "at_least": 0, "predicted": True},
        "got a claim of kind ordering; leave predicted out",
    ),
    "tolerance of another threshold": (
        {"measured": 1.0, "at_least": 0, "tolerance": 1e-6},
        "expected `equals` beside a tolerance",
    ),
    "negative tolerance": ({"measured": 1.0, "equals": 1, "tolerance": -1e-6}, "got -1e-06"),
    "another unit": (
        {"measured": KNOWN, "at_least": 0, "unit": "×"},
        "expected the unit 'points' that the numbers have; got '×'",
    ),
    "other seeds": (
        {"measured": KNOWN, "at_least": 0, "seeds": range(4)},
        "expected the seeds that the numbers were measured with; got others, from 0 on",
    ),
    "null of a number": ({"measured": 0.0, "within": 1, "null": True}, "of kind identity"),
    "rate of at least 0": (
        {"measured": [True, False], "at_least": 0, "seeds": [1, 2]},
        "got 0;",
    ),
    "rate in points": (
        {"measured": [True, False], "at_least": 0.1, "seeds": [1, 2], "unit": "points"},
        "got 0.1 points",
    ),
    "rate with one margin": (
        {"measured": [True, False], "within": 0.1, "seeds": [1, 2]},
        r"got -0\.1, 0\.1",
    ),
    "letter for times": ({"measured": 2.0, "at_least": 1, "unit": "x"}, "write unit='×'"),
    "word for %": ({"measured": 2.0, "at_least": 1, "unit": "percent"}, "write unit='%'"),
    "label": ({"measured": 2.0, "at_least": 1, "label": "Final_loss"}, "got 'Final_loss'"),
    "rows of unlike lengths": ({"measured": [[1.0], [1.0, 2.0]], "at_least": 0}, "got list"),
    "masked": (
        {
            "measured": np.ma.masked_array([1.0, 9.0, 1.0], [0, 1, 0]),
            "at_least": 0,
            "seeds": [1, 2],
        },
        "got MaskedArray",
    ),
    "seeds that are a number": ({"measured": [1.0, 2.0], "at_least": 0, "seeds": 2}, "got 2"),
    "seeds that are not whole": (
        {"measured": [1.0, 2.0], "at_least": 0, "seeds": [1.0, 2.0]},
        r"whole numbers; got \[1\.0, 2\.0\]",
    ),
    "three margins": ({"measured": 1.0, "within": (0, 1, 2)}, r"two margins.*got \(0, 1, 2\)"),
    "threshold as text": ({"measured": 1.0, "at_least": "0"}, "got '0'"),
    "ratio with a threshold as text": ({"measured": 1.0, "at_least": "1", "unit": "×"}, "got '1'"),
    "thresholds": ({"measured": 1.0, "at_least": np.zeros(2)}, "got array"),
    "interval without end": (
        {"measured": [1e-300, 1e300], "at_least": 1e-300, "seeds": [1, 2], "unit": "×"},
        "within the range of floating point; got 0 to inf",
    ),
    "numbers too large to square": (
        {"measured": [1e200, 3e200], "at_least": 0, "seeds": [1, 2]},
        "within the range of floating point",
    ),
}


def test_half_precision_is_measured_as_it_is() -> None:
    numbers = torch.tensor([1.5, 2.5, 1.5, 2.5], dtype=torch.bfloat16)
    assert record(numbers, at_least=0.5, seeds=SEEDS).measured == 2.0
    assert record(list(numbers), at_least=0.5, seeds=SEEDS).measured == 2.0


@pytest.mark.parametrize(("given", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_judged_is_refused(given, message) -> None:
    with pytest.raises(InputError, match=message):
        record(**given)
    assert recorded() == []


def test_an_estimate_of_a_number_is_refused() -> None:
    with pytest.raises(InputError, match="expected numbers over replicas for an estimate"):
        estimate("Is it so?", 1.0, at_least=0)
    assert recorded() == []


def test_a_statement_shows_one_number() -> None:
    with pytest.raises(InputError, match=r"expected one \{\} in the statement"):
        claim("From {} to {}", 1.0, at_least=0)


def test_a_claim_that_fails_says_its_number_in_its_sentence() -> None:
    with pytest.raises(ClaimFailed, match=r"^'It takes 3 MB' does not hold"):
        claim("It takes {}", 3.0, at_most=2, unit="MB")


def test_statement_says_something() -> None:
    with pytest.raises(InputError, match="expected a sentence"):
        claim(" ", 1.0, at_least=0)


def test_statement_and_label_are_unique_on_a_page(building) -> None:
    claim("A", 1.0, at_least=0, label="a")
    with pytest.raises(InputError, match="got 'A' again"):
        claim("A", 2.0, at_least=0)
    with pytest.raises(InputError, match="got 'a' again"):
        claim("B", 2.0, at_least=0, label="a")


def test_reader_may_run_a_cell_again() -> None:
    claim("A", 1.0, at_least=0)
    claim("A", 2.0, at_least=0)
    assert [found.measured for found, _ in recorded()] == [2.0]


@pytest.mark.parametrize(
    "threshold",
    [{"at_least": 0.5}, {"at_most": 0.5}, {"within": (-9, 0.5)}, {"within": (0.5, 9)}],
    ids=["at least", "at most", "high margin", "low margin"],
)
def test_effect_at_its_threshold_holds_in_one_of_forty_experiments(building, threshold) -> None:
    rng = np.random.default_rng(0)
    experiments = 2000
    held = 0
    for i in range(experiments):
        claim(f"{i}", rng.normal(0.5, 1.0, 8), **threshold, seeds=range(8))
        held += made().holds()
        claims._RECORDED.clear()
    assert held / experiments == pytest.approx(0.025, abs=3 * (0.025 * 0.975 / experiments) ** 0.5)


def test_claim_alone_loads_no_torch() -> None:
    code = "import sys; from dlfaq import claim; claim('A', [1, 2], at_least=-99, seeds=[1, 2]); "
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
