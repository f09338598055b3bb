"""What `mkdocs serve` does that a build does not: it shows pages while their chains still run."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlfaq.execution.background import Background
from dlfaq.execution.build import known
from dlfaq.execution.job import jobs_of
from dlfaq.execution.site import Site, last_good
from dlfaq.execution.store import Store
from dlfaq.execution.temporary import temporary_folder
from dlfaq.pages.agreement import disagreements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dlfaq.pages.config import Settings
    from dlfaq.pages.page import Page

__all__ = ["Serving"]

_log = logging.getLogger("mkdocs.plugins.dlfaq")

# How long a build waits for chains: a save of one that is done by then is shown in one go. The
# first build of all shows at once what there is.
_PATIENCE_S = 3.0

# How often pages are built again while chains end, if none of them is of the page looked at.
_PAUSE_S = 20.0
_POLL_S = 0.5


class Serving:
    """One `mkdocs serve`, from its first build to its end."""

    def __init__(self) -> None:
        self._background = Background(_log.warning)
        self._folder = ExitStack()
        #: A file that the server watches: writing to it has the site built again.
        self._bell = Path(self._folder.enter_context(temporary_folder()), "bell")
        self._bell.touch()
        self._urls: Mapping[str, str] = {}
        self._watched: set[str] = set()
        self._server: Any = None
        self._built_at = 0.0
        #: How many chains had ended when a build last looked, and the pages with some to come.
        self._shown = 0
        self._left: set[str] = set()

    def build(self, pages: list[Page], settings: Settings) -> Site:
        """The site as far as it is known; what is stale is begun."""
        store = Store(settings)
        jobs = jobs_of(pages)
        for page in pages:
            for error in (*page.errors, *disagreements(page)):
                _log.warning(str(error))
        first = self._built_at == 0.0
        found = known(jobs, store, failures=True)
        self._background.want([job for job in jobs if job.name not in found], settings)
        self._background.wait(0.0 if first else _PATIENCE_S)
        self._shown = self._background.ended
        pending = self._background.pending()
        self._left = self._background.pending_pages()
        found |= known([job for job in jobs if job.name not in found], store, failures=True)
        site = Site(settings, pages, found, pending=pending - found.keys())
        site.last_good = last_good(site, store)
        self._built_at = time.monotonic()
        return site

    def begin(self, server: Any) -> None:  # noqa: ANN401 - MkDocs' LiveReloadServer
        """Follow what a reader looks at, and have the site built again as chains end."""
        self._server = server
        server.watch(str(self._bell))
        app = server.get_app()

        def noting(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:  # noqa: ANN401
            self._look_at(environ.get("PATH_INFO", ""))
            return app(environ, start_response)

        server.set_app(noting)
        threading.Thread(target=self._ring, daemon=True, name="dlfaq-bell").start()

    def know(self, site: Site, urls: Mapping[str, str], folders: Iterable[str]) -> None:
        """After a build: the addresses of its pages, and what else its chains have read.

        Args:
            site: as built.
            urls: addresses by path relative to docs_dir.
            folders: what MkDocs watches itself.
        """
        self._urls = urls
        if self._server is None:
            return
        results = [outcome.result for outcome in site.results.values()]
        for name in {name for result in results for name in result.inputs}:
            file = (site.settings.root / name).resolve()
            inside = any(file.is_relative_to(Path(one).resolve()) for one in folders)
            if str(file) not in self._watched and not inside and file.is_file():
                self._watched.add(str(file))
                self._server.watch(str(file), recursive=False)

    def end(self) -> None:
        """End all chains."""
        self._background.close()
        self._folder.close()

    def _look_at(self, path: str) -> None:
        """Remember the page at an address, if it is one."""
        wanted = path.strip("/").removesuffix("index.html").strip("/")
        for src, url in self._urls.items():
            own = url.strip("./")
            if own == wanted or (own and wanted.endswith(f"/{own}")):
                self._background.looked_at = src
                return

    def _ring(self) -> None:
        """Write to the watched file when there is more to show than was shown."""
        while True:
            self._background.wait_for_another(self._shown)
            if self._is_time():
                rung_at = time.monotonic()
                self._bell.write_text(str(rung_at), encoding="utf-8")
                while self._built_at < rung_at and time.monotonic() < rung_at + _PAUSE_S:
                    time.sleep(_POLL_S)
            time.sleep(_POLL_S)

    def _is_time(self) -> bool:
        """Whether all have ended, or those of the page looked at, or the last build is long ago."""
        pending = self._background.pending_pages()
        looked_at = self._background.looked_at
        return (
            not pending
            or (looked_at in self._left and looked_at not in pending)
            or time.monotonic() - self._built_at >= _PAUSE_S
        )
