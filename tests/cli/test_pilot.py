"""What a pilot says of claims over master seeds: rule 6 of the protocol, and nothing dropped."""

from __future__ import annotations

import math

import pytest

from dlfaq.cli.pilot import MasterRun, pilot_ok, pilot_report
from dlfaq.protocol import Claim
from dlfaq.site.lists.evidence import Evidence, PageClaim


def claim(start, end, /, **changes):
    base = {
        "statement": "It grows",
        "kind": "effect",
        "statistic": "mean",
        "comparator": "at_least",
        "low": 0.05,
        "high": math.inf,
        "measured": (start + end) / 2,
        "interval": (start, end),
        "line": 7,
    }
    return PageClaim("docs/a.md", Claim(**base | changes))


def run(offset, *claims, broken=()):
    return MasterRun(offset, Evidence({"torch": "2.14"}, list(claims)), broken)


def runs(*claims):
    return [run(offset, one) for offset, one in enumerate(claims, -10)]


# Lower ends 2, 3, 4: mean 3, standard deviation 1.
ENDS = ((2, 6), (3, 7), (4, 8))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ["lower end: mean 3, sd 1, mean - 5 sd -2; threshold in force 0.05, too tight"]),
        ({"low": -3}, ["lower end: mean 3, sd 1, mean - 5 sd -2; threshold in force -3"]),
        (
            {"comparator": "at_most", "low": -math.inf, "high": 12},
            ["upper end: mean 7, sd 1, mean + 5 sd 12; threshold in force 12"],
        ),
        (
            {"comparator": "at_most", "low": -math.inf, "high": 11},
            ["upper end: mean 7, sd 1, mean + 5 sd 12; threshold in force 11, too tight"],
        ),
        (
            {"comparator": "within", "low": -5, "high": 10},
            [
                "lower end: mean 3, sd 1, mean - 5 sd -2; threshold in force -5",
                "upper end: mean 7, sd 1, mean + 5 sd 12; threshold in force 10, too tight",
            ],
        ),
    ],
    ids=["too tight", "loose", "at most", "at most, too tight", "within"],
)
def test_the_deciding_end_over_masters(changes, said):
    report = pilot_report(runs(*(claim(*ends, **changes) for ends in ENDS)))
    lines = [line.strip() for line in report.splitlines() if "threshold in force" in line]
    assert lines == said


def test_ratios_are_averaged_by_their_logs():
    ratio = {"unit": "×", "statistic": "geometric mean", "low": 0.01}
    ends = [(math.exp(low), math.exp(high)) for low, high in ENDS]
    report = pilot_report(runs(*(claim(*e, measured=e[0], **ratio) for e in ends)))
    assert f"mean {math.exp(3):.4g}, sd 1 (of logs), mean - 5 sd {math.exp(-2):.4g};" in report
    assert f"measured {math.exp(3):.4g} (" in report


def test_an_identity_has_one_value():
    exact = {"interval": None, "kind": "identity", "statistic": "value", "unit": "×"}
    report = pilot_report(runs(claim(0, 0, **exact), claim(0, 0, **exact)))
    assert "measured: mean 0, sd 0, mean - 5 sd 0; threshold in force 0.05, too tight" in report


def test_claims_that_do_not_hold_are_counted():
    found = runs(claim(2, 6), claim(0, 1), claim(2, 6))
    assert "holds on 2 of 3 masters" in pilot_report(found)
    assert not pilot_ok(found)
    assert pilot_ok(runs(claim(2, 6)))


def test_masters_on_which_a_chain_broke_off_are_told():
    found = [*runs(claim(2, 6), claim(3, 7)), run(-8, broken=["docs/a.md:9: ValueError: no"])]
    report = pilot_report(found)
    assert "holds on 2 of 3 masters, not made on 1" in report
    assert report.endswith("seed offset -8: docs/a.md:9: ValueError: no")
    assert not pilot_ok(found)


def test_the_same_words_on_two_lines_are_two_claims():
    found = [run(-10, claim(2, 6), claim(3, 7, line=9))]
    assert pilot_report(found).count("holds on 1 of 1 master") == 2


def test_a_page_without_claims_says_so():
    assert pilot_report([run(-10)]) == "the page makes no claim"
