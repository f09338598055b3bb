"""What running a chain gives: its outputs, values and claims, or where and why it failed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from dlfaq.execution.output import Output
from dlfaq.execution.shape import check_shape
from dlfaq.protocol import Claim

__all__ = ["Failure", "Outcome", "Result"]


@dataclass
class Result:
    """What a chain gave.

    Attributes:
        outputs: one for each snippet.
        values: text of each inline expression.
        claims: its claims, each with the line of the chain, from 1, that makes it.
        elapsed_s: wall seconds on one core.
        cpu_s: seconds of processor time, which a busy machine does not stretch as it does those.
        peak_bytes: memory it took beyond what it started with.
        finished: the day it ran, ISO 8601.
        environment: versions, CPU, seed offset and device.
        inputs: what it depended on besides its code, name to value; see `dlfaq.execution.inputs`.
        distributions: what it imported from elsewhere, name to version.
    """

    outputs: list[Output]
    values: dict[str, str] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    elapsed_s: float = 0.0
    cpu_s: float = 0.0
    peak_bytes: int = 0
    finished: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    distributions: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The result as JSON has it."""
        return {**asdict(self), "claims": [claim.to_json() for claim in self.claims]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Result:
        """The result that `to_json` gave.

        Raises:
            AttributeError, TypeError, ValueError: a field is missing, unknown or of another type.
        """
        outputs = [Output.from_json(output) for output in data["outputs"]]
        claims = [Claim.from_json(claim) for claim in data["claims"]]
        result = cls(**{**data, "outputs": outputs, "claims": claims})
        check_shape(result)
        date.fromisoformat(result.finished)
        return result


@dataclass
class Failure:
    """Why a chain failed, at a line of a page.

    Attributes:
        path: the page, relative to the root.
        line: the line of the page; for an include, the line that includes.
        kind: type of the exception, or what ended the chain ("Timeout", "ClaimFailed", ...).
        message: what it says.
        also: further places, as "path:line" (of an included file, of a function that was called).
        context: the lines around, as (number, text).
        marked: which of them is the line.
        snippet: index in the chain of the snippet that failed.
    """

    path: str
    line: int
    kind: str
    message: str
    also: list[str] = field(default_factory=list)
    context: list[tuple[int, str]] = field(default_factory=list)
    marked: int = 0
    snippet: int = 0

    @property
    def summary(self) -> str:
        """One line, `docs/page.md:LINE: Type: message`."""
        first = self.message.strip().split("\n")[0]
        said = f": {first}" if first else ""
        also = f" (in {', '.join(self.also)})" if self.also else ""
        return f"{self.path}:{self.line}: {self.kind}{said}{also}"

    def __str__(self) -> str:
        """The summary, the rest of the message, and the lines around."""
        rest = self.message.strip().split("\n")[1:]
        lines = [f"{'>' if n == self.marked else ' '} {n:5} {text}" for n, text in self.context]
        return "\n".join([self.summary, *rest, *(line.rstrip() for line in lines)])


@dataclass
class Outcome:
    """A chain's result and its failures.

    A chain whose claims do not hold ran to its end: it has both. A chain that broke off has what
    it showed until then. Only an outcome without failures is stored.
    """

    result: Result
    failures: list[Failure] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the result may be stored."""
        return not self.failures

    def to_json(self) -> dict[str, Any]:
        """The outcome as JSON has it."""
        return {"result": self.result.to_json(), "failures": [asdict(one) for one in self.failures]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Outcome:
        """The outcome that `to_json` gave."""
        failures = [
            Failure(**{**one, "context": [tuple(pair) for pair in one["context"]]})
            for one in data["failures"]
        ]
        return cls(Result.from_json(data["result"]), failures)
