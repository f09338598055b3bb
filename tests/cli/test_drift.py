"""What moved between two runs, what only came nearer to its threshold, what is gone."""

from __future__ import annotations

import json
import math

import pytest

from dlfaq.cli.drift import drift, read_evidence
from dlfaq.errors import InputError
from dlfaq.protocol import Claim
from dlfaq.site.lists.evidence import Evidence, PageClaim


def claim(page="docs/a.md", *, compared=True, **changes):
    base = {
        "statement": "It grows",
        "kind": "effect",
        "statistic": "mean",
        "comparator": "at_least",
        "low": 0.05,
        "high": math.inf,
        "measured": 0.095,
        "interval": (0.086, 0.104),
        "standard_error": 0.0042,
        "unit": "points",
        "line": 7,
    }
    return PageClaim(page, Claim(**base | changes), compared=compared)


EXACT = {"kind": "identity", "interval": None, "standard_error": None, "unit": ""}
# Across its threshold, where the mean still is inside the interval of the other run.
FELL = {"measured": 0.09, "interval": (0.04, 0.14), "standard_error": 0.0233}


def data(*claims, **environment):
    return Evidence({"torch": "2.14.1", **environment}, list(claims))


def words(found):
    """What the rows say of each claim."""
    lines = [line for line in found.report.splitlines() if line.startswith("docs/")]
    return [line.rpartition(" se  ")[2] for line in lines]


@pytest.mark.parametrize(
    ("before", "after", "said", "ok"),
    [
        ({}, {}, [], True),
        ({}, {"measured": 0.0955}, [], True),
        ({}, {"measured": 0.0945}, ["margin shrank"], True),
        ({}, {"standard_error": 0.005}, ["margin shrank"], True),
        ({}, {"measured": 0.105}, ["moved"], False),
        ({}, {"measured": 0.085}, ["moved, margin shrank"], False),
        (
            {},
            {"measured": 0.045, "interval": (0.036, 0.054)},
            ["no longer holds, moved, margin shrank"],
            False,
        ),
        ({}, FELL, ["no longer holds, margin shrank"], False),
        (FELL, FELL, [], True),
        # An estimate may come out either way.
        ({"gated": False}, {**FELL, "gated": False}, ["margin shrank"], True),
        ({"compared": False}, FELL, ["margin shrank"], True),
        ({}, {"measured": 0.0949999}, [], True),  # rounding
    ],
)
def test_a_claim_is_listed_with_what_happened_to_it(before, after, said, ok):
    found = drift(data(claim(**before)), data(claim(**before | after)))
    assert (words(found), found.ok) == (said, ok)


@pytest.mark.parametrize(
    ("measured", "listed", "ok"),
    [(2.5, 0, True), (1.5, 1, True), (0.5, 1, False)],
    ids=["further", "nearer", "falls"],
)
def test_an_identity_has_a_margin_but_no_interval(measured, listed, ok):
    exact = {**EXACT, "low": 1.0}
    found = drift(data(claim(**exact, measured=2.0)), data(claim(**exact, measured=measured)))
    assert (found.report.count("It grows"), found.ok) == (listed, ok)


def test_what_moved_stands_first_then_what_lost_most():
    old = [claim(statement=name) for name in ("a little", "much", "moved")]
    new = [
        claim(statement=s, measured=m)
        for s, m in zip(("a little", "much", "moved"), (0.094, 0.088, 0.11), strict=True)
    ]
    report = drift(data(*old), data(*new)).report
    assert report.index(" moved ") < report.index(" much ") < report.index(" a little ")
    assert report.endswith("3 claims in both runs: 1 moved or fell, 2 other margins shrank")


def test_claims_of_one_run_alone_are_told_and_a_lost_one_is_a_failure():
    one, two = claim(), claim(statement="It falls")
    assert "only before: docs/a.md:7 It falls" in (lost := drift(data(one, two), data(one))).report
    assert not lost.ok
    assert "only now: docs/a.md:7 It falls" in (found := drift(data(one), data(one, two))).report
    assert found.ok


def test_a_claim_that_changed_its_line_is_the_same():
    assert drift(data(claim()), data(claim(line=9))).ok


def test_it_says_what_the_runs_differ_in():
    report = drift(data(cpu="A", gpu="G"), data(cpu="B", torch="2.15.0")).report
    assert report.splitlines()[:3] == ["torch: 2.14.1 → 2.15.0", "cpu: A → B", "gpu: G → none"]


@pytest.mark.parametrize(
    "text",
    ["no JSON", "[]", "{}", '{"claims": [{}], "environment": {}}', '{"claims": []}', "{'a': 1}"],
)
def test_another_file_is_refused(tmp_path, text):
    file = tmp_path / "evidence.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"expected an evidence\.json in"):
        read_evidence(file)


@pytest.mark.parametrize("missing", ["page", "holds", "line", "unit", "standard_error"])
def test_a_claim_that_lacks_what_is_compared_is_refused(tmp_path, missing):
    file = tmp_path / "evidence.json"
    written = data(claim()).to_json()
    del written["claims"][0][missing]
    file.write_text(json.dumps(written), encoding="utf-8")
    with pytest.raises(InputError, match=f"expected an evidence.json in .*{missing}"):
        read_evidence(file)


def test_a_file_is_read_as_it_was_written(tmp_path):
    file = tmp_path / "evidence.json"
    both = data(claim(), claim(compared=False))
    file.write_text(json.dumps(both.to_json()), encoding="utf-8")
    assert read_evidence(file) == both


@pytest.mark.parametrize(
    ("before", "after", "shift"),
    [
        ({}, {"measured": 0.0992}, 1.0),
        (
            {"unit": "×", "measured": 2.0, "interval": (1.8, 2.2), "standard_error": 0.1},
            {"measured": 2.0 * math.exp(0.15)},
            1.5,
        ),
        ({**EXACT, "low": 1.0, "measured": 2.0}, {"measured": 2.5}, None),
    ],
    ids=["difference", "ratio", "identity"],
)
def test_a_record_says_by_how_many_standard_errors_each_claim_moved(before, after, shift):
    new = claim(**before | after)
    record = drift(data(claim(**before), torch="2.14"), data(new, torch="2.15")).record
    assert (record["old"]["torch"], record["new"]["torch"]) == ("2.14", "2.15")
    (entry,) = record["claims"]
    assert (entry["shift"], entry["same"]) == (pytest.approx(shift), False)


def test_a_record_holds_what_did_not_move_too():
    record = drift(data(claim()), data(claim(), claim(statement="It is new"))).record
    assert [entry["same"] for entry in record["claims"]] == [True]
    assert record["only_new"] == ["docs/a.md:7 It is new"]
