"""Imports point one way: site → execution → errors, lab → errors, and neither half sees the other.

Read from the source, so that an import inside a function or for a type checker counts too.
"""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import dlfaq

PACKAGE = Path(dlfaq.__file__).parent
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
MKDOCS_PLUGIN = "dlfaq.site.mkdocs_plugin"
# What the engine must not load before a chain runs, nor while it renders: seconds, and memory.
HEAVY = {"torch", "torchvision", "matplotlib", "numpy", "scipy", "sklearn", "pandas"}
# Loaded inside a function, in the process of a chain, which has drawn with matplotlib by then.
IN_THE_CHILD = {"dlfaq.execution.drawing": {"matplotlib"}}


class Import(NamedTuple):
    target: str
    line: int
    runs_on_import: bool


def part(module: str) -> str:
    """The part of the package that `module` belongs to; the lab is what remains."""
    for engine in ("dlfaq.execution", "dlfaq.site"):
        if module == engine or module.startswith(f"{engine}."):
            return engine.removeprefix("dlfaq.")
    own = {
        "dlfaq": "root",
        "dlfaq.errors": "errors",
        "dlfaq.cli": "cli",
        "dlfaq.testing": "testing",
    }
    return own.get(module, "lab")


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def targets(node: ast.AST, package: str, known: set[str]) -> list[str]:
    """The modules that one statement or call imports, by their full names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        above = package.rsplit(".", node.level - 1)[0] if node.level else ""
        source = ".".join(filter(None, [above, node.module]))
        # `from package import name` is an import of the module `package.name`, if there is one.
        full = [f"{source}.{alias.name}" for alias in node.names]
        return [name if name in known else source for name in full]
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
        first = node.args[0]
        return [first.value] if isinstance(first, ast.Constant) else []
    return []


def read_imports(source: str, package: str, known: set[str]) -> list[Import]:
    """Every import in `source`, a module of `package`."""
    found = []

    def walk(node: ast.AST, *, runs: bool) -> None:
        found.extend(Import(t, node.lineno, runs) for t in targets(node, package, known))
        for child in ast.iter_child_nodes(node):
            in_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            # The `else` of TYPE_CHECKING would run; nobody writes one, and then it is not seen.
            walk(child, runs=runs and not in_function and not is_type_checking(child))

    walk(ast.parse(source), runs=True)
    return found


def imports_of(module: str) -> list[Import]:
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return read_imports(path.read_text(encoding="utf-8"), package, set(MODULES))


def ours(found: list[Import]) -> list[Import]:
    return [i for i in found if i.target == "dlfaq" or i.target.startswith("dlfaq.")]


def wrong(module: str, bad: list[Import]) -> list[str]:
    path = MODULES[module].relative_to(PACKAGE.parent).as_posix()
    return [f"{path}:{i.line}: imports {i.target}" for i in bad]


def in_part(*names: str) -> list[str]:
    return [module for module in MODULES if part(module) in names]


every_module = pytest.mark.parametrize("module", MODULES)

# The part: what it may import. The root is missing from all: its names live in modules.
ALLOWED = {
    "errors": set(),
    "root": set(),
    "lab": {"lab", "errors"},
    "execution": {"execution", "errors"},
    "site": {"site", "execution", "errors"},
    "testing": {"site", "execution", "errors"},
    "cli": {"site", "execution", "errors", "lab"},
}


@every_module
def test_imports_point_one_way(module):
    allowed = ALLOWED[part(module)]
    assert (
        wrong(module, [i for i in ours(imports_of(module)) if part(i.target) not in allowed]) == []
    )


@pytest.mark.parametrize("module", in_part("cli"))
def test_the_command_loads_the_lab_only_where_it_needs_it(module):
    at_once = [i for i in ours(imports_of(module)) if i.runs_on_import]
    assert wrong(module, [i for i in at_once if part(i.target) == "lab"]) == []


@every_module
def test_mkdocs_is_imported_by_the_plugin_alone(module):
    of_mkdocs = [i for i in imports_of(module) if i.target.split(".")[0] == "mkdocs"]
    if module != MKDOCS_PLUGIN:
        assert wrong(module, of_mkdocs) == []


@pytest.mark.parametrize("module", in_part("errors", "execution", "site", "testing", "cli"))
def test_the_engine_loads_nothing_heavy(module):
    heavy = HEAVY - IN_THE_CHILD.get(module, set())
    at_once = [i for i in imports_of(module) if i.runs_on_import]
    assert wrong(module, [i for i in at_once if i.target.split(".")[0] in heavy]) == []


def test_the_package_itself_imports_importlib_and_nothing_else():
    assert {i.target for i in imports_of("dlfaq")} == {"__future__", "importlib"}


def test_the_whole_engine_loads_without_the_lab_torch_matplotlib_and_mkdocs():
    """The rules above once more, in a fresh process: what is loaded by what is loaded."""
    engine = in_part("errors", "execution", "site", "testing", "cli")
    engine = [m for m in engine if m != MKDOCS_PLUGIN and m not in IN_THE_CHILD]
    code = f"import sys, {', '.join(engine)}; print(*sys.modules)"
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert loaded & {*in_part("lab"), "torch", "matplotlib", "mkdocs"} == set()


# A folder's __init__ has no names: its modules have them.
@pytest.mark.parametrize(
    "module", [m for m in MODULES if m not in {"dlfaq.execution", "dlfaq.site"}]
)
def test_all_names_what_the_module_has_once_each(module):
    # A lab module that fails to import fails here, with its own traceback.
    loaded = importlib.import_module(module)
    names = list(loaded.__all__)
    assert sorted(set(names)) == sorted(names)
    assert [name for name in names if not hasattr(loaded, name)] == []


@pytest.mark.parametrize("name", dlfaq.__all__)
def test_a_name_of_the_package_is_public_in_its_module(name):
    home = importlib.import_module(f"dlfaq.{dlfaq._HOME[name]}")
    assert name in home.__all__
    assert getattr(dlfaq, name) is getattr(home, name)


# The rules are as good as the reader of imports, so here is what it must see.
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a.b, c", [("a.b", 1, True), ("c", 1, True)]),
        ("from dlfaq import errors", [("dlfaq.errors", 1, True)]),
        ("from dlfaq import claim", [("dlfaq", 1, True)]),
        ("from dlfaq.errors import InputError", [("dlfaq.errors", 1, True)]),
        ("from . import key", [("dlfaq.execution.key", 1, True)]),
        ("from .key import digest", [("dlfaq.execution.key", 1, True)]),
        ("from ..errors import InputError", [("dlfaq.errors", 1, True)]),
        ("def f():\n    import torch", [("torch", 2, False)]),
        ("class C:\n    import torch", [("torch", 2, True)]),
        ("try:\n    import torch\nexcept ImportError: pass", [("torch", 2, True)]),
        ("if TYPE_CHECKING:\n    import torch", [("torch", 2, False)]),
        ("importlib.import_module('dlfaq.data')", [("dlfaq.data", 1, True)]),
    ],
    ids=lambda value: value.replace("\n", " ") if isinstance(value, str) else "",
)
def test_an_import_is_seen_wherever_it_stands(source, expected):
    known = {"dlfaq.errors", "dlfaq.execution.key"}
    assert read_imports(source, "dlfaq.execution", known) == [Import(*e) for e in expected]
