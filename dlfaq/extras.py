"""What is optional: which module comes with which extra of the package, and what is said without.

The base needs the standard library alone. `tests/test_extras.py` holds this to pyproject.toml.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from dlfaq.errors import ExtraMissing

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EXTRAS", "NUMERICAL", "PRELOAD", "extra_missing"]

EXTRAS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "engine": (
            "griffe",
            "jupytext",
            "markdown",
            "math_core",
            "mkdocs",
            "nbformat",
            "packaging",
            "pygments",
            "pymdownx",
            "pytest_codeblocks",
            "tqdm",
            "yaml",
        ),
        "library": (
            "torch",
            "torchvision",
            "numpy",
            "scipy",
            "matplotlib",
            "sklearn",
            "mlxtend",
            "mnist1d",
            "tqdm",
        ),
        "dask": ("distributed",),
    }
)
"""The modules that each extra brings, by the name that is imported."""

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
"""What every chain finds loaded, if it is installed and the site names nothing else.

`torch._dynamo` is what a first optimizer pulls in (1.7 s).
"""

NUMERICAL = ("matplotlib", "numpy", "scikit-learn", "scipy", "torch", "torchvision")
"""The distributions whose version counts for every chain, whether it imports them or not."""


def extra_missing(error: ModuleNotFoundError) -> ExtraMissing | None:
    """What to say of a module that was not found; None if no extra would bring it.

    Example:
        >>> str(extra_missing(ModuleNotFoundError(name="torch")))
        'expected the package torch; got none; pip install "dlfaq[library]"'
    """
    for extra, modules in EXTRAS.items():
        if error.name in modules:
            return ExtraMissing(
                expected=f"the package {error.name}",
                got="none",
                cure=f'pip install "dlfaq[{extra}]"',
                name=error.name,
            )
    return None
