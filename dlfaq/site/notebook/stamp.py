"""Says in a notebook what its outputs were measured with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlfaq.site.wording import seed_ranges

if TYPE_CHECKING:
    from dlfaq.site.page.context import Context

__all__ = ["ran_with"]

_NAMES = (("Python", "python"), ("torch", "torch"), ("NumPy", "numpy"), ("processor", "cpu"))


def ran_with(context: Context) -> str:
    """One line of Markdown, "" where nothing of the page ran.

    No date and no duration: those differ between two builds of the same results.
    """
    results = [state.result for state in context.states if state.result is not None]
    if not results:
        return ""
    environment = results[0].environment
    facts = [f"{name} {environment[key]}" for name, key in _NAMES]
    if seeds := context.seeds():
        facts.append(f"seeds {seed_ranges(seeds)}")
    return f"*The outputs above were measured with {', '.join(facts)}.*"
