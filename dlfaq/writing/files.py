"""Writes a file whole or not at all, whatever ends the process meanwhile."""

from __future__ import annotations

import contextlib
from typing import IO, TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["UNFINISHED", "replacing", "write_whole"]

#: The names of files that are being written, or that a writer has left who was killed.
UNFINISHED = ".*.part"


@contextlib.contextmanager
def replacing(file: Path) -> Iterator[IO[bytes]]:
    """A stream whose contents take the place of `file` at the end of the block.

    They go to a temporary name beside it, which is then renamed: whoever reads the file meanwhile
    finds the old contents, and two processes that write it at once leave those of one. After an
    exception the file is as it was. What is no regular file (a pipe, a terminal) is written
    directly, and a link stays one.

    Raises:
        OSError: the folder is missing, or the file cannot be written.
    """
    file = file.resolve()
    if file.exists() and not file.is_file():
        with file.open("wb") as stream:
            yield stream
        return
    # A short name: that of the file may be as long as the system allows.
    temporary = file.with_name(UNFINISHED.replace("*", uuid4().hex))
    try:
        with temporary.open("xb") as stream:
            yield stream
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(file: Path, contents: str | bytes) -> None:
    """Write a file at once, text as UTF-8; see `replacing`.

    Raises:
        OSError: the folder is missing, or the file cannot be written.
    """
    data = contents.encode() if isinstance(contents, str) else contents
    with replacing(file) as stream:
        stream.write(data)
