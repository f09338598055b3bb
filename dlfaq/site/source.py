"""Finds the page that is being converted, and the site around it, under MkDocs and Zensical alike.

Under MkDocs our plugin hands on the site that it has just brought up to date. Elsewhere, and where
the extension stands without the plugin, pages are read here, with what is stored of them.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlfaq.execution.site import Site, read_pages, site_of
from dlfaq.pages.config import read_settings
from dlfaq.pages.page import Page
from dlfaq.pages.reader import read_page, reread
from dlfaq.site.page.context import Context
from dlfaq.site.page.offers import Offers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown import Markdown

    from dlfaq.pages.config import Settings

__all__ = ["Source"]


class Source:
    """The pages that one converter is given.

    Args:
        md: the converter, in which MkDocs and Zensical say what they convert.
    """

    def __init__(self, md: Markdown) -> None:
        self._md = md

    @property
    def zensical(self) -> Any | None:  # noqa: ANN401 - Zensical's own class
        """What Zensical says of the page; None under any other generator."""
        return self._named("preprocessors", "rendering_context")

    def context(self, lines: Sequence[str]) -> Context | None:
        """The page that is being converted; None outside a page, as in a plugin's own text.

        A text that another plugin has changed, or made, is read as it is: what of it was not run
        has no result, and is told.

        Args:
            lines: the lines to convert.
        """
        root, src = self._place()
        if root is None:
            return None
        built = self._built
        settings = built.settings if built is not None else read_settings(root)
        page = built.page(src) if built is not None else None
        if page is None:
            file = settings.docs_dir / src
            page = read_page(file, settings) if file.is_file() else Page(src, src)
        if page.errors or page.lines_above(lines) is not None:
            context = Context.of(page, built or site_of([page], settings))
        else:
            new = reread(page, lines, settings)
            context = Context.of(new, site_of([new], settings))
        if built is not None:
            context.href = self._href
            context.known = self._known(built)
        return context

    def pages(self, context: Context) -> list[Page]:
        """All pages of the site, the one that is being converted as it is now."""
        settings, own = context.site.settings, context.page
        built = self._built
        pages = built.pages if built is not None else _read(settings, _files(settings))
        known = any(page.src == own.src for page in pages)
        return [own if page.src == own.src else page for page in pages] + [own] * (not known)

    def whole_site(self, context: Context) -> Site:
        """All pages with their results, for what a page says of others."""
        return self._built or site_of(self.pages(context), context.site.settings)

    def offers(self, context: Context) -> Offers:
        """What the site has for who runs the page elsewhere; our plugin makes it, and none else."""
        offers: Offers | None = None
        if self._plugin is not None:
            offers = self._plugin.offers.get(context.page.src)
        return offers or Offers()

    def _href(self, src: str) -> str | None:
        """The link from the page to a file of the site that MkDocs builds."""
        relpath = self._named("treeprocessors", "relpath")
        file = relpath.files.get_file_from_path(src) if relpath is not None else None
        return None if relpath is None or file is None else file.url_relative_to(relpath.file)

    def _known(self, site: Site) -> dict[str, dict[str, str]]:
        """The links to the names of the package that the site has a reference of."""
        package = site.settings.reference
        places = ((page.src, place.kind) for page in site.pages for place in page.places)
        src = next((src for src, kind in places if kind == "reference"), None)
        href = self._href(src) if src is not None else None
        if package is None or href is None:
            return {}
        # Only a site with a reference has to have griffe.
        from dlfaq.site.reference.names import public_names  # noqa: PLC0415

        return {package.name: {name: f"{href}#{name}" for name in public_names(package)}}

    @property
    def _built(self) -> Site | None:
        """The site as our plugin has built it."""
        site: Site | None = self._plugin.site if self._plugin is not None else None
        return site

    @property
    def _plugin(self) -> Any | None:  # noqa: ANN401 - only its own room imports MkDocs
        relpath = self._named("treeprocessors", "relpath")
        return relpath.config.plugins.get("dlfaq") if relpath is not None else None

    def _place(self) -> tuple[Path | None, str]:
        """The folder of mkdocs.yml, and the page's path relative to docs_dir."""
        if self.zensical is not None:
            return Path(self.zensical.config["root_dir"]), self.zensical.page.path
        if (relpath := self._named("treeprocessors", "relpath")) is not None:
            return Path(relpath.config.config_file_path).parent, relpath.file.src_uri
        return None, ""

    def _named(self, registry: str, name: str) -> Any | None:  # noqa: ANN401 - theirs
        steps = getattr(self._md, registry)
        return steps[name] if name in steps else None  # noqa: SIM401 - no dict


# Without a build each page that lists others would read them all anew.
@lru_cache(maxsize=1)
def _read(settings: Settings, _files: tuple[tuple[str, int, int], ...]) -> list[Page]:
    return read_pages(settings)


def _files(settings: Settings) -> tuple[tuple[str, int, int], ...]:
    """Path, time and size of each file that the pages are made of."""
    folders = (settings.docs_dir, settings.snippets_dir)
    files = sorted(file for folder in folders for file in folder.rglob("*"))
    states = ((str(file), file.stat()) for file in files if file.suffix in {".md", ".py"})
    return tuple((path, state.st_mtime_ns, state.st_size) for path, state in states)
