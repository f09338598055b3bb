"""Deep-learning folklore, measured.

Two halves that never import each other:

- **the library**, what a page imports (`from dlfaq import digits, fit_many, claim`): `data`,
  `training`, `experiments`, `claims`, `figures`, and the instruments `gradients`, `activations`
  and `memory`. PyTorch lives here.
- **the engine**, what runs and shows a page: `pages` reads what an author wrote, `execution` runs
  it in fresh processes and keeps the results, `site` turns results into HTML while Markdown is
  rendered, and runs nothing.

Both know `protocol`, what they agree on, and `writing`. `cli` is the command `dlfaq`,
`pytest_plugin` makes every snippet a test, and `errors` has the one root of all errors.

This module imports nothing heavy: a name is loaded with its module at first use, so that a page
which uses one function of the library depends on that function's module alone. Editors and type
checkers see each name as what it is.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the same once more, for editors and type checkers, which load nothing
    from dlfaq.activations.liveness import dead_units as dead_units
    from dlfaq.activations.stats import ActivationStats as ActivationStats
    from dlfaq.activations.stats import activation_stats as activation_stats
    from dlfaq.claims.claim import claim as claim
    from dlfaq.claims.claim import estimate as estimate
    from dlfaq.claims.intervals import Interval as Interval
    from dlfaq.claims.intervals import failure_rate_interval as failure_rate_interval
    from dlfaq.claims.intervals import geometric_mean_interval as geometric_mean_interval
    from dlfaq.claims.intervals import mean_interval as mean_interval
    from dlfaq.data.sets import Dataset as Dataset
    from dlfaq.data.sets import Examples as Examples
    from dlfaq.data.sets import digits as digits
    from dlfaq.data.sets import fashion_mnist as fashion_mnist
    from dlfaq.data.sets import mnist as mnist
    from dlfaq.data.sets import mnist1d as mnist1d
    from dlfaq.experiments.compare import compare as compare
    from dlfaq.experiments.comparison import Comparison as Comparison
    from dlfaq.experiments.find_rate import RateTest as RateTest
    from dlfaq.experiments.find_rate import find_rate as find_rate
    from dlfaq.experiments.measure_arms import measure_arms as measure_arms
    from dlfaq.experiments.tuning import Trained as Trained
    from dlfaq.experiments.tuning import Tuned as Tuned
    from dlfaq.experiments.tuning import tune as tune
    from dlfaq.figures.axis_labels import y_label as y_label
    from dlfaq.figures.line_labels import line_labels as line_labels
    from dlfaq.figures.replicates import replicates as replicates
    from dlfaq.figures.states import states as states
    from dlfaq.gradients.check.check import check_gradients as check_gradients
    from dlfaq.gradients.check.report import GradientReport as GradientReport
    from dlfaq.gradients.norms import GradientNorms as GradientNorms
    from dlfaq.gradients.norms import gradient_norms as gradient_norms
    from dlfaq.memory.account import MemoryProfile as MemoryProfile
    from dlfaq.memory.profile import memory_profile as memory_profile
    from dlfaq.seeding import seeds as seeds
    from dlfaq.seeding import tuning_seeds as tuning_seeds
    from dlfaq.training.fit import fit as fit
    from dlfaq.training.fit_many import fit_many as fit_many
    from dlfaq.training.history import History as History
    from dlfaq.training.models import count_parameters as count_parameters
    from dlfaq.training.models import mlp as mlp

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
    "experiments.find_rate": ["RateTest", "find_rate"],
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


if not TYPE_CHECKING:  # to a type checker it would make any name an object

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            module = import_module(f"{__name__}.{_HOME[name]}")
        except ModuleNotFoundError as error:
            from dlfaq.extras import extra_missing  # noqa: PLC0415 - of use only here

            raise (extra_missing(error) or error) from None
        value = getattr(module, name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
