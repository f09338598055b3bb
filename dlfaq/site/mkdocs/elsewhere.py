"""What a build writes for readers who run its pages elsewhere: notebooks, scripts, the package."""

from __future__ import annotations

import re
from posixpath import dirname, join, normpath
from typing import TYPE_CHECKING
from urllib.parse import quote

from mkdocs.config import config_options
from mkdocs.config.base import Config
from mkdocs.structure.files import File

from dlfaq.site.notebook.notebook import notebook_text
from dlfaq.site.notebook.package import Package
from dlfaq.site.notebook.script import script_text
from dlfaq.site.page.context import Context
from dlfaq.site.page.offers import Offers, data_src, download_src

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

    from dlfaq.execution.site import Site
    from dlfaq.pages.config import Settings
    from dlfaq.pages.page import Page
    from dlfaq.site.notebook.package import Wheel

__all__ = ["Options", "colab_address", "offers_of", "published"]

_GITHUB = re.compile(r"https://github\.com/(?P<repository>[^/]+/[^/]+?)(\.git)?/?")


class Options(Config):
    """The options of the plugin. Those of the Markdown extension are seen by other generators too.

    Attributes:
        notebooks: whether each page that runs code is kept as a notebook and as a script too.
        wheel: the folder, relative to mkdocs.yml, of the project whose wheel the site publishes
            and its notebooks install; "" for none.
        extras: the extras of the package that pages need.
        notebooks_branch: the branch of `repo_url`, on GitHub, to which the built notebooks are
            pushed, from where Colab opens them; "" for none: Colab opens no other address.
    """

    notebooks = config_options.Type(bool, default=False)
    wheel = config_options.Type(str, default="")
    extras = config_options.ListOfItems(config_options.Type(str), default=[])
    notebooks_branch = config_options.Type(str, default="")


def published(
    wheel: Wheel, files: Files, config: MkDocsConfig, options: Options, settings: Settings
) -> Package:
    """Add a wheel to the files of a site; how its notebooks install it."""
    src = f"wheels/{wheel.name}"
    files.append(File.generated(config, src, content=wheel.data))
    return Package(
        wheel,
        src,
        extras=options.extras,
        address=config.site_url or "",
        style=_style_in(wheel.distribution, settings.style),
    )


def _style_in(package: str, style: Path | None) -> str:
    """The name by which matplotlib finds a style in a package; "" for one that lies elsewhere."""
    parts = style.with_suffix("").parts if style is not None else ()
    inside = [index for index, part in enumerate(parts) if part == package]
    return ".".join(parts[inside[-1] :]) if inside else ""


def offers_of(
    site: Site,
    files: Files,
    config: MkDocsConfig,
    options: Options,
    *,
    package: Package | None,
    labs: Mapping[str, bytes],
) -> dict[str, Offers]:
    """Add notebooks and scripts to the files of a site; what there is for each page, by its source.

    A lab has them always.

    Args:
        site: the pages with their results.
        files: those of the site, in which each page has its address.
        config: of MkDocs.
        options: of the plugin.
        package: what the notebooks install.
        labs: the script of each lab.
    """
    offered = {}
    for page in site.pages:
        file = files.get_file_from_path(page.src)
        if file is None or not page.chains or page.errors:
            continue
        if not (options.notebooks or page.is_lab):
            continue
        notebook, script = (download_src(page.src, suffix) for suffix in (".ipynb", ".py"))
        if any(files.get_file_from_path(one) is not None for one in (notebook, script)):
            continue  # the author's own
        branch = options.notebooks_branch
        offers = Offers(
            notebook=notebook,
            script=script,
            colab=colab_address(config.repo_url or "", branch, notebook) if branch else "",
            page=f"{config.site_url}{file.url}".removesuffix("./") if config.site_url else "",
            package=package,
            address_of=_address_of(page, files, config.site_url or ""),
        )
        context = Context.of(page, site)
        written = {
            notebook: notebook_text(context, offers),
            script: labs[page.src] if page.is_lab else script_text(context, offers),
            **{
                data_src(page.src, figure.number): figure.svg["csv"]
                for figure in context.figures
                if figure.svg.get("csv")
            },
        }
        for name, content in written.items():
            made = File.generated(config, name, content=content, inclusion=file.inclusion)
            files.append(made)
        offered[page.src] = offers
    return offered


def colab_address(repo_url: str, branch: str, notebook: str) -> str:
    """The address at which Colab opens a notebook of a branch on GitHub; "" for another host.

    Example:
        >>> colab_address("https://github.com/me/faq", "notebooks", "topic/why.ipynb")
        'https://colab.research.google.com/github/me/faq/blob/notebooks/topic/why.ipynb'
    """
    found = _GITHUB.fullmatch(repo_url)
    if found is None:
        return ""
    path = f"{found['repository']}/blob/{quote(branch)}/{quote(notebook)}"
    return f"https://colab.research.google.com/github/{path}"


def _address_of(page: Page, files: Files, address: str) -> Callable[[str], str | None]:
    """What tells the whole address of a link's target, as the author wrote it."""

    def address_of(target: str) -> str | None:
        path, _, anchor = target.partition("#")
        src = normpath(join(dirname(page.src), path)) if path else page.src
        file = files.get_file_from_path(src)
        if not address or file is None:
            return None
        return f"{address}{file.url}".removesuffix("./") + (f"#{anchor}" if anchor else "")

    return address_of
