"""Notes what of its surroundings a chain asks for, and what state that was in.

The state is noted at the first reading. What is in the same state after the chain is as the chain
saw it; anything else changed meanwhile, and the result belongs to no version of it. Notes are lines
of a file, because a process that the chain forks reads for it too.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import sysconfig
import threading
from importlib.util import source_from_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlfaq.execution.inputs import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dlfaq.execution.inputs import Inputs

__all__ = ["Reads", "what_was_read"]

# Programs that Python and torch ask about the machine, and that read no file of a site.
_ABOUT_THE_MACHINE = {"ldconfig", "lscpu", "nvidia-smi", "uname"}

# Modules that read files in C, of which Python hears nothing.
_READ_IN_C = {"cv2", "h5py", "netCDF4", "polars", "pyarrow", "rasterio", "soundfile", "tables"}


class Reads:
    """Writes down what this process asks of the site's files, of folders and of the environment.

    Args:
        inputs: says which files are the site's, and what state they are in.
        notes: the file to write to.
        visible: names of the variables that started programs see, known at each time.
    """

    def __init__(self, inputs: Inputs, notes: Path, visible: Callable[[], Iterable[str]]) -> None:
        self._inputs = inputs
        self._notes = notes
        self._own = f"{notes.parent}/"
        self._visible = visible
        self._noted: set[str] = set()
        #: Of each thread: what one reads for its notes must not hide what another reads.
        self._thread = threading.local()
        self._events: dict[str, Callable[..., None]] = {
            "open": self._on_open,
            "os.listdir": self._on_listing,
            "os.scandir": self._on_scan,
            "import": self._on_import,
            "sqlite3.connect": self._on_database,
            "ctypes.dlopen": self._on_library,
            "os.exec": self._on_program,
            "os.posix_spawn": self._on_program,
            "os.system": self._on_program,
            "subprocess.Popen": self._on_program,
        }
        notes.touch()
        sys.addaudithook(self._audit)
        for name in ("stat", "lstat", "access", "readlink"):
            self._watch(name)

    def note(self, file: str) -> bool:
        """Note a file, by its path, if it is one of the site's; whether it is."""
        # torch names some of its modules by paths that are relative to nothing.
        if not os.path.isabs(file) or file.startswith(self._own):  # noqa: PTH117 - a text
            return False
        if not (self._inputs.counts(file) or _is_loose_module(file)):
            return False
        self.note_input(os.path.relpath(file, self._inputs.root))
        return True

    def note_input(self, name: str) -> None:
        """Note an input by its name, as `dlfaq.execution.inputs` has it."""
        if name in self._noted:
            return
        self._noted.add(name)
        self._thread.busy = True
        try:
            line = json.dumps([name, self._inputs.state(name)]) + "\n"
            # By name each time: a chain may close any descriptor.
            notes = os.open(self._notes, os.O_WRONLY | os.O_APPEND)
            os.write(notes, line.encode())
            os.close(notes)
        finally:
            self._thread.busy = False

    def note_everything(self) -> None:
        """Note that something was started which may have read any file, and sees the variables."""
        self.note_input(EVERYTHING)
        for name in self._visible():
            self.note_input(f"${name}")

    def _busy(self) -> bool:
        return getattr(self._thread, "busy", False)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in self._events and not self._busy():
            self._events[event](*arguments)

    def _on_open(self, path: object, _mode: object, flags: int) -> None:
        if not (flags & os.O_ACCMODE == os.O_WRONLY or flags & os.O_TRUNC):
            self._note_path(path)

    def _on_listing(self, folder: object = None) -> None:
        # The search for a module lists folders too; what it looks for is noted by its name.
        if "importlib._bootstrap" not in sys._getframe(2).f_code.co_filename:  # noqa: SLF001
            self._note_path(folder or ".", folder=True)

    def _on_scan(self, folder: object = None) -> None:
        """Note a folder, and its files too: an entry tells the size of its file, and no event does.

        The standard library asks entries for no more than their kind.
        """
        self._note_path(folder or ".", folder=True)
        caller = sys._getframe(2).f_code.co_filename  # noqa: SLF001
        if not caller.startswith(("<frozen ", *_STANDARD_LIBRARY)):
            for file in self._files_in(folder or "."):
                self._note_path(file)

    def _files_in(self, folder: Any) -> list[Path]:  # noqa: ANN401 - as given
        self._thread.busy = True
        try:
            place = f"/proc/self/fd/{folder}" if isinstance(folder, int) else os.fsdecode(folder)
            return list(Path(place).resolve().iterdir())
        except OSError:
            return []
        finally:
            self._thread.busy = False

    def _on_import(self, module: str, *_rest: object) -> None:
        """Note where a module could stand in the site: one put there counts from then on."""
        if module in _READ_IN_C:
            self.note_everything()
        above, homes = 0, sys.path
        parts = module.split(".")
        for loaded in range(1, len(parts)):
            package = sys.modules.get(".".join(parts[:loaded]))
            if isinstance(path := getattr(package, "__path__", None), list):
                above, homes = loaded, path
        for home in homes:
            if self._inputs.counts(f"{home}/"):
                for end in range(above + 1, len(parts) + 1):
                    place = os.path.join(home, *parts[above:end])  # noqa: PTH118 - a text
                    self.note(place)
                    self.note(f"{place}.py")

    def _on_database(self, database: object, *_rest: object) -> None:
        self._note_path(str(database).removeprefix("file:").partition("?")[0])

    def _on_library(self, name: object) -> None:
        if name:
            self._note_path(name)

    def _on_program(self, program: Any = "", *_rest: object) -> None:  # noqa: ANN401 - as given
        name = os.path.basename(os.fsdecode(program or ""))  # noqa: PTH119 - a text
        if name not in _ABOUT_THE_MACHINE:
            self.note_everything()

    def _note_path(self, path: Any, *, folder: bool = False) -> None:  # noqa: ANN401 - as given
        """Note a path as a function of the system got it."""
        if isinstance(path, int):
            if not folder:
                return
            path = os.readlink(f"/proc/self/fd/{path}")  # noqa: PTH115 - a text
        if not isinstance(path, (str, bytes, os.PathLike)):
            return
        file = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - a link stays what it is
        if file.endswith(".pyc"):
            with contextlib.suppress(ValueError):
                file = source_from_cache(file)
        if not folder:
            self.note(file)
        elif self._inputs.counts(f"{file}/"):
            self.note_input(os.path.relpath(file, self._inputs.root) + "/")

    def _watch(self, name: str) -> None:
        """Note the files that a function of os is asked about: it has no audit event."""
        usual = getattr(os, name)

        def watched(path: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as os has it
            if not self._busy() and options.get("dir_fd") is None:
                self._note_path(path)
            return usual(path, *args, **options)

        for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            if usual in able:
                able.add(watched)
        setattr(os, name, watched)


def _is_loose_module(file: str) -> bool:
    """Whether a file is Python code that no installed distribution brings, outside of the site."""
    if not file.endswith(".py") or "/site-packages/" in file or "/dist-packages/" in file:
        return False
    return not file.startswith(_STANDARD_LIBRARY)


_STANDARD_LIBRARY = tuple(f"{sysconfig.get_path(name)}/" for name in ("stdlib", "platstdlib"))


def what_was_read(notes: Path, inputs: Inputs) -> tuple[dict[str, str], list[str]]:
    """The inputs that a chain noted, name to value, and those that changed since."""
    values: dict[str, str] = {}
    changed: list[str] = []
    text = notes.read_text(encoding="utf-8") if notes.exists() else ""
    for line in text.split("\n")[:-1]:
        name, state = json.loads(line)
        if name not in values:
            values[name] = inputs.value(name)
            if inputs.state(name) != state:
                changed.append(name)
    return values, changed
