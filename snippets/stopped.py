import numpy as np


def stopped(*histories):
    """Test accuracy of each run where its own validation accuracy is best.

    Best of all rates, and of all steps at which it was evaluated.
    """

    def candidates(part):
        arrays = [history.curves[part].accuracy for history in histories]
        runs = arrays[0].shape[-2]  # (rates, runs, evaluations)
        tried = [np.moveaxis(a, -2, 0).reshape(runs, -1) for a in arrays]
        return np.concatenate(tried, axis=1)

    best = candidates("validation").argmax(axis=1)[:, None]
    return np.take_along_axis(candidates("test"), best, axis=1)[:, 0]
