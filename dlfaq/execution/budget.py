"""What the chains of a page may cost: the tests fail above it, the build does not.

In seconds of processor time, which other work on the machine stretches far less than the time that
passes. A page has 40, each of its chains 20, a lab 120 for its one chain, on a core of its own. The
tests share the cores with other tests, and machines differ, so they allow half as much again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlfaq.execution.job import Job
    from dlfaq.execution.result import Result

__all__ = ["ALLOWANCE", "CHAIN_S", "LAB_S", "PAGE_S", "chain_over_budget", "page_over_budget"]

CHAIN_S, PAGE_S, LAB_S = 20, 40, 120

#: How much dearer a chain may come on a slower or shared core. The same chains took from 0.8 to 1.3
#: times as long within a day, on one kind of machine.
ALLOWANCE = 1.5

_CURE = "train fewer replicas, rates or steps"


def chain_over_budget(job: Job, result: Result) -> str | None:
    """Say by how much a chain is over its budget; None if it is not.

    Example:
        A message is `docs/page.md:12: this chain took 23.4 s of processor time, at most 20; train
        fewer replicas, rates or steps, or give each data set a chain of its own`.
    """
    limit = LAB_S if job.page.is_lab else CHAIN_S
    if result.cpu_s <= ALLOWANCE * limit:
        return None
    place = f"{job.page.path}:{job.chain.head.start}"
    cure = _CURE if job.page.is_lab else f"{_CURE}, or give each data set a chain of its own"
    return (
        f"{place}: this chain took {result.cpu_s:.1f} s of processor time, at most {limit}; {cure}"
    )


def page_over_budget(ran: Sequence[tuple[Job, Result]]) -> str | None:
    """Say by how much a page is over its budget, at the chain that took most; None if it is not."""
    total = sum(result.cpu_s for _, result in ran)
    if any(job.page.is_lab for job, _ in ran) or total <= ALLOWANCE * PAGE_S:
        return None
    longest, result = max(ran, key=lambda pair: pair[1].cpu_s)
    place = f"{longest.page.path}:{longest.chain.head.start}"
    return (
        f"{place}: the chains of this page took {total:.1f} s of processor time together, at most "
        f"{PAGE_S}; {_CURE}, first of all here, where {result.cpu_s:.1f} s were spent"
    )
