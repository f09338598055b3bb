"""What a gradient check found, as a table that a student can read."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Literal, TypeAlias

from dlfaq.errors import InputError
from dlfaq.writing.tables import html_table, text_table

__all__ = ["GradientReport", "GradientRow", "Place", "Verdict"]

Verdict: TypeAlias = Literal["agrees", "wrong", "kink"]

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
        verdict: "agrees"; "wrong"; or "kink", where the function has no derivative and the gradient
            is right on both sides.
        note: what kind of error it is, or where the kink sits, as far as it can be told; of what
            agrees, a warning if it is too small to be told from 0.
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
    """

    code: str
    path: str
    layer: str
    rows: tuple[GradientRow, ...]
    parts: bool = False

    def __str__(self) -> str:
        """The place and the arguments whose gradients are wrong, in a sentence."""
        where = self.code
        if self.path:
            inside = f" ({self.layer})" if self.layer != self.code else ""
            where += f" in layer {self.path!r}{inside}"
        elif self.layer and self.layer != self.code:
            where += f" in {self.layer}"
        return f"{where}: " + "; ".join(
            f"its gradient for {row.name!r} {row.note or f'is wrong, most at {list(row.index)}'}"
            for row in self.rows
            if row.verdict == "wrong"
        )


@dataclass(frozen=True)
class GradientReport:
    """The rows of a gradient check and, if it failed, the places where it went wrong.

    `assert report.ok, report` fails with the whole table.

    Attributes:
        rows: one per parameter or input.
        places: pieces of code whose own backward is wrong, from the output on, so that the first is
            the culprit. A layer whose wrong gradient is multiplied by 0 here is found too.
        rtol: the largest relative difference that counts as agreement.
        source: whose gradients these are, "autograd" or "given".
        unchecked: inputs of a single layer that require no gradients.
    """

    rows: tuple[GradientRow, ...]
    places: tuple[Place, ...]
    rtol: float
    source: Literal["autograd", "given"]
    unchecked: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong; a kink is not."""
        return not self.places and all(row.verdict != "wrong" for row in self.rows)

    @property
    def kinks(self) -> tuple[str, ...]:
        """Where the function has no derivative, each named once."""
        return tuple(dict.fromkeys(row.note for row in self.rows if row.verdict == "kink"))

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
        wrong = [row for row in self.rows if row.verdict == "wrong"]
        agree = sum(row.verdict == "agrees" for row in self.rows)
        said = [f"{agree} of {len(self.rows)} gradients agree."]
        if self.places:
            said.append(
                f"The backward pass first goes wrong, from the output, in {self.places[0]}."
            )
            said += [f"Also wrong by itself: {place}." for place in self.places[1:]]
            if any(place.parts for place in self.places):
                said.append(
                    "Nothing inside it is wrong alone: look at what happens between the parts, "
                    "such as .detach(), .data, no_grad() or a change in place, and at what they "
                    "share."
                )
            if not wrong:
                said.append(
                    "The gradients above agree all the same: what comes back to it here, such as a "
                    "0, hides the error."
                )
        else:
            said += [f"The gradient for {row.name!r} {row.note}." for row in wrong if row.note]
            if wrong and self.source == "autograd":
                said.append(
                    "Every layer and custom function is right alone: look at the loss, and at what "
                    "the code does between them."
                )
        said += [
            f"Kink, not an error: {kink}. Beside it the gradient is right." for kink in self.kinks
        ]
        said += [
            f"The gradient for {row.name!r} {row.note}."
            for row in self.rows
            if row.verdict == "agrees" and row.note
        ]
        said += [
            f"The gradient for the input {name!r} was not checked: it does not require gradients."
            for name in self.unchecked
        ]
        sampled = [row for row in self.rows if row.checked < row.entries]
        said += [
            f"{row.name!r}: {row.checked:,} of {row.entries:,} entries one by one, all of them "
            "along a random direction."
            for row in sampled
        ]
        return tuple(said)

    def __str__(self) -> str:
        """The table in plain text, then what was found."""
        table = text_table(self._headings(), list(map(_cells, self.rows)), left=_LEFT)
        return "\n".join([table, "", *self.summary, self._method()])

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{escape(sentence)}</p>" for sentence in (*self.summary, self._method()))
        return html_table(self._headings(), list(map(_cells, self.rows))) + said

    def _headings(self) -> list[str]:
        return [heading or self.source for heading in _HEADINGS]

    def _method(self) -> str:
        if not self.rows:
            return "Nothing was compared."
        row = self.rows[0]
        return (
            f"Central differences, step {row.step:g}, {row.dtype}; "
            f"agreement is to {self.rtol:g} of the larger number, or to what rounding leaves."
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
