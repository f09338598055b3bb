"""Whatever is edited, and in whatever order: a warm build is, byte for byte, what a cold one is.

A small site is edited at random: pages, modules, data, folders, links, the environment and the
configuration. Its chains ask for all of these, and load nothing heavy. After each few edits it is
built by what is stored, and built anew with an empty store.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mkdocs.commands.build import build as build_site
from mkdocs.config import load_config

from dlfaq.execution.build import build
from dlfaq.pages.config import read_settings

if TYPE_CHECKING:
    from pathlib import Path


CONFIG = """\
site_name: {site_name}
use_directory_urls: {use_directory_urls}
theme: {theme}
plugins: [dlfaq]
markdown_extensions:
  - {extension}
  - pymdownx.superfences
  - dlfaq.site.markdown_extension:
      preload: []
      memory_gib: {memory_gib}
      snippets: {snippets}
"""

#: The values of each word of the configuration; the site begins with the first.
WORDS = {
    "site_name": ["Small", "Other"],
    "use_directory_urls": ["true", "false"],
    "theme": ["mkdocs", "readthedocs"],
    "extension": ["tables", "attr_list"],
    "memory_gib": ["1", "2"],
    "snippets": ["snippets", "other"],
}

#: What each file may hold; the site begins with the first, and without those that begin absent.
ABSENT = None
FILES: dict[str, list[str | None]] = {
    "lab.py": ["x = 1\n", "x = 2\n", "import late\nx = late.x\n", ABSENT],
    "lab/__init__.py": [ABSENT, "x = 'package'\n"],
    "late.py": ["x = 10\n", "x = 20\n", ABSENT],
    "extra.py": [ABSENT, "x = 1\n", "x = 2\n"],
    "kit/__init__.py": ["", "from kit.more import x\n"],
    "kit/more.py": [ABSENT, "x = 1\n", "x = 2\n"],
    "kit/data.txt": ["a", "b", ABSENT],
    "colorsys.py": [ABSENT, "ONE_THIRD = 'shadowed'\n"],
    "src/deep.py": ["x = 1\n", "x = 2\n", ABSENT],
    "script.py": ["y = 1\n", "y = 2\n"],
    "data/a.csv": ["1\n", "2\n", "11\n", ABSENT],
    "data/b.csv": [ABSENT, "3\n"],
    "data/more/c.csv": [ABSENT, "4\n", "5\n"],
    "flag": [ABSENT, "", "x"],
    "snippets/double.py": ["def double(x):\n    return 2 * x\n", '--8<-- "inner.py"\n', ABSENT],
    "snippets/inner.py": ["def double(x):\n    return x + x + 0.0\n"],
    "other/double.py": ["def double(x):\n    return 'other'\n"],
    "docs/data.txt": ["one", "two"],
}

START = "import os\nimport sys\nfrom pathlib import Path\n\nroot = Path(sys.path[0])\n"

#: What chains ask. Nothing here fails for long but by a module, an include or a limit.
CODES = [
    "print(1)",
    "print(2)",
    "1 + 1",
    "import lab\n\nprint(lab.x)",
    "def f():\n    import late\n\n    return late.x\n\n\nprint(f())",
    "try:\n    import extra\n\n    print(extra.x)\nexcept ImportError:\n    print('no extra')",
    "try:\n    from kit.more import x\n\n    print(x)\nexcept ImportError:\n    print('no more')",
    "import kit\n\nprint(sorted(vars(kit)))",
    "from importlib.resources import files\n\nprint((files('kit') / 'data.txt').is_file())",
    "import colorsys\n\nprint(colorsys.ONE_THIRD)",
    "sys.path.append(str(root / 'src'))\n\nimport deep\n\nprint(deep.x)",
    "import runpy\n\nprint(runpy.run_path(str(root / 'script.py'))['y'])",
    "import inspect\n\nimport late\n\nprint(inspect.getsource(late))",
    "import pkgutil\n\nprint([one.name for one in pkgutil.iter_modules([str(root)])])",
    "print(sorted(p.name for p in (root / 'data').rglob('*.csv')))",
    "import glob\n\nprint(sorted(glob.glob('**', root_dir=root / 'data', recursive=True)))",
    "print([(sorted(d), sorted(f)) for _, d, f in os.walk(root / 'data')])",
    "print((root / 'flag').exists(), os.path.isdir(root / 'data' / 'more'))",
    "flag = root / 'flag'\nprint(flag.stat().st_size if flag.exists() else None)",
    "print(os.access(root / 'script.py', os.X_OK), (root / 'script.py').stat().st_mode & 0o111)",
    "print(os.readlink(root / 'link') if os.path.islink(root / 'link') else 'no link')",
    "print((root / 'link').resolve().name)",
    "print((root / 'link').read_text() if (root / 'link').is_file() else None)",
    "os.chdir(root)\nprint(sorted(os.listdir('data')))",
    "with open(root / 'docs' / 'data.txt') as file:\n    print(file.read())",
    "docs = os.open(root / 'docs', os.O_RDONLY)\nprint(len(os.listdir(docs)))\nos.close(docs)",
    "print(os.environ.get('SHADE'), 'HF_HOME' in os.environ)",
    "print(sorted(name for name in os.environ if name.startswith(('HF_', 'SHADE'))))",
    "import subprocess\n\nprint(subprocess.run(['ls', root / 'data'], capture_output=True).stdout)",
    "print(os.environ['DLFAQ_SEED_OFFSET'])",
    '--8<-- "double.py"\n\nprint(double(2))',
    "import random\n\nprint(random.random())",
    "x = 5",
]
OPTIONS = [
    "",
    "#| echo: false\n",
    "#| code-fold: true\n",
    "#| warning: true\n",
    "#| output: false\n",
]
VALUES = ["1 + 1", "root.name", "len(os.listdir(root / 'data'))", "next(z)", "next(z) + 0"]
VARIABLES = {
    "SHADE": [None, "red", "blue"],
    "HF_HOME": [None, "one", "two"],
    "DLFAQ_SEED_OFFSET": [None, "3"],
}


class World:
    """The site, the words of its configuration, and the variables around it.

    The methods below are the edits. Each can be made in any state, and some then do nothing.
    """

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.set = monkeypatch
        self.words = {name: values[0] for name, values in WORDS.items()}
        for name, values in VARIABLES.items():
            self.variable(name, values[0])
        for name, texts in FILES.items():
            self.write(name, texts[0])
        self.configure("site_name", "Small")

    def variable(self, name: str, value: str | None) -> None:
        """Set a variable of the environment, or take it away."""
        if value is None:
            self.set.delenv(name, raising=False)
        else:
            self.set.setenv(name, value)

    def configure(self, name: str, value: str) -> None:
        """Change a word of the configuration."""
        self.words[name] = value
        (self.root / "mkdocs.yml").write_text(CONFIG.format(**self.words), encoding="utf-8")

    def write(self, name: str, text: str | None) -> None:
        """Give a file this text, or take it away."""
        file = self.root / name
        with suppress(OSError):
            if text is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")

    def write_in_disguise(self, name: str, text: str) -> None:
        """Write without a change of size or time, as tools that restore times do."""
        with suppress(OSError):
            before = (self.root / name).stat()
            self.write(name, text.ljust(before.st_size)[: before.st_size])
            os.utime(self.root / name, ns=(before.st_atime_ns, before.st_mtime_ns))

    def rename(self, old: str, new: str) -> None:
        """Move a file or a folder."""
        with suppress(OSError):
            (self.root / new).parent.mkdir(parents=True, exist_ok=True)
            (self.root / old).rename(self.root / new)

    def link(self, target: str) -> None:
        """Have a link lead elsewhere."""
        (self.root / "link").unlink(missing_ok=True)
        (self.root / "link").symlink_to(target)

    def empty(self, folder: str) -> None:
        """Delete all that is in a folder."""
        with suppress(OSError):
            shutil.rmtree(self.root / folder, ignore_errors=True)
            (self.root / folder).mkdir(parents=True)

    def allow(self, mode: int) -> None:
        """Let a script be run as a program, or no longer."""
        (self.root / "script.py").chmod(mode)


@st.composite
def pages(draw: st.DrawFn) -> str:
    """The text of a page of a few chains, with values between them."""
    parts = [draw(st.sampled_from(["Prose.", "Other prose.", "# Heading"]))]
    for number in range(draw(st.integers(1, 3))):
        start = f"{START}z = iter([1, 2, 3])\n"
        if number and draw(st.booleans()):
            start, cont = "", "<!--pytest-codeblocks:cont-->\n"
        else:
            cont = ""
        code = draw(st.sampled_from(CODES))
        options = draw(st.sampled_from(OPTIONS))
        parts.append(f"{cont}```python\n{options}{start}\n{code}\n```")
        values = draw(st.lists(st.sampled_from(VALUES), max_size=2))
        parts += [f"It is `{{python}} {value}`." for value in values]
    return "\n\n".join(parts) + "\n"


PAGES = ["docs/index.md", "docs/one.md", "docs/sub/two.md"]


def edit(name: str, *arguments: st.SearchStrategy) -> st.SearchStrategy:
    return st.tuples(st.just(name), *arguments)


def one_of(choices: dict[str, list]) -> st.SearchStrategy:
    """A key and one of its values."""
    return st.sampled_from([(name, value) for name, values in choices.items() for value in values])


TEXTS = {name: [text for text in texts if text] for name, texts in FILES.items()}
EDITS = st.one_of(
    edit("write", st.sampled_from(PAGES), pages()),
    edit("write", st.sampled_from(PAGES), pages()),
    one_of(FILES).map(lambda one: ("write", *one)),
    one_of(FILES).map(lambda one: ("write", *one)),
    one_of(TEXTS).map(lambda one: ("write_in_disguise", *one)),
    one_of(VARIABLES).map(lambda one: ("variable", *one)),
    one_of(WORDS).map(lambda one: ("configure", *one)),
    edit("rename", st.sampled_from(PAGES), st.sampled_from(PAGES)),
    edit("rename", st.sampled_from(["data/a.csv", "data/more"]), st.just("data/z.csv")),
    edit("link", st.sampled_from(["data/a.csv", "script.py", "data", "absent"])),
    edit("empty", st.sampled_from(["data", "data/more", "kit"])),
    edit("allow", st.sampled_from([0o644, 0o755])),
)


def published(world: World, folder: Path) -> dict[str, object]:
    """What a build by the results in a folder publishes there, or why it does not.

    Where a chain fails nothing is published, but the results of the others are kept.
    """
    world.set.setenv("DLFAQ_STORE", str(folder / "store"))
    report = build(read_settings(world.root), jobs=1)
    results = {name: one.result for name, one in report.site.results.items() if one.ok}
    shown = {name: (result.outputs, result.values) for name, result in results.items()}
    if report.failures:
        return {**shown, "failures": sorted(report.failures)}
    site = folder / "site"
    build_site(load_config(str(world.root / "mkdocs.yml"), site_dir=str(site)))
    files = {file for file in site.rglob("*") if file.is_file()}
    return shown | {file.relative_to(site).as_posix(): without_runs(file) for file in files}


def without_runs(file: Path) -> bytes:
    """A file without what differs between two builds: dates, durations, memory."""
    run = rb'(<(\w+) [^>]*class="[^"]*\bdl-run\b[^"]*"[^>]*>).*?</\2>'
    return re.sub(run, rb"\1", file.read_bytes())


def test_a_warm_build_is_what_a_cold_one_is(tmp_path_factory, count):
    @settings(
        max_examples=count(5, soak=300),
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.tuples(pages(), pages(), pages()),
        st.lists(st.lists(EDITS, min_size=1, max_size=4), min_size=1, max_size=5),
    )
    def holds(first: tuple[str, ...], rounds: list[list[tuple]]) -> None:
        folder = tmp_path_factory.mktemp("world")
        root, warm, cold = folder / "root", folder / "warm", folder / "cold"
        root.mkdir()
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")  # MkDocs names the time
            world = World(root, monkeypatch)
            for name, text in zip(PAGES, first, strict=True):
                world.write(name, text)
            published(world, warm)
            for edits in rounds:
                for name, *arguments in edits:
                    getattr(world, name)(*arguments)
                shutil.rmtree(cold, ignore_errors=True)
                assert published(world, warm) == published(world, cold)
        shutil.rmtree(folder)

    holds()
