"""Turns an exception into text and numbers, which is all that crosses processes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from dlfaq.execution.task import CHAIN_FILE

if TYPE_CHECKING:
    from dlfaq.execution.task import ChainTask

__all__ = ["describe", "headline"]

#: The engine watches what a chain calls, and may itself be part of the site.
_OWN = os.path.dirname(__file__)  # noqa: PTH120 - a text, as tracebacks have it

#: Characters of a message that are kept.
_MESSAGE = 10_000


def _message(error: BaseException) -> str:
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception as wrong:  # noqa: BLE001 - an exception that cannot say what it is
        text = f"(its message cannot be read: {type(wrong).__name__})"
    return text[:_MESSAGE]


def headline(error: BaseException) -> str:
    """`Type: message`, or the type alone where there is nothing to say."""
    message = _message(error)
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def describe(error: BaseException, task: ChainTask, line: int) -> dict[str, Any]:
    """An exception as text and numbers, which is all that crosses processes.

    Args:
        error: the exception.
        task: says which files are the site's.
        line: the line of the chain, should no frame of the chain be in the traceback.
    """
    places = []
    traceback = error.__traceback__
    while traceback is not None:
        places.append((traceback.tb_frame.f_code.co_filename, traceback.tb_lineno))
        traceback = traceback.tb_next
    if isinstance(error, SyntaxError) and error.filename is not None:
        places.append((error.filename, error.lineno or 1))
    deeper, in_chain, called = None, False, None
    for file, number in places:
        if file == CHAIN_FILE:
            called = called or number
            line, deeper, in_chain = number, None, True
        elif in_chain and task.inputs.counts(file) and not file.startswith(_OWN):
            deeper = (os.path.relpath(file, task.root), number)
    kind = type(error).__name__
    return {
        "kind": kind,
        "message": _message(error),
        "line": line,
        "called": called or line,
        "deeper": deeper,
    }
