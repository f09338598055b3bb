"""What a gradient check found, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlfaq.gradients.check.report import GradientReport

__all__ = ["sentences"]

_NAMED = 4  # of many


def sentences(report: GradientReport) -> tuple[str, ...]:
    """What is wrong first, then what was excused or could not be judged, then what was left out."""
    agree = sum(row.verdict == "agrees" for row in report.rows)
    return (
        f"{agree} of {len(report.rows)} gradients agree.",
        *(_places(report) if report.places else _elsewhere(report)),
        *_excused(report),
        *_left_out(report),
    )


def _places(report: GradientReport) -> list[str]:
    first = report.places[0]
    said = [f"The backward pass first goes wrong, from the output, in {first}."]
    said += [f"Also wrong by itself: {place}." for place in report.places[1:]]
    if any(place.parts for place in report.places):
        said.append(
            "Nothing inside it is wrong alone: look at what happens between the parts, "
            "such as .detach(), .data, no_grad() or a change in place, and at what they share."
        )
    if all(row.verdict != "wrong" for row in (*report.rows, *report.second)):
        said.append(
            "The gradients above agree all the same: what comes back to it here, such as a 0, "
            "hides the error."
        )
    return said


def _elsewhere(report: GradientReport) -> list[str]:
    wrong = [row for row in report.rows if row.verdict == "wrong"]
    said = [f"The gradient for {row.name!r} {row.note}." for row in wrong if row.note]
    second = [row for row in report.second if row.verdict == "wrong"]
    said += [f"The second derivative for {row.name!r} {row.note or 'is wrong'}." for row in second]
    if (wrong or second) and report.source == "autograd":
        if report.unreached or report.compiled or report.narrow:
            said.append("Where it goes wrong was not isolated: not all of its parts were judged.")
        else:
            said.append(
                "Every layer and custom function is right alone: look at the loss, and at what "
                "the code does between them."
            )
    return said


def _excused(report: GradientReport) -> list[str]:
    said = []
    if report.allowed:
        said.append(
            f"Allowed to have another gradient: {', '.join(report.allowed)}. What comes before it "
            "was checked as if that gradient were the derivative."
        )
    if report.narrow:
        said.append(
            f"Computed in {_some(report.narrow)}: what passes through it was compared over longer "
            "steps, as exactly as that precision allows."
        )
    said += [
        f"Kink, not an error: {kink}. Beside it the gradient is right." for kink in report.kinks
    ]
    for rows, words in ((report.rows, "gradient"), (report.second, "second derivative")):
        said += [
            f"No verdict: the {words} for {row.name!r} {row.note}."
            for row in rows
            if row.verdict == "undecided"
        ]
        said += [
            f"The {words} for {row.name!r} {row.note}."
            for row in rows
            if row.verdict == "agrees" and row.note
        ]
    if report.zero:
        them = _some([repr(name) for name in report.zero])
        every = len(report.zero) == len(report.rows)
        said.append(
            f"{'Every gradient is 0' if every else 'Gradients that are 0'} here: {them}. "
            "Nothing they depend on moves the result at this point, so that most mistakes in what "
            "comes before would not show."
        )
    return said


def _left_out(report: GradientReport) -> list[str]:
    said = [
        f"The gradient for the input {name!r} was not checked: it does not require gradients."
        for name in report.unchecked
    ]
    said += [
        f"The layers inside of {path!r} were not looked at alone: torch.jit has compiled it."
        if path
        else "No layer was looked at alone: torch.jit has compiled the model."
        for path in report.compiled
    ]
    if report.unreached:
        said.append(
            f"Not checked, as budget_s was over: {_some([repr(u) for u in report.unreached])}."
        )
    sampled = [row for row in report.rows if row.checked < row.entries]
    said += [
        f"{row.name!r}: {row.checked:,} of {row.entries:,} entries one by one, all of them "
        "along random directions."
        for row in sampled[:_NAMED]
    ]
    if len(sampled) > _NAMED:
        said.append(f"The same of {len(sampled) - _NAMED} more.")
    return said


def _some(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
