"""Every error dlfaq raises on purpose: one root, facts as attributes, the cure in the message."""

from __future__ import annotations

__all__ = [
    "ClaimFailed",
    "DataNotFound",
    "DlfaqError",
    "ExtraMissing",
    "InputError",
    "PageError",
    "first_line",
]


class DlfaqError(Exception):
    """The root: `except DlfaqError` catches all that dlfaq raises on purpose, and nothing else."""


class InputError(DlfaqError, ValueError):
    """An argument is not what a function of the library takes.

    Attributes:
        expected: what the function takes, in words.
        got: what it was given.
        cure: what the caller should write instead.
    """

    def __init__(self, *, expected: str, got: str, cure: str) -> None:
        self.expected = expected
        self.got = got
        self.cure = cure
        super().__init__(f"expected {expected}; got {got}; {cure}")


class ExtraMissing(DlfaqError, ModuleNotFoundError):
    """A part of the package is asked for whose packages are not installed: `pip install` names it.

    Attributes:
        expected: the package that it needs, in words.
        got: what is there instead.
        cure: what to install.
    """

    def __init__(self, *, expected: str, got: str, cure: str, name: str) -> None:
        self.expected = expected
        self.got = got
        self.cure = cure
        super().__init__(f"expected {expected}; got {got}; {cure}", name=name)


class DataNotFound(DlfaqError, FileNotFoundError):
    """A data set is nowhere to be found. The message lists where we looked and how to get it."""


class ClaimFailed(DlfaqError, AssertionError):
    """A claim does not hold for what was measured."""


class PageError(DlfaqError):
    """A page cannot be read as it is written, at a line of a file.

    Attributes:
        path: the file, relative to the site's root, with forward slashes.
        line: the line in that file, from 1.
        message: what is wrong and what to write instead.
    """

    def __init__(self, path: str, line: int, message: str) -> None:
        self.path = path
        self.line = line
        self.message = message
        super().__init__(f"{path}:{line}: {message}")


def first_line(error: BaseException) -> str:
    r"""What an error says, in one line; the name of its type where it says nothing.

    Example:
        >>> first_line(RuntimeError("no such size\n(in a long trace)")), first_line(KeyError())
        ('no such size', 'KeyError')
    """
    return str(error).strip().partition("\n")[0] or type(error).__name__
