"""The MkDocs plugin: runs stale chains before a build, sorts the navigation, takes labs in.

The only module that knows MkDocs. Without it the extension still renders what `dlfaq run` stored.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from mkdocs.config.base import Config
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, CombinedEvent, event_priority
from mkdocs.structure.files import File
from mkdocs.structure.nav import Section
from mkdocs.structure.pages import Page
from mkdocs.utils import CountHandler

from dlfaq.errors import DlfaqError, PageError
from dlfaq.execution.build import build
from dlfaq.execution.fork_server import start_server
from dlfaq.pages.config import Settings, read_settings
from dlfaq.pages.notebooks import is_lab
from dlfaq.site.lists.evidence import evidence_text
from dlfaq.site.mkdocs.for_programs import FEED, feed, plain_files
from dlfaq.site.mkdocs.order import in_order
from dlfaq.site.mkdocs.search import weigh
from dlfaq.site.notebook.head import download_src
from dlfaq.site.notebook.notebook import notebook_text
from dlfaq.site.page.context import Context
from dlfaq.writing.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files, InclusionLevel
    from mkdocs.structure.nav import Navigation

    from dlfaq.execution.site import Site
    from dlfaq.pages.page import Page as LabPage

__all__ = ["DlfaqPlugin"]

_log = logging.getLogger("mkdocs.plugins.dlfaq")

_SHOW_LABS = '- mkdocs-jupyter: {include: [labs/*.ipynb], ignore: ["*.md"], execute: false}'


class _NoOptions(Config):
    """The extension has the options, so that other generators see them."""


class DlfaqPlugin(BasePlugin[_NoOptions]):
    """Brings results up to date before each build; `plugins: [dlfaq]`."""

    #: The site as the build under way has read it; the Markdown extension asks for it.
    site: Site | None = None

    _serving = False
    _first = True
    _urls: Mapping[str, str] = MappingProxyType({})

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
        self.site = report.site
        if report.failures and not self._serving:
            raise PluginError(f"{len(report.failures)} failed, see above")

    @event_priority(100)
    def _on_files_first(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Add evidence.json for pages to link to; give mkdocs-jupyter the notebook of each lab."""
        assert self.site is not None
        text = evidence_text(self.site)
        files.append(File.generated(config, "evidence.json", content=text))
        for lab in self.site.pages:
            listed = files.get_file_from_path(lab.src) if lab.is_lab else None
            if listed is not None:
                files.remove(listed)
                _add_notebook(lab, self.site, listed.inclusion, files, config)
        return files

    @event_priority(-100)
    def _on_files_last(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Give the notebooks that are pages now the name of their lab, by which others link.

        Then every page has its address, and a feed can be made. Templates see `extra.feed` where
        there is one, and `extra.plain` where each page is kept as Markdown too.
        """
        assert self.site is not None
        for lab in self.site.pages:
            file = files.get_file_from_path(_notebook_src(lab)) if lab.is_lab else None
            if file is None:
                continue
            if not file.is_documentation_page():
                raise PluginError(
                    f"{lab.src} is a lab, and no plugin shows notebooks; add to plugins: "
                    f"`{_SHOW_LABS}`"
                )
            files.remove(file)
            file.abs_src_path = file.abs_src_path  # it would follow the name
            file.src_uri = lab.src
            files.append(file)
        self._urls = {file.src_uri: file.url for file in files.documentation_pages()}
        with suppress(PageError):  # which the page that has it reports
            text = feed(self.site, self._urls, name=config.site_name, address=config.site_url or "")
            if text is not None:
                files.append(File.generated(config, FEED, content=text))
                config.extra["feed"] = FEED
        config.extra["plain"] = True
        return files

    on_files = CombinedEvent(_on_files_first, _on_files_last)

    @event_priority(-100)
    def on_pre_page(self, page: Page, *, config: MkDocsConfig, files: Files) -> Page:
        """Render a lab as any page is: mkdocs-jupyter's HTML brings 600 KB of JupyterLab style."""
        del config, files
        if is_lab(page.file.src_uri):
            vars(page).pop("render", None)
        return page

    def on_page_markdown(
        self, markdown: str, *, page: Page, config: MkDocsConfig, files: Files
    ) -> str:
        """Read the header and the text of a lab from its script; the notebook holds no Markdown."""
        del config, files
        own = self.site.page(page.file.src_uri) if self.site is not None else None
        if not is_lab(page.file.src_uri):
            weigh(page.meta, own)
            return markdown
        assert own is not None
        page.meta = dict(own.meta)
        weigh(page.meta, own)
        # Text of blanks alone would not be converted, and its errors not be shown.
        return "\n".join(own.lines[own.first :]).lstrip("\n") or "\N{NO-BREAK SPACE}"

    def on_nav(self, nav: Navigation, *, config: MkDocsConfig, files: Files) -> Navigation:
        """Sort topics and questions by their `order`, and put them under one heading."""
        del config, files
        assert self.site is not None
        in_order(nav, self.site)
        questions = [
            item
            for item in nav.items
            if (not _holds_labs(item) if item.is_section else item.is_homepage)
        ]
        others = [item for item in nav.items if item not in questions]
        if others:
            section = Section("Questions", questions)
            for item in questions:
                item.parent = section
            nav.items = [section, *others]
        return nav

    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Write what programs read beside the HTML."""
        assert self.site is not None
        with suppress(PageError):  # which the page that has it reports
            written = plain_files(
                self.site,
                self._urls,
                name=config.site_name,
                description=config.site_description or "",
                address=config.site_url or "",
            )
            for name, text in written.items():
                file = Path(config.site_dir) / name
                file.parent.mkdir(parents=True, exist_ok=True)
                write_whole(file, text)

    def _settings(self, config: MkDocsConfig) -> Settings:
        try:
            return read_settings(Path(config.config_file_path).parent)
        except DlfaqError as error:
            raise PluginError(str(error)) from None


def _notebook_src(lab: LabPage) -> str:
    """The notebook of a lab, by its path relative to docs_dir."""
    return f"{lab.src.removesuffix('.py')}.ipynb"


def _add_notebook(
    lab: LabPage, site: Site, inclusion: InclusionLevel, files: Files, config: MkDocsConfig
) -> None:
    """Write the notebook of a lab; add it as what becomes a page, and both to be downloaded."""
    folder = site.settings.store_dir / "notebooks"
    script = site.settings.docs_dir / lab.src
    text = notebook_text(Context.of(lab, site))
    notebook = folder / _notebook_src(lab)
    notebook.parent.mkdir(parents=True, exist_ok=True)
    write_whole(notebook, text)
    files.append(
        File(
            _notebook_src(lab),
            src_dir=str(folder),
            dest_dir=config.site_dir,
            use_directory_urls=config.use_directory_urls,
            inclusion=inclusion,
        )
    )
    for content, suffix in ((text, ".ipynb"), (script.read_bytes(), ".py")):
        name = download_src(lab.src, suffix)
        files.append(File.generated(config, name, content=content, inclusion=inclusion))


def _holds_labs(section: Section) -> bool:
    return any(isinstance(one, Page) and is_lab(one.file.src_uri) for one in section.children)


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
