"""Deep-learning folklore, measured.

Two halves that never import each other:

- **the lab**, what a page imports (`from dlfaq import digits, fit_many, claim`): `data`, `models`,
  `training`, `replicas`, `tuning`, `comparison`, `experiments`, `gradients`, `gradient_check`,
  `activations`, `memory`, `statistics`, `claims`, `figures`.
  PyTorch lives here.
- **the engine**, what runs and shows a page: `execution` reads pages, runs their chains in fresh
  processes and keeps the results; `site` turns results into HTML while Markdown is rendered, and
  runs nothing.

`cli` is the command `dlfaq`, `testing` the pytest glue, `errors` the one root of all errors.

This module imports nothing heavy: a name is loaded with its module at first use, so that a page
which uses one function of the lab depends on that function's module alone.
"""

from __future__ import annotations

from importlib import import_module

_MODULES = {
    "activations": ["ActivationStats", "activation_stats", "dead_units"],
    "claims": ["claim", "estimate"],
    "comparison": ["Comparison", "compare"],
    "data": ["Dataset", "Examples", "digits", "fashion_mnist", "mnist", "mnist1d"],
    "experiments": ["Measured", "measure_arms"],
    "figures": ["line_labels", "replicates", "y_label"],
    "gradient_check": ["GradientReport", "check_gradients"],
    "gradients": ["GradientNorms", "gradient_norms"],
    "history": ["History"],
    "memory": ["MemoryProfile", "memory_profile"],
    "models": ["count_parameters", "mlp"],
    "replicas": ["fit_many"],
    "seeding": ["seeds", "tuning_seeds"],
    "statistics": [
        "Interval",
        "failure_rate_interval",
        "geometric_mean_interval",
        "mean_interval",
    ],
    "training": ["fit"],
    "tuning": ["Trained", "Tuned", "tune"],
}

_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOME)  # noqa: PLE0605


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
