"""What the engine knows of a site: its folders and options, read from mkdocs.yml without MkDocs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dlfaq.errors import InputError
from dlfaq.extras import PRELOAD
from dlfaq.protocol import seed_offset

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EXTENSION", "Settings", "read_settings", "settings_from"]

EXTENSION = "dlfaq.site.markdown_extension"

_FOLDERS = {"docs_dir": "docs", "site_dir": "site"}

#: The extension's options: default, type, and what to call that.
_OPTIONS: dict[str, tuple[Any, Any, str]] = {
    "snippets": ("snippets", str, "text"),
    "style": ("", str, "text"),
    "preload": (list(PRELOAD), list, "list"),
    "memory_gib": (4, (int, float), "number"),
    "reference": ("", str, "text"),
}


@dataclass(frozen=True)
class Settings:
    """The folders and options of one site. All paths are absolute.

    Attributes:
        root: the folder of mkdocs.yml; paths in keys and messages are relative to it.
        docs_dir: the Markdown pages.
        site_dir: where the HTML goes; never hashed.
        snippets_dir: the only folder that `--8<--` reads from.
        store_dir: where results are kept (DLFAQ_STORE, else `.dlfaq`).
        style: a matplotlib style file applied in every chain, or None; the option names one below
            the root, or says `house`.
        preload: third-party modules that the fork server loads.
        seed_offset: DLFAQ_SEED_OFFSET, in masters.
        device: DLFAQ_DEVICE, never detected, so that a key does not depend on the machine.
        memory_bytes: what a chain may allocate beyond what it starts with.
        placebo: whether the arms of each comparison get the same treatment (`dlfaq claims`).
        reference: the folder of the package that `{reference}` shows, or None.
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
    placebo: bool = False
    reference: Path | None = None

    def relative(self, path: Path) -> str:
        """The path as keys and messages write it: from the root, with forward slashes."""
        # Also of a file beside the root: MkDocs may be told to read pages there.
        return Path(os.path.relpath(path, self.root)).as_posix()


class _Loader(yaml.SafeLoader):
    """Reads mkdocs.yml as MkDocs does, but that it takes `!!python/name:` and the like for None."""


def _of_environment(loader: _Loader, node: yaml.Node) -> object:
    """`!ENV NAME` or `!ENV [NAME, OTHER, default]`: the first that is set, as YAML reads it."""
    names = node.value if isinstance(node, yaml.SequenceNode) else [node]
    *tried, last = names if len(names) > 1 else [*names, None]
    for name in tried:
        if name.value in os.environ:
            return yaml.load(os.environ[name.value], Loader=_Loader)  # noqa: S506 - a SafeLoader
    return None if last is None else loader.construct_object(last)


_Loader.add_multi_constructor("", lambda *_: None)
_Loader.add_constructor("!ENV", _of_environment)


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


def _store_dir(root: Path) -> Path:
    text = os.environ.get("DLFAQ_STORE")
    folder = Path(text).resolve() if text else root / ".dlfaq"
    if folder.exists() and not folder.is_dir():
        raise InputError(
            expected="a folder in DLFAQ_STORE",
            got=f"the file {folder}",
            cure="unset it, or name a folder",
        )
    return folder


def _checked(options: dict[str, Any]) -> dict[str, Any]:
    """Every option, its default where it is left out."""
    for name, value in options.items():
        if name not in _OPTIONS:
            raise InputError(
                expected=f"the options {', '.join(_OPTIONS)} of {EXTENSION}",
                got=repr(name),
                cure="correct mkdocs.yml",
            )
        _, kind, word = _OPTIONS[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise InputError(
                expected=f"a {word} as the option {name} of {EXTENSION}",
                got=repr(value),
                cure="correct mkdocs.yml",
            )
    return {name: options.get(name, default) for name, (default, _, _) in _OPTIONS.items()}


def _style(root: Path, option: str) -> Path | None:
    """The style file that an option names; "house" is the one that comes with the package."""
    if option == "house":
        return Path(__file__).parents[1] / "figures" / "house.mplstyle"
    return root / option if option else None


def read_settings(root: str | Path = ".") -> Settings:
    """Read the settings of the site in a folder.

    Args:
        root: the folder that holds mkdocs.yml.

    Raises:
        InputError: there is no mkdocs.yml, it is not a mapping, it does not list the extension, or
            an option is unknown.
    """
    root = Path(root).resolve()
    try:
        config = _config(root / "mkdocs.yml")
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
    return settings_from(root, config, _options(config))


def _config(file: Path) -> dict[str, Any]:
    """A configuration with what it inherits (`INHERIT: ../base.yml`)."""
    config = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    if not isinstance(config, dict):
        raise InputError(
            expected=f"a mapping in {file.name}",
            got=type(config).__name__,
            cure="begin with `site_name: ...`",
        )
    if "INHERIT" not in config:
        return config
    base = file.parent / config.pop("INHERIT")
    if not base.is_file():
        raise InputError(
            expected=f"a file that {file.name} can inherit",
            got=f"none at {base}",
            cure="correct INHERIT",
        )
    return _merged(_config(base), config)


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Mappings key by key, all else as the inheriting file has it; so MkDocs does it."""
    both = {
        key: _merged(base[key], value)
        for key, value in own.items()
        if isinstance(value, dict) and isinstance(base.get(key), dict)
    }
    return {**base, **own, **both}


def settings_from(root: Path, config: Mapping[str, Any], options: dict[str, Any]) -> Settings:
    """The settings that a configuration stands for.

    Args:
        root: the folder of the configuration.
        config: read from mkdocs.yml, or as MkDocs has resolved it.
        options: those of the extension.

    Raises:
        InputError: a folder is no text, or an option is unknown.
    """
    options = _checked(options)
    folders = {name: config.get(name) or default for name, default in _FOLDERS.items()}
    for name, folder in folders.items():
        if not isinstance(folder, str):
            raise InputError(
                expected=f"the path of a folder as {name}",
                got=repr(folder),
                cure="correct mkdocs.yml",
            )
    return Settings(
        root=root,
        docs_dir=root / folders["docs_dir"],
        site_dir=root / folders["site_dir"],
        snippets_dir=root / options["snippets"],
        store_dir=_store_dir(root),
        style=_style(root, options["style"]),
        preload=tuple(options["preload"]),
        seed_offset=seed_offset(os.environ.get("DLFAQ_SEED_OFFSET", "0")),
        device=os.environ.get("DLFAQ_DEVICE", "cpu"),
        memory_bytes=int(options["memory_gib"] * 2**30),
        reference=root / options["reference"] if options["reference"] else None,
    )
