"""What the engine knows of a site: its folders and options, read from mkdocs.yml without MkDocs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dlfaq.errors import InputError

__all__ = ["EXTENSION", "Settings", "read_settings"]

EXTENSION = "dlfaq.site.markdown_extension"

#: What every chain finds loaded. `torch._dynamo` is what a first optimizer pulls in (1.7 s).
PRELOAD = (
    "numpy",
    "torch",
    "torch._dynamo",
    "torch.func",
    "scipy.stats",
    "sklearn.datasets",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_svg",
)


@dataclass(frozen=True)
class Settings:
    """The folders and options of one site. All paths are absolute.

    Attributes:
        root: the folder of mkdocs.yml; paths in keys and messages are relative to it.
        docs_dir: the Markdown pages.
        site_dir: where the HTML goes; never hashed.
        snippets_dir: the only folder that `--8<--` reads from.
        store_dir: where results are kept (DLFAQ_STORE, else `.dlfaq`).
        style: a matplotlib style file applied in every chain, or None.
        preload: third-party modules that the fork server loads.
        seed_offset: DLFAQ_SEED_OFFSET, in masters.
        device: DLFAQ_DEVICE, never detected, so that a key does not depend on the machine.
        memory_bytes: what a chain may allocate beyond what it starts with.
    """

    root: Path
    docs_dir: Path
    site_dir: Path
    snippets_dir: Path
    store_dir: Path
    style: Path | None = None
    preload: tuple[str, ...] = PRELOAD
    seed_offset: int = 0
    device: str = "cpu"
    memory_bytes: int = 4 * 2**30

    def relative(self, path: Path) -> str:
        """The path as keys and messages write it: from the root, with forward slashes."""
        return path.relative_to(self.root).as_posix()


class _Loader(yaml.SafeLoader):
    """Reads mkdocs.yml and takes any tag it does not know (`!ENV`, `!!python/name:`) for None."""


_Loader.add_multi_constructor("", lambda *_: None)


def _options(config: dict[str, Any]) -> dict[str, Any]:
    """The options of our Markdown extension; an error if the site does not list it."""
    for entry in config.get("markdown_extensions") or []:
        if entry == EXTENSION:
            return {}
        if isinstance(entry, dict) and EXTENSION in entry:
            return dict(entry[EXTENSION] or {})
    raise InputError(
        expected=f"{EXTENSION} under markdown_extensions in mkdocs.yml",
        got="a site that does not list it",
        cure=f"add a line `- {EXTENSION}`",
    )


def _seed_offset() -> int:
    text = os.environ.get("DLFAQ_SEED_OFFSET", "0")
    try:
        return int(text)
    except ValueError:
        raise InputError(
            expected="a whole number in DLFAQ_SEED_OFFSET",
            got=repr(text),
            cure="unset it, or write for example DLFAQ_SEED_OFFSET=1",
        ) from None


def read_settings(root: str | Path = ".") -> Settings:
    """Read the settings of the site in a folder.

    Args:
        root: the folder that holds mkdocs.yml.

    Raises:
        InputError: there is no mkdocs.yml, it is not a mapping, it does not list the extension, or
            an option is unknown.
    """
    root = Path(root).resolve()
    file = root / "mkdocs.yml"
    try:
        config = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506
    except FileNotFoundError:
        raise InputError(
            expected=f"a mkdocs.yml in {root}",
            got="none",
            cure="run in the folder of the site, or name it with -C DIR",
        ) from None
    except yaml.YAMLError as error:
        raise InputError(
            expected="YAML in mkdocs.yml", got=str(error), cure="correct that line"
        ) from None
    if not isinstance(config, dict):
        raise InputError(
            expected="a mapping in mkdocs.yml",
            got=type(config).__name__,
            cure="begin with `site_name: ...`",
        )
    return settings_from(root, config)


def settings_from(root: Path, config: dict[str, Any]) -> Settings:
    """The settings that a parsed mkdocs.yml in `root` stands for."""
    options = _options(config)
    unknown = sorted(set(options) - {"snippets", "style", "preload", "memory_gib"})
    if unknown:
        raise InputError(
            expected=f"the options snippets, style, preload, memory_gib of {EXTENSION}",
            got=", ".join(map(repr, unknown)),
            cure="correct mkdocs.yml",
        )
    style = options.get("style")
    store = os.environ.get("DLFAQ_STORE")
    return Settings(
        root=root,
        docs_dir=root / config.get("docs_dir", "docs"),
        site_dir=root / config.get("site_dir", "site"),
        snippets_dir=root / options.get("snippets", "snippets"),
        store_dir=Path(store).resolve() if store else root / ".dlfaq",
        style=root / style if style else None,
        preload=tuple(options.get("preload", PRELOAD)),
        seed_offset=_seed_offset(),
        device=os.environ.get("DLFAQ_DEVICE", "cpu"),
        memory_bytes=int(float(options.get("memory_gib", 4)) * 2**30),
    )
