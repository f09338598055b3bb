"""What a chain's result depends on besides its code: by name, what each is now.

A name is the path of a file from the root; a path that ends in `/`, for the names in a folder;
`$NAME`, for an environment variable; or `*`, for all files of the site, where nobody can tell which
were read.
"""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_IXUSR
from typing import TYPE_CHECKING

from dlfaq.execution.variables import given

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dlfaq.pages.config import Settings

__all__ = ["ABSENT", "EVERYTHING", "Inputs", "excluded_folders", "file_hash", "inputs_of"]

ABSENT = "absent"

#: The name of all files of the site together.
EVERYTHING = "*"

_FOLDER = "folder"

# Marks a folder of things that can be made again, such as a cache of pytest (bford.info/cachedir).
_CACHE_MARK = "CACHEDIR.TAG"

# Python's own before a chain's are watched: they are called per file and chain, and those of Path
# are twice as slow.
_stat, _lstat, _readlink = os.stat, os.lstat, os.readlink


class Inputs:
    """What a chain can depend on, as it is now.

    Args:
        root: the root of the site.
        excluded: folders under it that do not count: environments, the store, the site.
        variables: the environment that a chain is given.
    """

    def __init__(self, root: str, excluded: Sequence[str], variables: Mapping[str, str]) -> None:
        self.root = root
        self._excluded = tuple(excluded)
        self._variables = variables

    def counts(self, file: str) -> bool:
        """Whether a file, by its absolute path, is one of the site's."""
        return _under(file, self.root) and not any(_under(file, one) for one in self._excluded)

    def value(self, name: str) -> str:
        """What an input is now, as a hash, "folder" or "absent"."""
        if name == EVERYTHING:
            return _hash([[path, file_hash(Path(self.root, path))] for path in self._all_files()])
        if name.startswith("$"):
            text = self._variables.get(name[1:])
            return ABSENT if text is None else _hash(text)
        if name.endswith("/"):
            return self._listing(os.path.normpath(f"{self.root}/{name}"))
        return file_hash(Path(self.root, name))

    def state(self, name: str) -> object:
        """Plain data that changes whenever the value may, cheap to have."""
        if name == EVERYTHING:
            return [[path, _state(Path(self.root, path))] for path in self._all_files()]
        if name.startswith("$") or name.endswith("/"):
            return self.value(name)
        return _state(Path(self.root, name))

    def _listing(self, folder: str) -> str:
        """The names in a folder, but for those that a build itself brings forth."""
        try:
            with os.scandir(folder) as entries:
                found = sorted((entry.name, entry.is_dir(), entry.path) for entry in entries)
        except OSError:
            return ABSENT
        left_out = {f"{folder}/__pycache__", *self._excluded}
        return _hash([one[:2] for one in found if one[2] not in left_out])

    def _all_files(self) -> list[str]:
        return sorted(os.path.relpath(file, self.root) for file in self._walk(self.root))

    def _walk(self, folder: str) -> Iterator[str]:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        if any(entry.name == _CACHE_MARK for entry in found):
            return
        if os.path.basename(folder) == ".git":  # noqa: PTH119 - a text, as scandir gives it
            # Which commit is looked at; git itself writes to the rest when it is asked something.
            found = [entry for entry in found if entry.name in {"HEAD", "packed-refs", "refs"}]
        for entry in found:
            if not entry.is_dir(follow_symlinks=False):
                yield entry.path
            elif entry.name != "__pycache__" and self.counts(f"{entry.path}/"):
                yield from self._walk(entry.path)


def inputs_of(settings: Settings) -> Inputs:
    """The inputs of a site's chains, as they are now."""
    excluded = excluded_folders(settings)
    return Inputs(str(settings.root), excluded, given(os.environ))


def excluded_folders(settings: Settings) -> tuple[str, ...]:
    """The folders under the root that hold nothing of the site: a thousand modules, its results."""
    folders = [settings.store_dir, settings.site_dir, *_environments(settings.root)]
    return tuple(str(folder) for folder in folders)


@cache
def _environments(root: Path) -> tuple[Path, ...]:
    """Virtual environments directly under the root."""
    return tuple(file.parent for file in sorted(root.glob("*/pyvenv.cfg")))


def _under(file: str, folder: str) -> bool:
    return file.startswith(f"{folder}/")


def file_hash(path: Path) -> str:
    """SHA-256 of a file's contents, "folder" or "absent"; kept until its times or size change.

    Behind it stands what else a chain may ask: whether it may be run as a program, and where a link
    leads. Its times are not in it: they say when it was fetched.
    """
    link = ""
    try:
        status = _lstat(path)
        if S_ISLNK(status.st_mode):
            link = f" by {_readlink(path)}"
            status = _stat(path)
        if S_ISDIR(status.st_mode):
            return f"{_FOLDER}{link}"
        program = " program" if status.st_mode & S_IXUSR else ""
        return f"{_contents_hash(path, *_marks(status))}{program}{link}"
    except OSError:
        return f"{ABSENT}{link}"


@cache
def _contents_hash(path: Path, *_marks: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _marks(status: os.stat_result) -> list[int]:
    """What changes with the contents of a file: a tool may restore its time, but not the other."""
    return [status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino]


def _state(path: Path) -> list[int | str]:
    state: list[int | str] = []
    try:
        status = _lstat(path)
        if S_ISLNK(status.st_mode):
            state += [_readlink(path)]
            status = _stat(path)
    except OSError:
        return [*state, ABSENT]
    return [*state, _FOLDER] if S_ISDIR(status.st_mode) else [*state, *_marks(status)]


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
