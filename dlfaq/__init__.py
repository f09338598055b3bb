"""Deep-learning folklore, measured.

Two halves that never import each other:

- **the library**, what a page imports (`from dlfaq import digits, fit_many, claim`): `data`,
  `training`, `experiments`, `claims`, `figures`, and the instruments `gradients`, `activations`
  and `memory`. PyTorch lives here.
- **the engine**, what runs and shows a page: `pages` reads what an author wrote, `execution` runs
  it in fresh processes and keeps the results, `site` turns results into HTML while Markdown is
  rendered, and runs nothing.

Both know `writing`. `cli` is the command `dlfaq`, `pytest_plugin` makes every snippet a test, and
`errors` has the one root of all errors.

This module imports nothing heavy: a name is loaded with its module at first use, so that a page
which uses one function of the library depends on that function's module alone.
"""

from __future__ import annotations

from importlib import import_module

_MODULES = {
    "activations.liveness": ["dead_units"],
    "activations.stats": ["ActivationStats", "activation_stats"],
    "claims.claim": ["claim", "estimate"],
    "claims.intervals": [
        "Interval",
        "failure_rate_interval",
        "geometric_mean_interval",
        "mean_interval",
    ],
    "data.sets": ["Dataset", "Examples", "digits", "fashion_mnist", "mnist", "mnist1d"],
    "experiments.compare": ["compare"],
    "experiments.comparison": ["Comparison"],
    "experiments.measure_arms": ["measure_arms"],
    "experiments.tuning": ["Trained", "Tuned", "tune"],
    "figures.axis_labels": ["y_label"],
    "figures.line_labels": ["line_labels"],
    "figures.replicates": ["replicates"],
    "figures.states": ["states"],
    "gradients.check.check": ["check_gradients"],
    "gradients.check.report": ["GradientReport"],
    "gradients.norms": ["GradientNorms", "gradient_norms"],
    "memory.account": ["MemoryProfile"],
    "memory.profile": ["memory_profile"],
    "seeding": ["seeds", "tuning_seeds"],
    "training.fit": ["fit"],
    "training.fit_many": ["fit_many"],
    "training.history": ["History"],
    "training.models": ["count_parameters", "mlp"],
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
