"""The MkDocs plugin: runs stale chains before a build, sorts the navigation, takes labs in.

The only module that knows MkDocs. Without it the extension still renders what `dlfaq run` stored.
"""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, CombinedEvent, event_priority
from mkdocs.structure.files import File, InclusionLevel
from mkdocs.structure.nav import Section
from mkdocs.structure.pages import Page
from mkdocs.utils import CountHandler, is_markdown_file

import dlfaq.site.needs  # noqa: F401 - first, before a module is missed that it would name
from dlfaq.errors import DlfaqError, PageError
from dlfaq.execution.build import build
from dlfaq.execution.fork_server import start_server
from dlfaq.execution.temporary import temporary_folder
from dlfaq.pages.config import EXTENSION, Settings, settings_from
from dlfaq.pages.notebooks import is_lab
from dlfaq.pages.reader import read_data
from dlfaq.site.lists.evidence import evidence_text
from dlfaq.site.mkdocs.elsewhere import Options, offers_of, published
from dlfaq.site.mkdocs.for_programs import FEED, feed, plain_files
from dlfaq.site.mkdocs.order import in_order
from dlfaq.site.mkdocs.search import weigh
from dlfaq.site.mkdocs.serving import Serving
from dlfaq.site.notebook.notebook import notebook_text
from dlfaq.site.notebook.package import Wheel, build_wheel
from dlfaq.site.page.context import Context
from dlfaq.writing.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.livereload import LiveReloadServer
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Navigation

    from dlfaq.execution.site import Site
    from dlfaq.pages.page import Page as LabPage
    from dlfaq.site.page.offers import Offers

__all__ = ["DlfaqPlugin"]

_log = logging.getLogger("mkdocs.plugins.dlfaq")

#: Where our style sheet stands, unless the site has a file of that name.
_STYLE_SHEET = "assets/dlfaq.css"

_SHOW_LABS = '- mkdocs-jupyter: {include: [labs/*.ipynb], ignore: ["*.md"], execute: false}'


class _Source(NamedTuple):
    """A page before it is read: its path relative to docs_dir, its file, and what it holds."""

    src: str
    file: str
    data: bytes


class DlfaqPlugin(BasePlugin[Options]):
    """Brings results up to date before each build; `plugins: [dlfaq]`."""

    #: The site as the build under way has read it; the Markdown extension asks for it.
    site: Site | None = None
    #: What it has for readers who run a page elsewhere, by the page's source; likewise.
    offers: Mapping[str, Offers] = MappingProxyType({})

    _serving: Serving | None = None
    _first = True
    _urls: Mapping[str, str] = MappingProxyType({})

    def __init__(self) -> None:
        super().__init__()
        self._ran: list[_Source] = []
        #: The folder of the notebooks of this build.
        self._notebooks = ExitStack()
        #: Built once: serve has it as it was at its start.
        self._wheel: Wheel | None = None

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Remember whether this is `mkdocs serve`, and load torch while MkDocs still starts."""
        del dirty
        if command == "serve":
            self._serving = Serving()

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Name our style sheet, before those of the site, so that theirs have the last word.

        In serve the fork server starts here: by the first edit it is warm.
        """
        if _STYLE_SHEET not in config.extra_css:
            config.extra_css.insert(0, _STYLE_SHEET)
        if self._serving:
            settings = self._settings(config)
            threading.Thread(target=_warm_up, args=(settings,), daemon=True).start()
            _count_no_warnings()
        return config

    def on_pre_build(self, *, config: MkDocsConfig) -> None:
        """Say where, and that pages fill in as their chains end."""
        if self._serving and self._first:
            self._first = False
            _log.info("Serving on %s; what is stale runs meanwhile", config.site_url)

    @event_priority(100)
    def _on_files_first(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Run what is stale; give mkdocs-jupyter the notebook of each lab.

        A failure ends a build, and stands on its page in serve.
        """
        self.site = self._run(self._sources(files, config), config)
        self._notebooks.close()
        labs = [(lab, files.get_file_from_path(lab.src)) for lab in self.site.pages if lab.is_lab]
        folder = self._notebooks.enter_context(temporary_folder()) if labs else None
        for lab, listed in labs:
            if listed is not None and folder is not None:
                files.remove(listed)
                context = Context.of(lab, self.site)
                files.append(_notebook_file(context, folder, listed, config))
        return files

    @event_priority(-100)
    def _on_files_last(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Give the notebooks that are pages now the name of their lab, by which others link.

        Then every page has its address, and a feed can be made. Templates see `extra.feed` where
        there is one, and `extra.plain` where each page is kept as Markdown too.
        """
        assert self.site is not None
        ran = self.site
        labs = [one for one in self._ran if is_lab(one.src)]
        now = [one for one in self._sources(files, config) if not is_lab(one.src)]
        if sorted([*now, *labs]) != self._ran:
            # Other plugins have made pages, or taken some away; results of the others are stored.
            self.site = ran = self._run(sorted([*now, *labs]), config)
        claims = any(outcome.result.claims for outcome in ran.results.values())
        if claims or any(one.kind == "evidence" for page in ran.pages for one in page.places):
            evidence = evidence_text(ran)
            files.append(File.generated(config, "evidence.json", content=evidence))
        for lab in ran.pages:
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
        package = None
        if self.config.wheel:
            self._wheel = self._wheel or self._built_wheel()
            package = published(self._wheel, files, config, self.config, ran.settings)
        scripts = {lab.src: lab.data for lab in labs}
        self.offers = offers_of(ran, files, config, self.config, package=package, labs=scripts)
        with suppress(PageError):  # which the page that has it reports
            text = feed(self.site, self._urls, name=config.site_name, address=config.site_url or "")
            if text is not None:
                files.append(File.generated(config, FEED, content=text))
                config.extra["feed"] = FEED
        config.extra["plain"] = True
        if files.get_file_from_path(_STYLE_SHEET) is None:
            sheet = Path(__file__).with_name("guest.css").read_text(encoding="utf-8")
            files.append(File.generated(config, _STYLE_SHEET, content=sheet))
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
        """Sort topics and questions by their `order`, and put them under one heading.

        A site that says its navigation keeps it, and one without questions has no such heading.
        """
        del files
        assert self.site is not None
        if config.nav is not None:
            return nav
        in_order(nav, self.site)
        topics = [item for item in nav.items if item.is_section and self._asks(item)]
        home = [item for item in nav.items if item.is_page and item.is_homepage]
        questions = [*home, *topics]
        others = [item for item in nav.items if item not in questions]
        if topics and others:
            section = Section("Questions", questions)
            for item in questions:
                item.parent = section
            nav.items = [section, *others]
        return nav

    def _asks(self, section: Section) -> bool:
        """Whether a part of the navigation holds the page of a question."""
        assert self.site is not None
        pages = (one for one in section.children if isinstance(one, Page))
        found = (self.site.page(one.file.src_uri) for one in pages)
        return any(page is not None and page.is_question for page in found)

    def on_serve(
        self, server: LiveReloadServer, *, config: MkDocsConfig, builder: Callable[..., object]
    ) -> LiveReloadServer:
        """From here on watch what the chains have read, in this build and in all that come."""
        del builder
        assert self._serving is not None
        self._serving.begin(server)
        self._know(config)
        return server

    def on_shutdown(self) -> None:
        """End what serve still runs."""
        if self._serving is not None:
            self._serving.end()

    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Write what programs read beside the HTML."""
        assert self.site is not None
        self._notebooks.close()
        self._know(config)
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

    def _built_wheel(self) -> Wheel:
        assert self.site is not None
        try:
            return build_wheel(self.site.settings.root / self.config.wheel)
        except DlfaqError as error:
            raise PluginError(str(error)) from None

    def _know(self, config: MkDocsConfig) -> None:
        if self._serving is not None and self.site is not None:
            self._serving.know(self.site, self._urls, [config.docs_dir, *config.watch])

    def _settings(self, config: MkDocsConfig) -> Settings:
        """The settings as MkDocs has resolved them, whatever it read them from."""
        try:
            options = dict(config.mdx_configs.get(EXTENSION) or {})
            return settings_from(Path(config.config_file_path).resolve().parent, config, options)
        except DlfaqError as error:
            raise PluginError(str(error)) from None

    def _sources(self, files: Files, config: MkDocsConfig) -> list[_Source]:
        """The pages and labs that this build shows, with their texts."""
        serving = self._serving is not None
        shown = InclusionLevel.is_in_serve if serving else InclusionLevel.is_included
        found = []
        for file in files:
            page = is_markdown_file(file.src_uri) or is_lab(file.src_uri)
            if page and shown(file.inclusion):  # type: ignore[no-untyped-call]
                where = file.abs_src_path or str(Path(config.docs_dir, file.src_uri))
                found.append(_Source(file.src_uri, where, file.content_bytes))
        return sorted(found)

    def _run(self, sources: list[_Source], config: MkDocsConfig) -> Site:
        settings = self._settings(config)
        pages = [
            read_data(one.data, settings.relative(Path(one.file)), one.src, settings)
            for one in sources
        ]
        self._ran = sources
        if self._serving is not None:
            return self._serving.build(pages, settings)
        try:
            report = build(settings, pages=pages)
        except DlfaqError as error:
            raise PluginError(str(error)) from None
        if report.failures:
            raise PluginError(f"{len(report.failures)} failed, see above")
        return report.site


def _notebook_src(lab: LabPage) -> str:
    """The notebook of a lab, by its path relative to docs_dir."""
    return f"{lab.src.removesuffix('.py')}.ipynb"


def _notebook_file(context: Context, folder: Path, listed: File, config: MkDocsConfig) -> File:
    """The notebook of a lab, of which mkdocs-jupyter makes its page.

    Args:
        context: the lab with its results.
        folder: where the notebook is written.
        listed: the script, as MkDocs has found it.
        config: of MkDocs.
    """
    src = _notebook_src(context.page)
    notebook = folder / src
    notebook.parent.mkdir(parents=True, exist_ok=True)
    write_whole(notebook, notebook_text(context))
    return File(
        src,
        src_dir=str(folder),
        dest_dir=config.site_dir,
        use_directory_urls=config.use_directory_urls,
        inclusion=listed.inclusion,
    )


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
