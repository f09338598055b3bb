"""The MkDocs plugin: runs stale chains before a build, sorts the navigation.

The only module that knows MkDocs. Without it the extension still renders what `dlfaq run` stored.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin

from dlfaq.errors import DlfaqError
from dlfaq.execution.build import build
from dlfaq.execution.config import Settings, read_settings
from dlfaq.execution.process import start_server
from dlfaq.site.evidence import evidence_text
from dlfaq.site.order import in_order

if TYPE_CHECKING:
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Navigation

__all__ = ["DlfaqPlugin"]

_log = logging.getLogger("mkdocs.plugins.dlfaq")


class _NoOptions(Config):
    """The extension has the options, so that other generators see them."""


class DlfaqPlugin(BasePlugin[_NoOptions]):
    """Brings results up to date before each build; `plugins: [dlfaq]`."""

    _serving = False

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Remember whether this is `mkdocs serve`, and load torch while MkDocs still starts."""
        del dirty
        self._serving = command == "serve"

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Start the fork server early in serve: by the first edit it is warm."""
        if self._serving:
            settings = self._settings(config)
            threading.Thread(target=start_server, args=(settings.preload,), daemon=True).start()
        return config

    def on_pre_build(self, *, config: MkDocsConfig) -> None:
        """Run what is stale. A failure ends a build, and stands on its page in serve."""
        try:
            report = build(self._settings(config), serving=self._serving)
        except DlfaqError as error:
            raise PluginError(str(error)) from None
        if report.failures and not self._serving:
            raise PluginError(f"{len(report.failures)} failed, see above")

    def on_nav(self, nav: Navigation, *, config: MkDocsConfig, files: Files) -> Navigation:
        """Sort topics and questions by their `order`."""
        del files
        in_order(nav, Path(config.docs_dir))
        return nav

    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Write evidence.json beside the pages."""
        text = evidence_text(self._settings(config))
        (Path(config.site_dir) / "evidence.json").write_text(text, encoding="utf-8")

    def _settings(self, config: MkDocsConfig) -> Settings:
        return read_settings(Path(config.config_file_path).parent)
