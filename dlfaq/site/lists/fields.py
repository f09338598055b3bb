"""The fields of front matter that lists show, each checked when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlfaq.errors import PageError
from dlfaq.site.verdicts import VERDICTS

if TYPE_CHECKING:
    from dlfaq.pages.page import Page

__all__ = ["Fields"]


@dataclass(frozen=True)
class Fields:
    """The front matter of a page. Whatever it lacks is a PageError, with the file and the line."""

    page: Page

    def wrong(self, key: str, expected: str) -> PageError:
        """The error that a field is not what was expected."""
        got = f"{self.page.meta[key]!r}" if key in self.page.meta else "nothing"
        message = f"`{key}`: expected {expected}; got {got}"
        return PageError(self.page.path, self.page.key_line(key), message)

    def text(self, key: str) -> str:
        """A field that is text, and not empty."""
        value = self.page.meta.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "text")
        return value

    def number(self, key: str) -> float:
        """A field that is a number."""
        value = self.page.meta.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(key, "a number")
        return value

    def flag(self, key: str, *, otherwise: bool) -> bool:
        """A field that is true or false; `otherwise` where it is left out."""
        value = self.page.meta.get(key, otherwise)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def answers(self) -> tuple[str, ...]:
        """The IDs of a question; none where `question: true` stands in their place."""
        meta = self.page.meta
        if "question" not in meta:
            return self._texts("answers", "a list of question IDs such as [000-1]")
        if meta["question"] is not True:
            raise self.wrong("question", "true, or no such line")
        if "answers" in meta:
            raise self.wrong("question", "no such line beside `answers`")
        return ()

    def asked(self) -> tuple[str, ...]:
        """Other ways to ask the question; none if it is left out."""
        if "asked" not in self.page.meta:
            return ()
        return self._texts(
            "asked", "a list of other ways to ask it, in quotes where they hold `: `"
        )

    def status(self) -> str:
        """The verdict on the common answer."""
        value = self.page.meta.get("status")
        if not isinstance(value, str) or value not in VERDICTS:
            raise self.wrong("status", f"one of {', '.join(VERDICTS)}")
        return value

    def _texts(self, key: str, expected: str) -> tuple[str, ...]:
        value = self.page.meta[key]
        texts = isinstance(value, list) and all(isinstance(v, str) and v.strip() for v in value)
        if not texts or not value:
            raise self.wrong(key, expected)
        return tuple(value)
