"""The command, run on a tiny site: what it prints and the status it ends with."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from statistics import fmean, stdev

import pytest

from dlfaq.cli.main import main
from dlfaq.errors import PageError
from dlfaq.pages.config import EXTENSION, read_settings
from dlfaq.site.lists.pilots import read_pilots

CONFIG = f"""\
site_name: Tiny
markdown_extensions:
  - {EXTENSION}:
      preload: [numpy, scipy.stats]
"""

HEAD = """\
```python
import os

import numpy as np

from dlfaq import claim

first = 1000 + 100 * int(os.environ["DLFAQ_SEED_OFFSET"])
seeds = range(first, first + 16)


def draws(mean):
    return np.array([np.random.default_rng(seed).normal(mean, 0.5) for seed in seeds])


"""

GOOD = f"""\
# Good

{HEAD}claim("It gains", draws(1), at_least=0.25, seeds=seeds, unit="points", label="gain")
claim("It falls at most to a half", np.exp(draws(0)), at_least=0.5, seeds=seeds, unit="×")
claim("Twice two is `four`", 2.0 * 2, equals=4)
claim("It fails rarely", draws(1) < -1, at_most=0.3, seeds=seeds)
claim("Nothing changes", draws(0), within=1, null=True, seeds=seeds)
```
"""

# The first chain makes a claim that does not hold, the second breaks off after one that does.
BAD = f"""\
# Bad

{HEAD}claim("It gains a lot", draws(1), at_least=1.5, seeds=seeds)
claim("It gains something", draws(1), at_least=0, seeds=seeds)
```

```python
from dlfaq import claim

claim("One is one", 1, within=(1, 1))
1 / 0
```
"""

# As the library records comparisons of two arms; with placebos both draw from one distribution.
ARMS = f"""\
# Arms

{HEAD}from dlfaq.replicate_values import Replicates

new = draws(0 if os.environ["DLFAQ_PLACEBO"] == "1" else 1)
new, same = (Replicates.of(one, arms=("old", "new"), seeds=seeds) for one in (new, draws(1)))
claim("New is better", new, at_least=0)
claim("New is a little better", new, at_least=0.1)
claim("The same arm is {{same}}", same, {{same}}=0)
claim("There is a mean", draws(1), at_least=0, seeds=seeds)
```
"""
HONEST, LEAKY = ARMS.format(same="at_most"), ARMS.format(same="at_least")


@pytest.fixture
def dlfaq(tmp_path, monkeypatch, capsys):
    """A function that writes pages and runs the command there: its status, output and errors."""
    for name in ("DLFAQ_STORE", "DLFAQ_SEED_OFFSET", "DLFAQ_DEVICE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DLFAQ_JOBS", "2")
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text(CONFIG, encoding="utf-8")

    def run(*arguments, **pages):
        for name, text in pages.items():
            (tmp_path / "docs" / f"{name}.md").write_text(text, encoding="utf-8")
        status = main(["-C", str(tmp_path), *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


def rows(output):
    """The words of each row of a table by the line of the page that makes the claim."""
    found = [line.split() for line in output.splitlines() if line.startswith("docs/")]
    return {words[0]: words[1:] for words in found}


def test_claims_that_hold_make_a_whole_table(dlfaq):
    status, output, _ = dlfaq("claims", good=GOOD)
    assert status == 0
    lines = output.splitlines()
    assert re.split(" {2,}", lines[0]) == [
        "claim",
        "measured",
        "95 % interval",
        "threshold",
        "margin",
        "holds",
    ]
    assert len(lines) == 1 + 5 + 1
    assert all(line.endswith("yes") for line in lines[1:-1])
    gain = next(line for line in lines if "It gains" in line)
    assert "docs/good.md:18 It gains" in gain
    assert " pts " in gain
    assert "at least +25" in gain
    assert " se " in gain
    identity = next(line for line in lines if "four" in line)
    assert "equal to 4, to 10^−10" in identity
    assert "exact" in identity
    assert lines[-1] == "5 of 5 claims hold"


def test_one_that_fails_hides_none_of_the_others(dlfaq):
    status, output, errors = dlfaq("claims", good=GOOD, bad=BAD)
    assert status == 1
    verdicts = {line: words[-1] for line, words in rows(output).items()}
    assert len(verdicts) == 5 + 2 + 1
    assert [line for line, verdict in verdicts.items() if verdict == "NO"] == ["docs/bad.md:18"]
    assert output.splitlines()[-1] == "7 of 8 claims hold"
    assert "docs/bad.md:18: ClaimFailed" in errors
    assert "docs/bad.md:26: ZeroDivisionError" in errors


def test_a_chain_that_breaks_off_is_a_failure_even_if_all_its_claims_hold(dlfaq):
    pages = {"page": "# A\n\n```python\n" + BAD.split("```python\n")[2]}
    status, output, _ = dlfaq("claims", **pages)
    assert (status, output.splitlines()[-1]) == (1, "1 of 1 claims hold")


def test_pages_are_chosen_and_written_as_data(dlfaq, tmp_path):
    file = tmp_path / "claims.json"
    status, *_ = dlfaq("claims", "--page", "go*", "--json", file, good=GOOD, bad=BAD)
    assert status == 0
    claims = json.loads(file.read_text(encoding="utf-8"))["claims"]
    assert {claim["page"] for claim in claims} == {"docs/good.md"}
    assert [claim["line"] for claim in claims] == [18, 19, 20, 21, 22]


def test_data_are_written_also_where_claims_do_not_hold(dlfaq, tmp_path):
    file = tmp_path / "claims.json"
    assert dlfaq("claims", "--json", file, bad=BAD)[0] == 1
    claims = json.loads(file.read_text(encoding="utf-8"))["claims"]
    assert [claim["holds"] for claim in claims] == [False, True, True]


def test_other_seeds_give_other_values_of_the_same_claims(dlfaq, tmp_path):
    measured = []
    for offset in (0, 3):
        file = tmp_path / f"{offset}.json"
        assert dlfaq("claims", "--seed-offset", offset, "--json", file, good=GOOD)[0] == 0
        data = json.loads(file.read_text(encoding="utf-8"))
        assert data["environment"]["seed_offset"] == str(offset)
        assert data["claims"][0]["seeds"][0] == 1000 + 100 * offset
        measured.append(data["claims"][0]["measured"])
    assert measured[0] != measured[1]


def test_mutate_shows_that_each_claim_can_fail(dlfaq, tmp_path):
    file = tmp_path / "claims.json"
    status, output, _ = dlfaq("claims", "--mutate", "--json", file, good=GOOD)
    assert status == 0
    assert all(words[-2:] == ["yes", "fails"] for words in rows(output).values())
    assert output.splitlines()[-1] == "5 of 5 claims hold; inverted, 0 of 5"
    claims = json.loads(file.read_text(encoding="utf-8"))["claims"]
    assert [claim["holds"] for claim in claims] == [True] * 5  # as measured


def test_an_estimate_fails_nothing_and_is_told_apart(dlfaq):
    page = (
        "# A\n\n```python\nfrom dlfaq import estimate, seeds\n\n"
        'estimate("Is it so?", [0.1, -0.1, 0.2, -0.2], at_least=0, seeds=seeds(4))\n```\n'
    )
    status, output, _ = dlfaq("claims", page=page)
    assert (status, rows(output)["docs/page.md:6"][-1]) == (0, "inconclusive")
    assert output.splitlines()[-1] == "0 of 0 claims hold; 1 estimate, not gated"
    status, output, _ = dlfaq("claims", "--mutate")
    assert (status, rows(output)["docs/page.md:6"][-2:]) == (0, ["not", "gated"])


def test_mutate_finds_a_claim_that_cannot_fail(dlfaq, tmp_path):
    page = (
        '# A\n\n```python\nfrom dlfaq import claim\n\nx = 3\nclaim("x is x", x, at_least=x)\n```\n'
    )
    assert dlfaq("claims", page=page)[0] == 0
    file = tmp_path / "claims.json"
    status, output, _ = dlfaq("claims", "--mutate", "--json", file)
    assert status == 1
    assert rows(output)["docs/page.md:7"][-2:] == ["yes", "HOLDS"]
    assert json.loads(file.read_text(encoding="utf-8"))["claims"][0]["holds"] is True


def test_placebos_show_no_effect(dlfaq, tmp_path):
    file = tmp_path / "claims.json"
    status, output, errors = dlfaq("claims", "--placebo", "--json", file, arms=HONEST)
    assert (status, errors) == (0, "")
    assert [words[-1] for words in rows(output).values()] == ["NO", "NO", "NO", "arms"]
    data = json.loads(file.read_text(encoding="utf-8"))
    assert data["environment"]["placebo"] == "1"
    arms = ["old", "new"]
    assert [(claim["holds"], claim["arms"]) for claim in data["claims"]] == [
        *[(False, arms)] * 3,
        (None, []),
    ]
    assert output.splitlines()[-1] == "0 of 3 claims hold; 1 without arms"


def test_an_effect_that_holds_between_equal_arms_fails_the_run(dlfaq):
    status, output, _ = dlfaq("claims", "--placebo", arms=LEAKY)
    assert status == 1
    assert [words[-1] for words in rows(output).values()] == ["NO", "NO", "yes", "arms"]


def test_a_chain_that_breaks_off_fails_a_run_with_placebos(dlfaq):
    status, _, errors = dlfaq("claims", "--placebo", bad=BAD)
    assert status == 1
    assert "ZeroDivisionError" in errors
    assert "ClaimFailed" not in errors


def test_the_real_results_are_not_those_of_placebos(dlfaq):
    dlfaq("claims", "--placebo", arms=LEAKY)
    assert dlfaq("claims")[0] == 0


def test_pilot_runs_the_exploration_masters(dlfaq):
    status, output, _ = dlfaq("pilot", "good.md", "--masters", 2, good=GOOD)
    assert status == 0
    assert output.count("holds on 2 of 2 masters") == 5
    assert "mean - 5 sd" in output
    assert "threshold in force 0.25" in output


def test_pilot_keeps_what_it_gave_where_the_evidence_page_reads_it(dlfaq, tmp_path):
    status, output, _ = dlfaq("pilot", "good.md", "--masters", 3, "--json", good=GOOD)
    assert status == 0
    assert "written: docs/pilots/good.json" in output
    measured = []
    for offset in (-10, -9, -8):
        file = tmp_path / f"{offset}.json"
        dlfaq("claims", "--page", "good.md", f"--seed-offset={offset}", "--json", file)
        measured.append(json.loads(file.read_text(encoding="utf-8"))["claims"][0])
    kept = json.loads((tmp_path / "docs/pilots/good.json").read_text(encoding="utf-8"))
    assert (kept["page"], kept["masters"], len(kept["claims"])) == ("docs/good.md", 3, 5)
    first = kept["claims"][0]
    low = [one["interval"][0] for one in measured]
    assert (first["statement"], first["masters"], first["holds"]) == ("It gains", 3, 3)
    assert first["mean"] == pytest.approx(fmean(one["measured"] for one in measured), rel=1e-5)
    assert first["ends"] == [
        {
            "end": "lower",
            "mean": pytest.approx(fmean(low), rel=1e-5),
            "sd": pytest.approx(stdev(low), rel=1e-5),
            "tightest": pytest.approx(fmean(low) - 5 * stdev(low), rel=1e-4),
        }
    ]
    settings = read_settings(tmp_path)
    assert read_pilots(settings, "good.md")["It gains"].holds == 3
    assert read_pilots(settings, "bad.md") == {}


def test_another_file_in_place_of_a_pilot_is_an_error_that_names_it(dlfaq, tmp_path):
    dlfaq("lint", good=GOOD)
    (tmp_path / "docs" / "pilots").mkdir()
    (tmp_path / "docs" / "pilots" / "good.json").write_text("{}", encoding="utf-8")
    with pytest.raises(PageError, match=r"^docs/pilots/good\.json:1: no record of a pilot"):
        read_pilots(read_settings(tmp_path), "good.md")


def test_pilot_says_what_did_not_hold_or_break(dlfaq):
    status, output, _ = dlfaq("pilot", "bad.md", "--masters", 2, bad=BAD)
    assert status == 1
    assert "holds on 0 of 2 masters" in output
    for offset in (-10, -9):
        assert f"seed offset {offset}: docs/bad.md:26: ZeroDivisionError" in output


def test_drift_compares_two_runs(dlfaq, tmp_path):
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    dlfaq("claims", "--json", old, good=GOOD)
    status, output, _ = dlfaq("drift", old, old)
    assert status == 0
    assert output == (
        "both runs: the same versions, machine and seeds\n\n"
        "5 claims in both runs: 0 moved or fell, 0 other margins shrank\n"
    )
    data = json.loads(old.read_text(encoding="utf-8"))
    data["claims"][0]["measured"] = 0.2
    new.write_text(json.dumps(data), encoding="utf-8")
    status, output, _ = dlfaq("drift", old, new)
    assert status == 1
    assert re.search("docs/good.md:18 It gains .* moved", output)


def test_drift_needs_no_site(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = json.dumps({"schema": 3, "environment": {}, "claims": []})
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert main(["drift", "a.json", "a.json"]) == 0
    assert "0 claims in both runs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["claims", "--page", "zebra"], "got zebra"),
        (["pilot", "zebra.md"], "got zebra.md"),
        (["claims", "--seed-offset", "ten"], "from -10 to 40,000,000; got 'ten'"),
        (["claims", "--seed-offset=-11"], "got '-11'"),
        (["claims", "--json", "no/such/folder.json"], "No such file or directory"),
        (["drift", "no.json", "no.json"], "No such file or directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_use_says_so(dlfaq, arguments, message):
    status, _, errors = dlfaq(*arguments, words="# Words\n")
    assert status == 2
    assert message in errors


@pytest.mark.parametrize(
    "arguments",
    [
        ["claims", "--mutate", "--placebo"],
        ["pilot"],
        ["pilot", "good.md", "--masters", "11"],
        ["pilot", "good.md", "--masters", "1"],
        ["drift", "old.json"],
        [],
    ],
    ids=" ".join,
)
def test_wrong_arguments_end_with_status_2(dlfaq, arguments):
    with pytest.raises(SystemExit) as ended:
        dlfaq(*arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize(
    "arguments", [["--help"], ["claims", "--mutate", "--page", "words.md"]], ids=" ".join
)
def test_neither_help_nor_the_check_of_claims_loads_numbers(tmp_path, arguments):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "words.md").write_text("# Words\n", encoding="utf-8")
    (tmp_path / "mkdocs.yml").write_text(CONFIG, encoding="utf-8")
    code = (
        "import atexit, sys\n"
        "heavy = {'numpy', 'scipy', 'torch', 'matplotlib'}\n"
        "atexit.register(lambda: print(sorted(heavy & sys.modules.keys())))\n"
        "from dlfaq.cli.main import main\n"
        f"sys.exit(main({['-C', str(tmp_path), *arguments]!r}))\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", ["run", "claims", "pilot", "drift", "lint", "new", "memory"])
def test_help_has_an_example(capsys, command):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"example: dlfaq {command}" in capsys.readouterr().out
