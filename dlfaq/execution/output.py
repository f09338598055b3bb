"""What one snippet shows, in its process, in the store and on the page."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Output"]


@dataclass
class Output:
    """What one snippet shows.

    Attributes:
        stdout: what it printed, cleaned.
        stderr: what it wrote to standard error, warnings included.
        display: its last expression as (kind, data): "text", "html", "svg" or "png" (base64).
        figures: its figures, each as SVG by size ("wide", "narrow", "thumb"), as "png" in base64,
            for the notebook, and what it shows as "csv".
        exception: the exception that was its point, as "Type: message".
    """

    stdout: str = ""
    stderr: str = ""
    display: list[tuple[str, str]] = field(default_factory=list)
    figures: list[dict[str, str]] = field(default_factory=list)
    exception: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The output as JSON has it."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Output:
        """The output that `to_json` gave.

        Raises:
            TypeError: a field is missing, unknown or of another type.
            ValueError: what is shown is not pairs.
        """
        output = cls(**{**data, "display": [(kind, shown) for kind, shown in data["display"]]})
        if not all("wide" in figure for figure in output.figures):
            raise ValueError("a figure is drawn wide")
        return output
