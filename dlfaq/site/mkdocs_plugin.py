"""The MkDocs plugin: runs stale chains before a build, sorts the navigation.

The only module that knows MkDocs. Without it the extension still renders what `dlfaq run` stored.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mkdocs.config.base import Config
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin
from mkdocs.structure.files import File
from mkdocs.structure.nav import Section
from mkdocs.utils import CountHandler

from dlfaq.errors import DlfaqError
from dlfaq.execution.build import build
from dlfaq.execution.config import Settings, read_settings
from dlfaq.execution.process import start_server
from dlfaq.site.evidence import evidence_text
from dlfaq.site.order import in_order

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Navigation

__all__ = ["DlfaqPlugin"]

_log = logging.getLogger("mkdocs.plugins.dlfaq")


class _NoOptions(Config):
    """The extension has the options, so that other generators see them."""


class DlfaqPlugin(BasePlugin[_NoOptions]):
    """Brings results up to date before each build; `plugins: [dlfaq]`."""

    _serving = False
    _first = True

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Remember whether this is `mkdocs serve`, and load torch while MkDocs still starts."""
        del dirty
        self._serving = command == "serve"

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Start the fork server early in serve: by the first edit it is warm."""
        if self._serving:
            settings = self._settings(config)
            threading.Thread(target=_warm_up, args=(settings,), daemon=True).start()
            _count_no_warnings()
        return config

    def on_pre_build(self, *, config: MkDocsConfig) -> None:
        """Run what is stale. A failure ends a build, and stands on its page in serve."""
        settings = self._settings(config)
        if self._serving and self._first:
            self._first = False
            _log.info("Serving on %s as soon as what is stale has run", config.site_url)
        try:
            report = build(settings, serving=self._serving)
        except DlfaqError as error:
            raise PluginError(str(error)) from None
        if report.failures and not self._serving:
            raise PluginError(f"{len(report.failures)} failed, see above")

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Add evidence.json, so that pages can link to it as to any other file."""
        text = evidence_text(self._settings(config))
        files.append(File.generated(config, "evidence.json", content=text))
        return files

    def on_nav(self, nav: Navigation, *, config: MkDocsConfig, files: Files) -> Navigation:
        """Sort topics and questions by their `order`, and put them under one heading."""
        del files
        in_order(nav, Path(config.docs_dir))
        questions = [item for item in nav.items if item.is_section or item.is_homepage]
        others = [item for item in nav.items if item not in questions]
        if others:
            section = Section("Questions", questions)
            for item in questions:
                item.parent = section
            nav.items = [section, *others]
        return nav

    def _settings(self, config: MkDocsConfig) -> Settings:
        try:
            return read_settings(Path(config.config_file_path).parent)
        except DlfaqError as error:
            raise PluginError(str(error)) from None


def _count_no_warnings() -> None:
    """Take away what `strict` counts warnings with: one in the first build would end serve."""
    log = logging.getLogger("mkdocs")
    for handler in list(log.handlers):
        if isinstance(handler, CountHandler):
            log.removeHandler(handler)


def _warm_up(settings: Settings) -> None:
    """Start the fork server; where that fails, the build that needs it says so."""
    with suppress(DlfaqError):
        start_server(settings.preload)
