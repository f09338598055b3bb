"""Keeps results on disk. The runner writes it, the renderer reads it, and only here do they meet.

A file holds the SHA-256 of its JSON and the JSON, which repeats the name of the file. It is written
whole or not at all, so that two builds at once, or one that is killed, leave whole files. What
cannot be read, or is the result of something else, is a miss.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from contextlib import suppress
from stat import S_ISREG
from typing import TYPE_CHECKING, Any, TypeVar

from dlfaq.errors import InputError
from dlfaq.execution.inputs import inputs_of
from dlfaq.execution.key import result_key, version
from dlfaq.execution.result import Outcome, Result
from dlfaq.writing.files import UNFINISHED, write_whole

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from dlfaq.pages.config import Settings

__all__ = ["Store"]

_T = TypeVar("_T")

# A file that a writer of another machine has begun may be younger, but not by much.
_WRITTEN_S = 60

_log = logging.getLogger("dlfaq.store")


class Store:
    """The results of one site.

    Folders: `used/` (what a chain read and imported, by the chain's key), `results/` (by the
    result's key), `last/` (for serve alone: last good result and last failure of each chain).
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.store_dir
        self.inputs = inputs_of(settings)

    def get(self, key: str, snippets: int) -> Result | None:
        """The result of the chain with this key and so many snippets, as all it used is now."""

        def read(data: dict[str, Any]) -> Result:
            result = Result.from_json(data)
            if len(result.outputs) != snippets:
                raise ValueError(f"{len(result.outputs)} outputs of {snippets} snippets")
            return result

        name = self._result_name(key)
        return self._load(self.folder / "results" / name, read) if name else None

    def _result_name(self, key: str) -> str | None:
        """What the result of the chain with this key is stored under, as all it used is now."""

        def name(used: dict[str, Any]) -> str:
            inputs = {name: self.inputs.value(name) for name in used["inputs"]}
            distributions = {name: version(name) for name in used["distributions"]}
            return result_key(key, inputs, distributions)

        return self._load(self.folder / "used" / key, name)

    def put(self, key: str, result: Result) -> None:
        """Store the result of the chain with this key, and what it used."""
        name = result_key(key, result.inputs, result.distributions)
        self._write(self.folder / "results" / name, result.to_json())
        used = {"inputs": sorted(result.inputs), "distributions": sorted(result.distributions)}
        self._write(self.folder / "used" / key, used)

    def prune(self, keys: Iterable[str], names: Iterable[str], *, above: int = 0) -> int:
        """Delete what writers have left that were killed, and what these chains do not refer to.

        Args:
            keys: of the chains whose results stay.
            names: of the jobs whose last result and failure stay.
            above: how many bytes results may take in all; below that they are left alone, beyond
                it the oldest go first.

        Returns:
            How many bytes are free now that were not.
        """
        kept = {self.folder / "used" / key for key in keys}
        # As they are now: another result of the same chain belongs to files that are gone.
        current = {self._result_name(file.name) for file in kept}
        kept |= {self.folder / "results" / name for name in current if name is not None}
        kept |= {
            self.folder / "last" / f"{name}.{what}"
            for name in names
            for what in ("good", "failure")
        }
        sizes = dict(self._files())
        total, freed = sum(one.st_size for one in sizes.values()), 0
        old = time.time() - _WRITTEN_S
        for file in sorted(sizes, key=lambda file: sizes[file].st_mtime_ns):
            left = file.match(UNFINISHED) and sizes[file].st_mtime < old
            if left or (total - freed > above and file not in kept):
                file.unlink(missing_ok=True)
                freed += sizes[file].st_size
        return freed

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """What is in the store; another build may take its own away at any time."""
        for file in self.folder.glob("*/*"):
            with suppress(OSError):
                status = file.stat()
                if S_ISREG(status.st_mode):
                    yield file, status

    def remember(self, name: str, key: str, outcome: Outcome) -> None:
        """Keep the last good result, or the last failure, of the chain of this name."""
        if outcome.ok:
            self._write(self.folder / "last" / f"{name}.good", outcome.result.to_json())
        else:
            record = {"key": key, "outcome": outcome.to_json()}
            self._write(self.folder / "last" / f"{name}.failure", record)

    def last_failure(self, name: str, key: str) -> Outcome | None:
        """The last failure of the chain of this name, if its code has not changed since."""

        def read(data: dict[str, Any]) -> Outcome | None:
            return Outcome.from_json(data["outcome"]) if data["key"] == key else None

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
            return read(_data(json.loads(body), file.name))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            _log.warning(
                "the stored result %s is of another form (%r): run again", file.name, error
            )
            return None

    def _write(self, file: Path, data: dict[str, Any]) -> None:
        record = {"name": file.name, "data": data}
        body = json.dumps(record, ensure_ascii=False, sort_keys=True).encode()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
        except OSError as error:
            raise InputError(
                expected=f"a folder for results at {self.folder}",
                got=str(error),
                cure="make room there, or name another with DLFAQ_STORE",
            ) from None


def _data(record: dict[str, Any], name: str) -> dict[str, Any]:
    """What a file of this name holds, unless it was written under another."""
    if record["name"] != name:
        raise ValueError(f"it was written as {record['name']}")
    data: dict[str, Any] = record["data"]
    return data
