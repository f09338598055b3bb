import matplotlib.pyplot as plt
import numpy as np

from dlfaq import y_label


def accuracy_dots(arms):
    """One column an arm: a dot for each run, a bar for their mean."""
    _, axes = plt.subplots()
    looks = {"none": ("C2", "^"), "one": ("C0", "o"), "three": ("C1", "s")}
    for place, (name, accuracy) in enumerate(arms.items()):
        color, marker = looks[name]
        aside = place + np.linspace(-0.2, 0.2, len(accuracy))
        axes.plot(aside, accuracy, marker, color=color, alpha=0.5)
        axes.hlines(accuracy.mean(), place - 0.3, place + 0.3, color=color)
    axes.set_xticks(range(len(arms)), arms)
    axes.set_xlim(-0.5, len(arms) - 0.5)
    axes.set_xlabel("hidden layers")
    axes.yaxis.set_major_formatter("{x:.0%}")
    y_label(axes, "test accuracy")
    return axes
