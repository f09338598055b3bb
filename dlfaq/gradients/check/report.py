"""What a gradient check found, as a table that a student can read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from math import inf
from typing import Literal, TypeAlias

from dlfaq.errors import InputError
from dlfaq.writing.tables import html_table, text_table

__all__ = ["GradientReport", "GradientRow", "Place", "Verdict"]

Verdict: TypeAlias = Literal["agrees", "wrong", "kink", "undecided", "allowed"]

_HEADINGS = ("name", "shape", "verdict", "relative error", "worst at", "", "numeric")
_LEFT = 3  # columns of words


@dataclass(frozen=True)
class GradientRow:
    """One parameter or input, and its entry on which the two gradients disagree most.

    Attributes:
        name: of the parameter or input.
        shape: of its tensor.
        checked: entries that were compared one by one.
        entries: how many it has; the rest is covered by a derivative along a random direction.
        relative_error: |a − n| of the worst entry over the largest |a| or |n| of all entries.
        index: of the worst entry, the one of the largest |a − n|.
        analytic: a, what autograd or the formula under test says there.
        numeric: n, the central difference there; where the function bends within a step, one that
            was extrapolated from shorter steps.
        step: h of that difference, in the parameter's own unit.
        dtype: such as "float64".
        verdict: "agrees"; "wrong"; "kink", where the function has no derivative and the gradient is
            right on both sides; "undecided", where differences settle on nothing; or "allowed".
        note: what kind of error it is, or where the kink sits, as far as it can be told; of what
            agrees, a warning if it is too small to be told from 0.
        resolution: an error of an entry above this part of the largest entry would have been seen;
            infinite where none would.
        zero: whether all of the gradient is 0.
    """

    name: str
    shape: tuple[int, ...]
    checked: int
    entries: int
    relative_error: float
    index: tuple[int, ...]
    analytic: float
    numeric: float
    step: float
    dtype: str
    verdict: Verdict
    note: str
    resolution: float
    zero: bool = False


@dataclass(frozen=True)
class Place:
    """A piece of code whose own backward pass is wrong, whatever comes after it.

    Attributes:
        code: the module or `torch.autograd.Function`, such as "Linear" or "Square".
        path: the qualified name of the layer it is in, such as "2"; "" is the model itself.
        layer: the type of that layer; "" where there is none.
        rows: its inputs and parameters, checked alone on what they were in the forward pass; the
            last time if it ran several times.
        parts: whether other layers or custom functions ran inside, none of them wrong by itself.
        order: 2 where it is its second derivatives that are wrong.
    """

    code: str
    path: str
    layer: str
    rows: tuple[GradientRow, ...]
    parts: bool = False
    order: int = 1

    def __str__(self) -> str:
        """The place and the arguments whose gradients are wrong, in a sentence."""
        where = self.code
        if self.path:
            inside = f" ({self.layer})" if self.layer != self.code else ""
            where += f" in layer {self.path!r}{inside}"
        elif self.layer and self.layer != self.code:
            where += f" in {self.layer}"
        what = "its gradient" if self.order == 1 else "the second derivative of it"
        return f"{where}: " + "; ".join(
            f"{what} for {row.name!r} {row.note or f'is wrong, most at {list(row.index)}'}"
            for row in self.rows
            if row.verdict == "wrong"
        )


@dataclass(frozen=True)
class GradientReport:
    """The rows of a gradient check and, if it failed, the places where it went wrong.

    `assert report.ok, report` fails with the whole table.

    Attributes:
        rows: one per parameter or input.
        second: the same of w·∇F, if second derivatives were checked.
        places: pieces of code whose own backward is wrong, from the output on, so that the first is
            the culprit. A layer whose wrong gradient is multiplied by 0 here is found too.
        rtol: the largest relative difference that counts as agreement.
        source: whose gradients these are, "autograd" or "given".
        unchecked: inputs of a single layer that require no gradients.
        allowed: what has another gradient on purpose, as `allow=` named it.
        narrow: where less than double precision was computed in.
        unreached: the parts for which there was no time.
        compiled: layers that torch.jit has compiled, in which none was looked at alone.
    """

    rows: tuple[GradientRow, ...]
    places: tuple[Place, ...]
    rtol: float
    source: Literal["autograd", "given"]
    unchecked: tuple[str, ...] = ()
    second: tuple[GradientRow, ...] = ()
    allowed: tuple[str, ...] = ()
    narrow: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()
    compiled: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong; a kink is not, nor what was not decided."""
        return not self.places and all(row.verdict != "wrong" for row in (*self.rows, *self.second))

    @property
    def kinks(self) -> tuple[str, ...]:
        """Where the function has no derivative, each named once."""
        return tuple(dict.fromkeys(row.note for row in self.rows if row.verdict == "kink"))

    @property
    def zero(self) -> tuple[str, ...]:
        """The gradients that are 0 everywhere, by name: a wrong backward may give them too."""
        return tuple(row.name for row in self.rows if row.zero and row.verdict == "agrees")

    @property
    def undecided(self) -> tuple[str, ...]:
        """The gradients on which there is no verdict, by name."""
        rows = (*self.rows, *self.second)
        return tuple(dict.fromkeys(row.name for row in rows if row.verdict == "undecided"))

    @property
    def resolution(self) -> float:
        """The coarsest of those gradients that agree and are not 0."""
        rows = (*self.rows, *self.second)
        agree = [row.resolution for row in rows if row.verdict == "agrees" and not row.zero]
        return max(agree, default=inf)

    def __getitem__(self, name: str) -> GradientRow:
        """The row of that name."""
        rows = {row.name: row for row in self.rows}
        if name not in rows:
            raise InputError(
                expected=f"one of {', '.join(map(repr, rows))}",
                got=repr(name),
                cure="name a parameter as model.named_parameters() does",
            )
        return rows[name]

    @property
    def summary(self) -> tuple[str, ...]:
        """What was found, in sentences."""
        return _sentences(self)

    def __str__(self) -> str:
        """The table in plain text, then what was found."""
        table = text_table(self._headings(), self._cells(), left=_LEFT)
        return "\n".join([table, "", *self.summary, self._method()])

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{escape(sentence)}</p>" for sentence in (*self.summary, self._method()))
        return html_table(self._headings(), self._cells()) + said

    def _headings(self) -> list[str]:
        return [heading or self.source for heading in _HEADINGS]

    def _cells(self) -> list[list[str]]:
        second = [_cells(replace(row, name=f"second: {row.name}")) for row in self.second]
        return [*map(_cells, self.rows), *second]

    def _method(self) -> str:
        if not self.rows:
            return "Nothing was compared."
        row = self.rows[0]
        agree = [
            row for row in (*self.rows, *self.second) if row.verdict == "agrees" and not row.zero
        ]
        finite = [row.resolution for row in agree if row.resolution < inf]
        hidden = [repr(row.name) for row in agree if row.resolution == inf]
        seen = f" Smaller errors than {max(finite, default=inf):.0e} of the largest entry could go "
        seen += (
            f"unseen, and any in {_some(hidden)}, which rounding hides." if hidden else "unseen."
        )
        return (
            f"Central differences, step {row.step:g}, {row.dtype}; "
            f"agreement is to {self.rtol:g} of the larger number, or to what rounding leaves."
            + (seen if finite else "")
        )


def _cells(row: GradientRow) -> list[str]:
    return [
        row.name,
        "×".join(map(str, row.shape)) or "scalar",
        {"wrong": "WRONG"}.get(row.verdict, row.verdict),
        f"{row.relative_error:.1e}",
        str(list(row.index)),
        f"{row.analytic:.5g}",
        f"{row.numeric:.5g}",
    ]


_NAMED = 4  # of many


def _sentences(report: GradientReport) -> tuple[str, ...]:
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
        f"Kink, not an error: {kink}. "
        + (
            "Beside it the gradient is right."
            if report.source == "autograd"
            else "The gradient lies between the slopes of the two sides."
        )
        for kink in report.kinks
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
