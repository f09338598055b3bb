from __future__ import annotations

import numpy as np
import pytest
from matplotlib import pyplot as plt
from torch import nn

from dlfaq import memory_profile


def network():
    return nn.Sequential(
        *(layer for _ in range(40) for layer in (nn.Linear(64, 64), nn.ReLU())), nn.Linear(64, 10)
    )


def highest_line(axes):
    curves = [line.get_ydata() for line in axes.lines if len(line.get_xdata()) > 2]
    return np.nanmax(curves)


@pytest.fixture
def axes():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def test_the_top_of_the_stack_is_the_total(axes):
    profile = memory_profile(network, (512, 64))
    profile.plot(axes)
    highest = highest_line(axes)
    assert highest * 2**20 == pytest.approx(profile.peak_bytes)
    assert axes.get_ylabel() == "MiB"
    areas = [area for area in axes.collections if area.get_paths()]
    # All but "other" have an area of their own, and it has one, too: the inputs.
    assert len(areas) == 6
    bottom = areas[0].get_paths()[0].vertices[:, 1]
    assert bottom.min() == 0
    assert bottom.max() * 2**20 == pytest.approx(profile.parameters_bytes)


def test_phases_and_large_layers_are_named(axes):
    memory_profile(network, (512, 64)).plot(axes)
    assert {text.get_text() for text in axes.texts} >= {
        "forward",
        "backward",
        "step",
        "activations",
    }


def test_inference_has_one_phase_and_no_gradients(axes):
    memory_profile(network, (512, 64), mode="inference").plot(axes)
    words = {text.get_text() for text in axes.texts}
    assert "forward" in words
    assert not words & {"backward", "step"}
    assert len(axes.collections) == 3  # parameters, temporaries, inputs


def test_a_long_step_is_drawn_with_few_points_and_keeps_its_peak(axes):
    profile = memory_profile(network, (512, 64), accumulation=8)
    assert len(profile.timeline) > 2000
    profile.plot(axes)
    points = max(len(line.get_xdata()) for line in axes.lines)
    assert points < 400
    highest = highest_line(axes)
    assert highest * 2**20 == pytest.approx(profile.peak_bytes)


def test_without_axes_it_makes_its_own():
    drawn = memory_profile(nn.Linear(2, 2), (1, 2)).plot()
    assert drawn.get_ylabel() == "KiB"
    plt.close(drawn.figure)
