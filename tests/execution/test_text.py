"""What a value looks like in prose."""

from __future__ import annotations

import numpy as np
import pytest

from dlfaq.execution.text import value_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (-7, "−7"),
        (1234567, "1234567"),
        (0.0, "0.00"),
        (0.12345, "0.123"),
        (1234.5678, "1230"),
        (-0.000123456, "−0.000123"),
        (0.0000123456, "1.23·10⁻⁵"),
        (-2e12, "−2.00·10¹²"),
        (float("inf"), "∞"),
        (float("nan"), "NaN"),
        (np.float32(0.5), "0.500"),
        (np.array([3.0]), "3.00"),
        (True, "True"),
        ("1e-5", "1e-5"),
    ],
)
def test_a_number_has_three_digits_and_all_else_is_its_text(value, text):
    assert value_text(value) == text
