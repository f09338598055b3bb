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
from typing import TYPE_CHECKING, Any

from dlfaq.execution.key import level_2
from dlfaq.execution.result import Outcome, Result

if TYPE_CHECKING:
    from dlfaq.execution.config import Settings

__all__ = ["Store"]

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
        used = self._read(self.folder / "used" / first)
        if used is None:
            return None
        second = level_2(first, used["files"], used["distributions"], self.settings)
        return self._result(self.folder / "results" / second)

    def put(self, first: str, result: Result) -> None:
        """Store a result under its level-1 key and what it used."""
        second = level_2(first, result.files, result.distributions, self.settings)
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
        record = self._read(self.folder / "last" / f"{name}.failure")
        if record is None or record["key"] != first:
            return None
        try:
            return Outcome.from_json(record["outcome"])
        except (KeyError, TypeError):
            return None

    def last_good(self, name: str) -> Result | None:
        """The last good result of the chain of this name."""
        return self._result(self.folder / "last" / f"{name}.good")

    def _result(self, file: Path) -> Result | None:
        data = self._read(file)
        if data is None:
            return None
        try:
            return Result.from_json(data)
        except (KeyError, TypeError) as error:
            _log.warning(
                "the stored result %s is of another form (%s): run again", file.name, error
            )
            return None

    def _read(self, file: Path) -> dict[str, Any] | None:
        try:
            checksum, _, body = file.read_bytes().partition(b"\n")
        except OSError:
            return None
        if hashlib.sha256(body).hexdigest().encode() != checksum:
            _log.warning("the stored result %s is damaged: run again", file.name)
            return None
        data: dict[str, Any] = json.loads(body)
        return data

    def _write(self, file: Path, data: dict[str, Any]) -> None:
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
