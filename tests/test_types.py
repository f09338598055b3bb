"""What a reader's editor says of a program that uses the library, by mypy."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

PROGRAM = """\
from dlfaq import Comparison, Dataset, History, Tuned
from dlfaq import compare, digits, fit_many, measure_arms, seeds
from dlfaq import fit_mny  # wrong: attr-defined

data: Dataset = digits(seed=0)
run: History = fit_many(digits, seeds=seeds(2), lr=[0.1, 0.3], sizes=[64, 10], steps=9, clip=1.0)
fit_many(digits, seeds=seeds(2), lr="0.1", sizes=[64, 10], steps=9)  # wrong: arg-type
fit_many(digits, seeds=seeds(2), lr=0.1, sizes=[64, 10], stesp=9)  # wrong: call-arg
fit_many(digits, seeds=seeds(2), lr=0.1, sizes=[64, 10], order="random")  # wrong: arg-type
fit_many(digits, lr=0.1)  # wrong: call-arg

tuned: Comparison[Tuned] = compare(digits, steps=9, arms={"a": {"lr": 0.1, "sizes": [64, 10]}})
tuned["a"].rates.mean()
compare(digits, steps=9, tuned=False, arms={"a": {"lr": 0.1}})["a"].rates  # wrong: attr-defined
compare(digits, steps=9, arms={"a": {"rl": 0.1}})  # wrong: typeddict-unknown-key
measure_arms(lambda seed: seed, arms={"a": {}}).ratio("a", "a").mean()
measure_arms(arms={"a": {}})  # wrong: call-arg
"""


def test_a_type_checker_finds_what_is_wrong_in_a_program_and_nothing_else(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    found = re.findall(r"program\.py:(\d+): error: .*\[([\w-]+)\]$", done.stdout, re.MULTILINE)
    wrong = [
        (str(number), line.partition("# wrong: ")[2])
        for number, line in enumerate(PROGRAM.splitlines(), start=1)
        if "# wrong" in line
    ]
    assert found == wrong, done.stdout + done.stderr
