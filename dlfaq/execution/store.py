"""Keeps results on disk. The runner writes it, the renderer reads it, and only here do they meet.

A file holds the SHA-256 of its JSON and the JSON. It is written under a temporary name and renamed,
so that two builds at once, or one that is killed, leave whole files. What cannot be read is a miss.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dlfaq.errors import InputError
from dlfaq.execution.key import file_hash, level_2, version
from dlfaq.execution.result import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlfaq.pages.config import Settings

__all__ = ["Store"]

_T = TypeVar("_T")

_log = logging.getLogger("dlfaq.store")


class Store:
    """The results of one site.

    Folders: `used/` (level 1: what the chain read and imported), `results/` (level 2: the result),
    `last/` (for serve alone: last good result and last failure of each chain).
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.store_dir

    def get(self, first: str) -> Result | None:
        """The result of a chain with this level-1 key, as files and distributions are now."""

        def second(used: dict[str, Any]) -> str:
            files = {path: file_hash(self.settings.root / path) for path in used["files"]}
            distributions = {name: version(name) for name in used["distributions"]}
            return level_2(first, files, distributions)

        name = self._load(self.folder / "used" / first, second)
        return self._load(self.folder / "results" / name, Result.from_json) if name else None

    def put(self, first: str, result: Result) -> None:
        """Store a result under its level-1 key and what it used."""
        second = level_2(first, result.files, result.distributions)
        self._write(self.folder / "results" / second, result.to_json())
        used = {"files": sorted(result.files), "distributions": sorted(result.distributions)}
        self._write(self.folder / "used" / first, used)

    def remember(self, name: str, first: str, outcome: Outcome) -> None:
        """Keep the last good result, or the last failure, of the chain of this name."""
        if outcome.ok:
            self._write(self.folder / "last" / f"{name}.good", outcome.result.to_json())
        else:
            record = {"key": first, "outcome": outcome.to_json()}
            self._write(self.folder / "last" / f"{name}.failure", record)

    def last_failure(self, name: str, first: str) -> Outcome | None:
        """The last failure of the chain of this name, if its code has not changed since."""

        def read(data: dict[str, Any]) -> Outcome | None:
            return Outcome.from_json(data["outcome"]) if data["key"] == first else None

        return self._load(self.folder / "last" / f"{name}.failure", read)

    def last_good(self, name: str) -> Result | None:
        """The last good result of the chain of this name."""
        return self._load(self.folder / "last" / f"{name}.good", Result.from_json)

    def _load(self, file: Path, read: Callable[[dict[str, Any]], _T]) -> _T | None:
        """What a file holds, as `read` makes it of its JSON; None if there is nothing to be had."""
        try:
            checksum, _, body = file.read_bytes().partition(b"\n")
        except OSError:
            return None
        if hashlib.sha256(body).hexdigest().encode() != checksum:
            _log.warning("the stored result %s is damaged: run again", file.name)
            return None
        try:
            return read(json.loads(body))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            _log.warning(
                "the stored result %s is of another form (%r): run again", file.name, error
            )
            return None

    def _write(self, file: Path, data: dict[str, Any]) -> None:
        try:
            self._replace(file, data)
        except OSError as error:
            raise InputError(
                expected=f"a folder for results at {self.folder}",
                got=str(error),
                cure="make room there, or name another with DLFAQ_STORE",
            ) from None

    def _replace(self, file: Path, data: dict[str, Any]) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        body = json.dumps(data, ensure_ascii=False, sort_keys=True).encode()
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
            Path(temporary).replace(file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
