"""A claim card says its number, its evidence and its threshold, and draws them to scale."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

import pytest

from dlfaq.protocol import Claim
from dlfaq.site.claim import numbers
from dlfaq.site.claim.card import card, group
from dlfaq.site.claim.chart import interval_chart
from dlfaq.writing.numbers import superscripts


def record(**changes):
    base = {
        "statement": "It grows.",
        "kind": "effect",
        "statistic": "mean",
        "comparator": "at_least",
        "threshold": 0.05,
        "measured": 0.095,
        "interval": (0.086, 0.103),
        "seeds": tuple(range(1000, 1032)),
        "unit": "points",
    }
    data = base | changes
    limit, comparator = data.pop("threshold"), data["comparator"]
    low, high = limit if isinstance(limit, list) else (limit, limit)
    return Claim(
        low=-math.inf if comparator == "at_most" else low,
        high=math.inf if comparator == "at_least" else high,
        **data,
    )


RATIO = {"unit": "×", "threshold": 100.0, "measured": 954.0, "interval": [820.0, 1105.0]}
EXACT = {"kind": "identity", "statistic": "value", "interval": None, "seeds": ()}
TWICE = EXACT | {"unit": "", "comparator": "equals", "threshold": [2 - 2e-10, 2 + 2e-10]}
NULL = {"kind": "null", "comparator": "within", "threshold": [-0.03, 0.03]}


def equal(value, measured, tolerance):
    """An identity held against a value, to a tolerance relative to it."""
    margin = tolerance * (abs(value) or 1)
    ends = [value - margin, value + margin]
    return EXACT | {"unit": "", "comparator": "equals", "threshold": ends, "measured": measured}


def text(node):
    return "".join(node.itertext())


def parts(html):
    return {node.get("class"): node for node in ET.fromstring(html).iter() if node.get("class")}


# The words are those of the visual specification and its reference pictures.
@pytest.mark.parametrize(
    ("changes", "number", "spread", "limit"),
    [
        ({}, "+9.5 pts", "+8.6 to +10.3", "at least +5"),
        (RATIO, "954×", "820 to 1,105", "at least 100×"),
        (
            {"unit": "×", "threshold": 0.9, "measured": 1.0, "interval": [0.97, 1.04]},
            "1.00×",
            "0.97 to 1.04",
            "at least 0.9×",
        ),
        (
            NULL | {"measured": 0.004, "interval": [-0.014, 0.022]},
            "0.4 pts",
            "−1.4 to +2.2",
            "within ±3",
        ),
        (
            NULL | {"threshold": [-0.01, 0.01], "measured": 0.003, "interval": [0.001, 0.005]},
            "0.3 pts",
            "0.1 to 0.5",
            "within ±1",
        ),
        (
            {
                "unit": "",
                "comparator": "at_most",
                "threshold": 0.2,
                "measured": 0.102,
                "interval": [0.099, 0.106],
            },
            "0.102",
            "0.099 to 0.106",
            "at most 0.2",
        ),
        (
            {"comparator": "at_most", "threshold": -0.015, "measured": -0.031}
            | {"interval": [-0.039, -0.023]},
            "−3.1 pts",
            "−3.9 to −2.3",
            "at most −1.5",
        ),
        (
            {"unit": "%", "kind": "failure rate", "statistic": "failure rate", "threshold": 0.2}
            | {"measured": 0.44, "interval": [0.31, 0.58]},
            "44 %",
            "31 to 58",
            "at least 20 %",
        ),
        (
            {"unit": "%", "threshold": 0.9, "measured": 0.9724, "interval": [0.9698, 0.9751]},
            "97.2 %",
            "97.0 to 97.5",
            "at least 90 %",
        ),
        (
            EXACT | {"unit": "%", "threshold": 0.9, "measured": 0.9724},
            "97.2 %",
            None,
            "at least 90 %",
        ),
        (TWICE | {"measured": 2.0}, "2", None, "equal to 2, to 10^−10"),
        (TWICE | {"measured": 2.1}, "2.1", None, "equal to 2, to 10^−10"),
        (equal(866.7, 866.7, 1e-10), "866.7", None, "equal to 866.7, to 10^−10"),
        (equal(1417.25, 1417.25, 1e-5), "1,420", None, "equal to 1,417.25, to 10^−5"),
        (equal(0.0, 3e-12, 1e-10), "0", None, "equal to 0, to 10^−10"),
        (equal(3.0, 3.0, 0.0), "3", None, "equal to 3"),
        (
            EXACT | {"unit": "", "comparator": "within", "threshold": [1.5, 2.5], "measured": 2.25},
            "2.25",
            None,
            "between 1.5 and 2.5",
        ),
        (EXACT | {"unit": "", "threshold": 0.9, "measured": 0.9987}, "0.999", None, "at least 0.9"),
        (
            EXACT | {"unit": "", "comparator": "at_most", "threshold": 1e-6, "measured": 3.2e-7},
            "3.2·10^−7",
            None,
            "at most 10^−6",
        ),
        (
            {"unit": "steps", "threshold": 20.0, "measured": 24.2, "interval": [24.0, 24.5]},
            "24.2 steps",
            "24.0 to 24.5",
            "at least 20 steps",
        ),
        (
            {"threshold": 0.0, "measured": 0.0004, "interval": [0.0002, 0.0006]},
            "+0.04 pts",
            "+0.02 to +0.06",
            "at least 0",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_numbers_are_written_as_the_specification_has_them(changes, number, spread, limit):
    claim = record(**changes)
    assert numbers.measured(claim) == number
    assert numbers.interval(claim) == spread
    assert numbers.threshold(claim) == limit


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (0.00001234, "1.23·10^−5"),
        (0.001234, "0.00123"),
        (12.345, "12.3"),
        (1234567.0, "1,234,567"),
        (2e9, "2.00·10^9"),
        (9.999e9, "1.00·10^10"),
        (float("inf"), "∞"),
        (-5.0, "−5.00"),
    ],
)
def test_a_number_has_three_significant_digits(value, words):
    assert numbers.number(value) == words


def test_a_number_that_rounds_to_zero_has_no_sign():
    assert numbers.number(-0.001, 1, signed=True) == "0.0"


def test_the_card_says_what_it_claims():
    html = card(record(statement="a < b and `step()` & co"), anchor="claim-grows")
    article = ET.fromstring(html)
    assert (article.tag, article.get("class")) == ("article", "dl-claim")
    assert article.get("id") == "claim-grows"
    assert "a &lt; b and <code>step()</code> &amp; co" in html
    found = parts(html)
    assert text(found["dl-num"]) == "+9.5 pts"
    assert text(found["dl-claim__status"]) == "✓ Holds · effect, 32 runs, seeds 1000 to 1031"
    assert "dl-iv" in found


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "Zeroing gains 9.5 points of accuracy"),
        ({"measured": -0.031, "interval": [-0.04, -0.02]}, "Zeroing gains −3.1 points of accuracy"),
        (RATIO, "Zeroing gains 954× of accuracy"),
        ({"unit": "%"}, "Zeroing gains 9.5 % of accuracy"),
        (
            {"unit": "steps", "measured": 24.2, "interval": [24.0, 24.5]},
            "Zeroing gains 24.2 steps of accuracy",
        ),
    ],
    ids=["points", "negative", "ratio", "share", "word"],
)
def test_the_number_stands_in_the_sentence_in_bold(changes, sentence):
    html = card(record(statement="Zeroing gains {} of accuracy", **changes), anchor="a")
    says = parts(html)["dl-claim__says"]
    assert text(says) == sentence
    assert says.find("b").text in sentence


def test_a_power_of_ten_is_raised_in_the_sentence_too():
    small = EXACT | {"unit": "", "comparator": "at_most", "threshold": 1e-6, "measured": 3.2e-7}
    html = card(record(statement="They differ by {} or `{}`", **small), anchor="a")
    assert 'They differ by <b class="dl-n">3.2·10<sup>−7</sup></b> or <code>3.2·10⁻⁷</code>' in html


def test_what_was_predicted_says_so_beside_its_number_and_its_verdict():
    found = parts(card(record(**TWICE | {"kind": "prediction"}, measured=2.0), anchor="a"))
    assert text(found["dl-num"]) == "2predicted"
    assert text(found["dl-claim__status"]) == "✓ Holds · prediction, not measured"


def test_a_unit_that_is_a_word_stands_below_the_number():
    html = card(
        record(unit="steps", threshold=20.0, measured=24.2, interval=(24, 24.5)), anchor="a"
    )
    assert '<p class="dl-num" data-search-exclude="">24.2<small>steps</small></p>' in html


def test_a_long_number_is_set_smaller():
    html = card(
        record(**EXACT | {"unit": "", "measured": 1.94e-16, "comparator": "at_most"}), anchor="a"
    )
    assert '<p class="dl-num dl-num--long" data-search-exclude="">1.94·10<sup>−16</sup></p>' in html


def test_a_null_is_confirmed_not_held():
    claim = record(**NULL, measured=0.004, interval=(-0.014, 0.022))
    status = text(parts(card(claim, anchor="a"))["dl-claim__status"])
    assert status == "⊢⊣ Null, confirmed · null, 32 runs, seeds 1000 to 1031"


def test_a_claim_that_fails_says_so_in_shape_word_and_class():
    found = parts(card(record(threshold=0.1), anchor="a"))
    assert "dl-claim dl-claim--fails" in found
    assert text(found["dl-claim__status"]).startswith("Does not hold · effect")
    assert found["dl-fails"][0].tag == "svg"


def test_an_identity_shows_what_it_equals_and_no_chart():
    found = parts(card(record(**TWICE, measured=2.0), anchor="a"))
    assert "dl-iv" not in found
    assert text(found["dl-eq"]) == "equal to 2, to 10−10"
    assert found["dl-eq"][0].tag == "sup"
    assert text(found["dl-claim__status"]) == "✓ Holds · identity, deterministic"
    with pytest.raises(ValueError, match="no interval"):
        interval_chart(record(**TWICE, measured=2.0))


def share(node, name):
    value = node.get(name)
    assert value.endswith("%")
    return float(value[:-1])


def drawn(**changes):
    chart = interval_chart(record(**changes))
    marks = {}
    for node in chart:
        marks.setdefault(node.get("class") or node.tag, []).append(node)
    return chart, marks


def test_the_failing_side_ends_at_the_threshold():
    chart, marks = drawn()
    assert chart.get("viewBox") is None
    assert chart.get("height") == "58"
    (hatch,) = marks["no"]
    (limit,) = marks["th"]
    assert (share(hatch, "x1"), share(hatch, "x2")) == (0, share(limit, "x1"))
    bar = marks["ci"][0]
    # 0 to 15: the pictures show this claim so.
    assert share(limit, "x1") == pytest.approx(100 / 3, abs=0.1)
    assert share(bar, "x1") == pytest.approx(8.6 / 15 * 100, abs=0.1)
    assert share(marks["circle"][0], "cx") == pytest.approx(9.5 / 15 * 100, abs=0.1)
    assert chart.get("aria-label") == (
        "+9.5 pts, 95 % interval +8.6 to +10.3; holds if at least +5"
    )


def test_a_ratio_is_drawn_on_a_logarithmic_axis():
    _, marks = drawn(**RATIO)
    # 10 to 10,000 as in the pictures: 100 is one decade of three from the left.
    assert share(marks["th"][0], "x1") == pytest.approx(100 / 3, abs=0.1)
    assert share(marks["circle"][0], "cx") == pytest.approx(66.0, abs=0.1)


def test_at_most_fails_on_the_right():
    _, marks = drawn(comparator="at_most", threshold=0.2)
    (hatch,) = marks["no"]
    assert (share(hatch, "x1"), share(hatch, "x2")) == (share(marks["th"][0], "x1"), 100)


def test_two_margins_hatch_both_ends():
    _, marks = drawn(**NULL, measured=0.004, interval=[-0.014, 0.022])
    left, right = marks["no"]
    assert share(left, "x1") == 0
    assert share(right, "x2") == 100
    assert [share(node, "x1") for node in marks["th"]] == [share(left, "x2"), share(right, "x1")]
    assert share(left, "x2") == pytest.approx(100 - share(right, "x1"), abs=0.1)


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold": 0.0, "measured": 0.02, "interval": [0.01, 0.03]},
        {"threshold": 0.0, "measured": -0.02, "interval": [-0.03, -0.01], "comparator": "at_most"},
        {"threshold": 0.002, "measured": 0.6, "interval": [0.5, 0.7]},
        {"threshold": -0.5, "measured": -0.02, "interval": [-0.03, 0.01]},
        {"unit": "", "threshold": 0.01, "measured": 0.002, "interval": [0.001, 0.003]},
        {"unit": "×", "threshold": 1.0, "measured": 1.0001, "interval": [1.00005, 1.0002]},
        {"unit": "×", "threshold": 0.0, "measured": 5.0, "interval": [4.0, 6.0]},
    ],
)
def test_everything_lies_inside_the_chart_and_the_hatching_is_seen(changes):
    _, marks = drawn(**changes)
    (hatch,) = marks["no"]
    assert share(hatch, "x2") - share(hatch, "x1") > 8
    low, high = (share(node, "x1") for node in marks["ci"][1:])
    assert 0 < low < high < 100


def test_a_low_chart_leaves_the_interval_to_the_text_beside_it():
    chart = interval_chart(record(), height=36)
    assert [node.get("class") for node in chart if node.tag == "text"] == ["tt"]


@pytest.mark.parametrize(
    ("threshold", "words"),
    [
        (0.1, "⊢?⊣ Inconclusive · effect, an estimate, 32 runs"),
        (0.2, "⊢?⊣ Refuted · effect, an estimate, 32 runs"),
        (0.05, "✓ Holds · effect, an estimate, 32 runs"),
    ],
)
def test_an_estimate_says_what_it_leaves_open_and_fails_nothing(threshold, words):
    html = card(record(gated=False, threshold=threshold), anchor="a")
    article = ET.fromstring(html)
    assert article.get("class") == "dl-claim"
    assert text(parts(html)["dl-claim__status"]).startswith(words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"signs": [30, 0, 2]}, "32 runs, 30 of them above 0, seeds"),
        ({"signs": [30, 1, 1]}, "32 runs, 30 of them above 0 and 1 tie, seeds"),
        (RATIO | {"signs": [32, 0, 0]}, "32 runs, 32 of them above 1×, seeds"),
    ],
    ids=["difference", "tie", "ratio"],
)
def test_a_comparison_says_in_how_many_runs_it_goes_that_way(changes, words):
    assert words in text(parts(card(record(**changes), anchor="a"))["dl-claim__status"])


def test_the_case_in_which_it_breaks_stands_below():
    html = card(record(fails_when="`step()` is never called"), anchor="a")
    assert '<p class="dl-claim__status">Fails when <code>step()</code> is never called.</p>' in html


def test_a_group_stands_under_one_rule():
    html = group([card(record(), anchor="a"), card(record(), anchor="b")])
    root = ET.fromstring(html)
    assert root.get("class") == "dl-claims"
    assert [node.get("id") for node in root] == ["a", "b"]


@pytest.mark.parametrize(
    ("plain", "raised"),
    [("3.2·10^−7 MB", "3.2·10⁻⁷ MB"), ("10^12", "10¹²"), ("`x^T` and w^2", "`x^T` and w^2")],
)
def test_powers_of_ten_and_no_others_are_raised_in_text(plain, raised):
    assert superscripts(plain) == raised
