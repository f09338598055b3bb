"""A user's own file: the function in it, and what it makes, without a GPU."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import contextmanager
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from dlfaq.errors import DlfaqError, InputError, first_line
from dlfaq.memory.place import place
from dlfaq.memory.tracing import made_by, new_fake_mode
from dlfaq.memory.without_gpu import without_gpu

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType

__all__ = ["function_of", "made_in"]


def made_in(file: Path, name: str) -> tuple[Callable[[], nn.Module], Any]:
    """What makes the model of a file, and the inputs that come with it, or None.

    Args:
        file: Python.
        name: of a function, or of a class of models, that needs no arguments.

    Raises:
        InputError: there is no such function, it fails, or it returns something else.
    """
    function = function_of(file, name)
    needed = [p.name for p in _parameters(function) if _is_needed(p)]
    if needed:
        raise InputError(
            expected="a function that is called without arguments",
            got=f"{name}({', '.join(needed)})",
            cure=f"write one that returns {name}(…) with the arguments you mean",
        )

    def make() -> Any:  # noqa: ANN401 - that is what is looked at
        with _user_errors(f"{name} of {file.name} to return a model", f"call {name}() in Python"):
            return function()

    made = made_by(make, new_fake_mode())
    if isinstance(made, nn.Module):
        return make, None
    if isinstance(made, tuple) and len(made) == 2 and isinstance(made[0], nn.Module):  # noqa: PLR2004
        return lambda: make()[0], made[1]
    raise InputError(
        expected=f"{name} to return a model, or a tuple of the model and its inputs",
        got=_in_words(made),
        cure="return model, or (model, inputs)",
    )


def function_of(file: Path, name: str) -> Callable[..., Any]:
    """A function of a file, which is run for it.

    Raises:
        InputError: there is no such file or function, or the file cannot be run.
    """
    if not file.is_file():
        raise InputError(
            expected="a Python file", got=str(file), cure="give the path from where you are"
        )
    module = _run(file)
    function = getattr(module, name, None)
    if not callable(function) or isinstance(function, nn.Module):
        names = [n for n, value in vars(module).items() if _is_own_function(value, module)]
        raise InputError(
            expected=f"a function of {file.name} that returns the model",
            got=repr(name) if function is None else f"{name}, {_a(type(function).__name__)}",
            cure=f"there is {', '.join(names)}" if names else "define one",
        )
    return function  # type: ignore[no-any-return]


def _run(file: Path) -> ModuleType:
    name = file.stem
    there = sys.modules.get(name)
    if there is not None and getattr(there, "__file__", None) != str(file):
        name = f"{name} of {file.parent.name}"  # Python's own `random` stays what it is
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None  # noqa: PT018 - it ends in .py
    module = importlib.util.module_from_spec(spec)
    folder = str(file.parent.resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)  # its own imports, as `python file.py` has it
    sys.modules[name] = module
    try:
        expected, cure = f"a file that Python runs, {file.name}", f"try `python {file.name}`"
        with _user_errors(expected, cure), without_gpu():
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _user_errors(expected: str, cure: str) -> Iterator[None]:
    """Say in one line what the user's own code raised, and where."""
    try:
        yield
    except (KeyboardInterrupt, DlfaqError):
        raise
    except BaseException as error:  # a script may end with sys.exit, too
        if isinstance(error, ModuleNotFoundError):
            cure = f"install {error.name} in this environment, or put its file beside this one"
        elif isinstance(error, SystemExit):
            cure = 'put what the script does below `if __name__ == "__main__":`'
        where = place(error)
        if isinstance(error, SyntaxError) and error.filename:
            where = f" at {error.filename}:{error.lineno}"
        raise InputError(
            expected=expected,
            got=f"{type(error).__name__}{where}: {first_line(error)}",
            cure=cure,
        ) from error


def _is_own_function(value: object, module: ModuleType) -> bool:
    if not callable(value) or getattr(value, "__module__", None) != module.__name__:
        return False
    name = getattr(value, "__name__", "_")
    return not name.startswith(("_", "<")) and not any(_is_needed(p) for p in _parameters(value))


def _parameters(function: Callable[..., Any]) -> list[Parameter]:
    try:
        return list(signature(function).parameters.values())
    except (TypeError, ValueError):  # one that was not written in Python does not say
        return []


def _is_needed(parameter: Parameter) -> bool:
    variable = parameter.kind in {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}
    return parameter.default is Parameter.empty and not variable


def _in_words(made: object) -> str:
    if isinstance(made, tuple | list) and made:
        return f"a {type(made).__name__} of {', '.join(map(_in_words, made))}"
    return "Tensor" if isinstance(made, Tensor) else type(made).__name__


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
