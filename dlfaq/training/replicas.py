"""Replicas trained together where that is exact and gains something, else one after the other."""

from __future__ import annotations

from copy import deepcopy
from itertools import cycle, product
from typing import TYPE_CHECKING

from dlfaq.errors import first_line
from dlfaq.training.fit import fit_plan
from dlfaq.training.history import History
from dlfaq.training.stacked.fit_stacked import fit_stacked
from dlfaq.training.stacked.stackable import why_not_copied, why_not_stacked
from dlfaq.training.stacked.trial import is_plain
from dlfaq.training.stacked.watch import Unlike
from dlfaq.training.surroundings.surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from dlfaq.data.sets import Dataset
    from dlfaq.training.plan import Plan

__all__ = ["fit_replicas"]


def fit_replicas(
    models: Sequence[nn.Module],
    datasets: Sequence[Dataset],
    plan: Plan,
    *,
    rates: Sequence[float],
    seeds: Sequence[int],
) -> History:
    """Train `models`, one for each rate and seed in this order; arguments as for `fit_stacked`.

    Each starts from the same surroundings: a loss that counts its calls, or a global that a module
    changes, is for each replica what it was at the beginning.
    """
    functions = [made for made in (plan.loss, plan.scheduler) if callable(made)]
    around = Surroundings(models, functions)
    reason = why_not_copied(models[0]) or why_not_stacked(models, datasets, plan)
    if reason is None:
        # What was made once and for all at the first call, such as a cache, is no change any more.
        settled = Surroundings(models, functions)
        watched = not is_plain(models[0], plan)
        stacked = [deepcopy(models[0]), *models[1:]] if watched else models
        try:
            history = fit_stacked(
                stacked, datasets, plan, rates=rates, seeds=seeds, watched=watched
            )
            changed = settled.changed()
        except Unlike as unlike:
            reason = str(unlike)
        except Exception as error:
            if not watched:
                raise
            # Any other fault shows in the loop too.
            reason = f"torch.func cannot map the model or the loss: {first_line(error)}"
        else:
            if changed is None:
                return history
            reason = f"replicas would share {changed}"
    around.put_back(draws=True)
    runs = []
    for model, own, (rate, seed) in zip(
        models, cycle(datasets), product(rates, seeds), strict=False
    ):
        around.put_back(draws=False)
        runs.append(fit_plan(model, own, plan, rate=rate, seed=seed))
    return History.stack(runs, how=f"loop: {reason}")
