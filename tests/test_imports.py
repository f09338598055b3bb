"""Imports point one way, from room to room, and neither half of the package sees the other.

Read from the source, so that an import inside a function or for a type checker counts too.
"""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import dlfaq
from dlfaq.extras import EXTRAS

PACKAGE = Path(dlfaq.__file__).parent
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
MKDOCS_ROOM = "dlfaq.site.mkdocs"
# What the engine must not load before a chain runs, nor while it renders: seconds, and memory.
HEAVY = {"torch", "torchvision", "matplotlib", "numpy", "scipy", "sklearn", "pandas"}
# Loaded inside a function, in the process of a chain, which has drawn with matplotlib by then.
IN_THE_WORKER = {
    "dlfaq.execution.worker.artist_data": {"matplotlib", "numpy"},
    "dlfaq.execution.worker.drawing": {"matplotlib"},
    "dlfaq.execution.worker.figure_data": {"matplotlib"},
}

LIBRARY = (
    "seeding",
    "data",
    "training",
    "replicate_values",
    "claims",
    "figures",
    "experiments",
    "gradients",
    "activations",
    "memory",
)
ENGINE = ("pages", "execution", "site", "pytest_plugin")
# Both halves may import these.
SHARED = ("errors", "extras", "protocol", "writing")

# The room: what it may import beside itself and the errors. The root is missing from all: its names
# live in modules, which it loads when they are asked for, and shows to type checkers.
ALLOWED = {
    "dlfaq": {*LIBRARY, "extras"} - {"replicate_values"},
    "errors": set(),
    "extras": set(),
    "protocol": set(),
    "writing": {"protocol"},
    "seeding": {"protocol"},
    "data": {"seeding", "writing"},
    "training": {"data", "seeding"},
    "replicate_values": {"protocol"},
    "claims": {"protocol", "replicate_values", "writing"},
    "figures": set(),
    "experiments": {
        "claims",
        "figures",
        "protocol",
        "replicate_values",
        "seeding",
        "training",
        "writing",
    },
    "gradients": {"seeding", "training", "writing"},
    "activations": {"seeding", "training", "writing"},
    "memory": {"figures", "training", "writing"},
    "pages": {"extras", "protocol"},
    "execution": {"extras", "pages", "protocol", "writing"},
    "site": {"extras", "pages", "execution", "protocol", "writing"},
    "pytest_plugin": {"pages", "execution"},
    "cli": {"extras", "pages", "execution", "site", "protocol", "writing", "memory"},
}


class Import(NamedTuple):
    target: str
    line: int
    runs_on_import: bool


def room(module: str) -> str:
    """The room of a module: the folder, or the file, directly under the package."""
    return module.split(".")[1] if "." in module else module


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


def in_rooms(*rooms: str) -> list[str]:
    return [module for module in MODULES if room(module) in rooms]


every_module = pytest.mark.parametrize("module", MODULES)


@every_module
def test_imports_point_one_way(module):
    here = room(module)
    allowed = {here, "errors"} | ALLOWED[here] if here != "errors" else set()
    assert (
        wrong(module, [i for i in ours(imports_of(module)) if room(i.target) not in allowed]) == []
    )


@pytest.mark.parametrize("here", ALLOWED)
def test_no_rule_allows_what_no_room_needs(here):
    needed = {room(i.target) for module in in_rooms(here) for i in ours(imports_of(module))}
    assert ALLOWED[here] <= needed


def test_the_picture_in_contributing_shows_these_rules_each_arrow_upwards():
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^ {6}(?:both|library|engine| ) +(\w+)(?: +─▶ (.+))?$", text, re.MULTILINE)
    drawn = {here: found.split(", ") if found else [] for here, found in rows}
    shared = {"dlfaq", "errors", "extras", "writing"}
    assert {here: {*found} for here, found in drawn.items()} == {
        here: ALLOWED[here] - shared for here in ALLOWED.keys() - shared
    }
    places = {here: place for place, here in enumerate(drawn)}
    for here, found in drawn.items():
        above = [places[one] for one in found]
        assert above == sorted(above), here
        assert all(place < places[here] for place in above), here


def test_rooms_make_no_circle():
    """Kahn's algorithm: a room whose imports are all placed can be placed."""
    placed: set[str] = set()
    while free := {here for here in ALLOWED.keys() - placed if ALLOWED[here] <= placed}:
        placed |= free
    assert ALLOWED.keys() - placed == set()


def test_modules_make_no_circle_not_even_for_types():
    left = {module: {i.target for i in ours(imports_of(module))} - {module} for module in MODULES}
    while free := {module for module, wanted in left.items() if not wanted & left.keys()}:
        left = {module: wanted for module, wanted in left.items() if module not in free}
    assert left == {}


def test_library_and_engine_do_not_know_each_other():
    for one, other in ((LIBRARY, ENGINE), (ENGINE, LIBRARY)):
        assert {here: ALLOWED[here] & {*other} for here in one} == {here: set() for here in one}


@pytest.mark.parametrize("module", in_rooms("cli"))
def test_the_command_loads_the_library_only_where_it_needs_it(module):
    at_once = [i for i in ours(imports_of(module)) if i.runs_on_import]
    assert wrong(module, [i for i in at_once if room(i.target) in LIBRARY]) == []


@every_module
def test_mkdocs_is_imported_by_its_room_alone(module):
    of_mkdocs = [i for i in imports_of(module) if i.target.split(".")[0] == "mkdocs"]
    if not module.startswith(MKDOCS_ROOM):
        assert wrong(module, of_mkdocs) == []


@pytest.mark.parametrize("module", in_rooms("cli", *SHARED, *ENGINE))
def test_the_engine_loads_nothing_heavy(module):
    heavy = HEAVY - IN_THE_WORKER.get(module, set())
    at_once = [i for i in imports_of(module) if i.runs_on_import]
    assert wrong(module, [i for i in at_once if i.target.split(".")[0] in heavy]) == []


@pytest.mark.parametrize(
    ("rooms", "extras", "beside"),
    [
        (SHARED, (), set()),
        (LIBRARY, ("library",), set()),
        # pytest comes with pytest-codeblocks; a chain that draws has loaded matplotlib itself.
        ((*ENGINE, "cli"), ("engine", "dask"), {"pytest", "_pytest", "matplotlib", "numpy"}),
    ],
    ids=["shared", "library", "engine"],
)
def test_what_a_half_imports_comes_with_its_extra(rooms, extras, beside):
    brought = beside | {module for extra in extras for module in EXTRAS[extra]}
    brought |= sys.stdlib_module_names | {"dlfaq"}
    for module in in_rooms(*rooms):
        found = [i for i in imports_of(module) if i.target.split(".")[0] not in brought]
        assert wrong(module, found) == []


def test_what_both_halves_agree_on_needs_the_standard_library_alone():
    found = {i.target.split(".")[0] for i in imports_of("dlfaq.protocol")}
    assert found - {"dlfaq"} <= sys.stdlib_module_names


def test_the_package_itself_loads_importlib_and_nothing_heavy():
    at_once = {i.target for i in imports_of("dlfaq") if i.runs_on_import}
    assert at_once == {"__future__", "importlib", "typing"}


def test_a_type_checker_sees_each_public_name_where_it_is_loaded_from():
    tree = ast.parse(MODULES["dlfaq"].read_text(encoding="utf-8"))
    [shown] = [node.body for node in tree.body if is_type_checking(node)]
    seen = {alias.asname: node.module for node in shown for alias in node.names}
    assert seen == {name: f"dlfaq.{home}" for name, home in dlfaq._HOME.items()}


def test_the_whole_engine_loads_without_the_library_torch_matplotlib_and_mkdocs():
    """The rules above once more, in a fresh process: what is loaded by what is loaded."""
    engine = in_rooms("cli", *SHARED, *ENGINE)
    engine = [m for m in engine if not m.startswith(MKDOCS_ROOM) and m not in IN_THE_WORKER]
    code = f"import sys, {', '.join(engine)}; print(*sys.modules)"
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert loaded & {*in_rooms(*LIBRARY), "torch", "matplotlib", "mkdocs"} == set()


ROOMS = [module for module, path in MODULES.items() if path.name == "__init__.py"]


@pytest.mark.parametrize("module", [room for room in ROOMS if room != "dlfaq"])
def test_a_room_says_what_is_in_it_and_imports_nothing(module):
    assert importlib.import_module(module).__doc__
    assert imports_of(module) == []


@pytest.mark.parametrize("module", [m for m in MODULES if m == "dlfaq" or m not in ROOMS])
def test_all_names_what_the_module_has_once_each(module):
    # A module that fails to import fails here, with its own traceback.
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
