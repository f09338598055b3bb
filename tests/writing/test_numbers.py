"""Powers of ten in plain text."""

from __future__ import annotations

import pytest

from dlfaq.writing.numbers import in_powers_of_ten, power_of_ten, superscripts


@pytest.mark.parametrize(
    ("exponent", "text"), [(0, "10⁰"), (3, "10³"), (-6, "10⁻⁶"), (-312, "10⁻³¹²"), (45, "10⁴⁵")]
)
def test_a_power_of_ten(exponent, text):
    assert power_of_ten(exponent) == text


@pytest.mark.parametrize(
    ("value", "style", "text"),
    [
        (1e-6, "g", "10⁻⁶"),
        (2e-6, "g", "2·10⁻⁶"),
        (1e20, "g", "10²⁰"),
        (0.001, "g", "0.001"),
        (-0.5, "g", "−0.5"),
        (-1e-7, "g", "−10⁻⁷"),
        (1.234e-5, ".2e", "1.23·10⁻⁵"),
        (-9.999e9, ".2e", "−1.00·10¹⁰"),
    ],
)
def test_a_number_is_a_mantissa_and_a_power_where_its_format_has_an_exponent(value, style, text):
    assert in_powers_of_ten(value, style) == text


def test_a_power_may_be_left_to_be_raised_later():
    marked = in_powers_of_ten(-1.234e-5, ".2e", marked=True)
    assert marked == "−1.23·10^−5"
    assert superscripts(marked) == in_powers_of_ten(-1.234e-5, ".2e")


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        ("equal to 2, to 10^−10", "equal to 2, to 10⁻¹⁰"),
        ("3.1·10^7 and 10^-3", "3.1·10⁷ and 10⁻³"),
        ("x^k stays", "x^k stays"),
    ],
)
def test_marked_powers_are_raised(marked, text):
    assert superscripts(marked) == text
