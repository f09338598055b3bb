from dlfaq import fit_many, seeds, tuning_seeds


def at_best_rate(data, rates, *, tuning, replicas, **training):
    """Test accuracy of fresh replicas at the rate that validation chooses."""
    tried = fit_many(
        data,
        lr=rates,
        seeds=tuning_seeds(tuning),
        parts=["validation"],
        **training,
    )
    best = tried.final_accuracy("validation").mean(axis=1).argmax()
    return fit_many(
        data,
        lr=rates[best],
        seeds=seeds(replicas),
        parts=["test"],
        **training,
    ).accuracy
