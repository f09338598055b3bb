"""How true `check_gradients` is: networks with a right backward pass and with one planted fault.

Hypothesis draws them, always the same, from `dlfaq.gradients.planted`. What is true of each is
autograd's gradient of the network without the fault. A right gradient that is called wrong is a
false alarm; a wrong one that passes is missed if the fault is larger than the resolution that the
report states. `torch.autograd.gradcheck` gets the same networks, in float64 with its defaults and
in float32 with the step and tolerances of the page on it, docs/gradients/backward.md.

    python bench/gradient_truth.py [--cases 1000] [--progress FILE]

It prints a Markdown record. With --progress what was tried is kept in that file, a line a case, and
a run that was broken off goes on from there; the file is for one state of the code.
"""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import randoms

from dlfaq.gradients.planted.cases import draw_case
from dlfaq.gradients.planted.trials import Trial, errors, peer_passes, tried

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random

    from dlfaq.gradients.planted.cases import Case

GROSS = 0.01  # of the largest entry of a gradient
PEERS = ("gradcheck, float64", "gradcheck, float32")
NEAR = 3  # times the resolution
PER_REAL = 4  # so many cases are drawn for each that has to have a fault above the resolution


@dataclass(frozen=True)
class Result:
    """One case: what was said of it, and whether gradcheck passes it in float64 and in float32."""

    case: Case
    trial: Trial
    double: bool
    single: bool
    peer_seconds: float

    @property
    def real(self) -> bool:
        """Whether the fault is larger than the resolution that the report states."""
        return self.trial.seen > 1

    @property
    def passed(self) -> bool:
        """Whether nothing wrong was found."""
        return self.trial.said != "wrong"


def drawn(count: int, *, faulty: bool) -> list[Case]:
    """Different cases, the same in every run, without faults that have no effect.

    A batch of one example is its own first one, and what is 0 has any sign.
    """
    cases: dict[Case, Case] = {}

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(randoms(use_true_random=False))
    def draw(random: Random) -> None:
        case = draw_case(random, faulty=faulty)
        cases.setdefault(replace(case, seed=0), case)  # Hypothesis repeats the simplest

    draw()
    return [case for case in cases.values() if not faulty or max(errors(case)) > 0]


def measured(case: Case) -> dict[str, Any]:
    """All of a result but its case, as it is kept in a file."""
    trial = tried(case)
    start = process_time()
    double, single = peer_passes(case), peer_passes(case, single=True)
    peer_seconds = (process_time() - start) / 2
    return {**asdict(trial), "double": double, "single": single, "peer_seconds": peer_seconds}


def results(cases: Sequence[Case], progress: Path | None) -> Iterator[Result]:
    """Of each case, measured now or read from the file."""
    known: dict[str, dict[str, Any]] = {}
    if progress and progress.exists():
        lines = progress.read_text(encoding="utf-8").splitlines()
        known = dict(json.loads(line) for line in lines)
    for case in cases:
        found = known.get(repr(case))
        if found is None:
            found = measured(case)
            if progress:
                with progress.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([repr(case), found]) + "\n")
        peers = {key: found.pop(key) for key in ("double", "single", "peer_seconds")}
        yield Result(case, Trial(**found), **peers)


def until_real(found: Iterator[Result], count: int) -> list[Result]:
    """Results up to the one that makes `count` with a fault above the resolution."""
    taken: list[Result] = []
    real = 0
    for result in found:
        taken.append(result)
        real += result.real
        if real == count:
            break
    return taken


def share(chosen: Sequence[Result], counts: Callable[[Result], bool]) -> str:
    """So many of so many."""
    return f"{sum(map(counts, chosen)):,} of {len(chosen):,}"


def row(name: str, *cells: object) -> str:
    """A line of a table."""
    return f"| {name} | " + " | ".join(map(str, cells)) + " |"


def verdicts(right: Sequence[Result], wrong: Sequence[Result]) -> str:
    """The three checks beside each other."""
    gross = [result for result in wrong if result.trial.error >= GROSS]
    fine = [result for result in wrong if result.trial.error < GROSS]
    lines = [
        row("", "check_gradients", *PEERS),
        "|---|---:|---:|---:|",
        row(
            "right, called wrong",
            share(right, lambda r: not r.passed),
            share(right, lambda r: not r.double),
            share(right, lambda r: not r.single),
        ),
    ]
    for name, chosen in (
        (f"wrong by {GROSS:.0%} or more of the largest entry, passed", gross),
        ("wrong by less, but above the resolution, passed", fine),
    ):
        cells = (
            share(chosen, lambda r: r.passed),
            share(chosen, lambda r: r.double),
            share(chosen, lambda r: r.single),
        )
        lines.append(row(name, *cells))
    both = [*right, *wrong]
    ours = sum(result.trial.seconds for result in both) / len(both)
    peer = f"{sum(result.peer_seconds for result in both) / len(both):.3f}"
    return "\n".join([*lines, row("seconds of CPU a case", f"{ours:.3f}", peer, peer)])


def by_fault(wrong: Sequence[Result]) -> str:
    """What passed, and which layer was blamed in a module, for each kind of fault."""
    lines = [
        row(
            "fault", "cases", "passed", *PEERS, "blamed: its layer", "around it", "another", "none"
        ),
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for kind in sorted({result.case.fault.kind for result in wrong if result.case.fault}):
        chosen = [r for r in wrong if r.case.fault and r.case.fault.kind == kind]
        passed = [
            sum(counts(result) for result in chosen)
            for counts in (lambda r: r.passed, lambda r: r.double, lambda r: r.single)
        ]
        blame = [r.trial.blame for r in chosen if r.case.subject == "module" and not r.passed]
        blamed = [blame.count(which) for which in ("right", "around", "wrong", "none")]
        lines.append(row(kind, len(chosen), *passed, *blamed))
    return "\n".join(lines)


def record(right: Sequence[Result], planted: Sequence[Result]) -> str:
    """The whole record."""
    wrong = [result for result in planted if result.real]
    near = [result for result in wrong if result.trial.seen <= NEAR]
    beneath = [result for result in planted if not result.real]
    every = [*right, *planted]
    said = [result.trial.said for result in every]
    amiss = [
        result
        for result in every
        if result.trial.said in {"refused", "crashed"}
        or (result.passed if result.real else not result.passed and result.case.fault is None)
    ]
    text = f"""# Right and wrong gradients, as check_gradients and gradcheck tell them apart

Written by:

    OMP_NUM_THREADS=1 python bench/gradient_truth.py --cases {len(right)}

PyTorch {torch.__version__}, Hypothesis {version("hypothesis")}, Python {platform.python_version()},
{platform.machine()}.

{verdicts(right, wrong)}

- Of the right ones {share(right, lambda r: r.trial.said == "undecided")} got no verdict on some
  gradient.
- {said.count("refused"):,} of all {len(said):,} were refused, {said.count("crashed"):,} ended in an
  error.
- Of the wrong ones {share(near, lambda r: r.passed)} passed whose fault is from 1 to {NEAR} times
  the resolution that the report states.
- {len(beneath):,} more were tried whose fault is below the resolution;
  {share(beneath, lambda r: not r.passed)} were found all the same.

Blame is counted where a module was called wrong: a function, and gradients that are given, have no
layers to name. "Around" is a module that holds the layer with the fault, such as one that computes
in float32 inside.

{by_fault(wrong)}
"""
    if amiss:
        text += "\nWhat went wrong, each to be built again from what is printed here:\n\n"
        text += "".join(
            f"- {r.trial.said}, off by {r.trial.error:.1e}: `{r.case}`\n" for r in amiss
        )
    return text


def main() -> None:
    """Try all cases and print the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1000, help="right ones, and as many wrong")
    parser.add_argument("--progress", type=Path, help="keeps what was tried, to go on from there")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    right = list(results(drawn(chosen.cases, faulty=False), chosen.progress))
    wrong = results(drawn(PER_REAL * chosen.cases, faulty=True), chosen.progress)
    print(record(right, until_real(wrong, chosen.cases)), end="")


if __name__ == "__main__":
    main()
