"""A slider over the measured states of a figure, as HTML: where it stands, one state stands out.

All states are in the drawing, and all are seen at the slider's first place, in print and without
scripts. The script only marks what the slider has chosen; nothing between two runs is made up.
"""

from __future__ import annotations

import re
from html import unescape

from dlfaq.site.elements import element, html
from dlfaq.writing.numbers import in_powers_of_ten

__all__ = ["sliders", "states_in"]

_STATE = re.compile(r'data-state="([^"]*)" data-value="([^"]*)"')
_ALL = "all"


def states_in(svg: str) -> dict[str, list[str]]:
    """The states of a drawing that `dlfaq.states` marked: values by name, in the order drawn.

    Example:
        >>> states_in('<g data-state="rate" data-value="0.1"/>')
        {'rate': ['0.1']}
    """
    found: dict[str, list[str]] = {}
    for name, value in _STATE.findall(svg):
        values = found.setdefault(unescape(name), [])
        if unescape(value) not in values:
            values.append(unescape(value))
    return found


def sliders(svg: str, *, prefix: str) -> str:
    """One slider for each sweep of a drawing, "" where there is none.

    It moves over the places of a list of its values, the first of which shows all; `data-value` of
    an option is the value as the drawing has it, its label the value as a reader has it.

    Args:
        svg: one drawing of the figure; a slider moves all of them.
        prefix: what makes its ids unique on the page.
    """
    found = states_in(svg).items()
    return "".join(
        _slider(name, values, f"{prefix}-slider-{number}")
        for number, (name, values) in enumerate(found, 1)
        if len(values) > 1
    )


def _slider(name: str, values: list[str], own: str) -> str:
    options = [element("option", value="0", label=_ALL)]
    options += [
        element("option", value=str(place), label=_shown(value), data_value=value)
        for place, value in enumerate(values, 1)
    ]
    places = element(
        "input",
        type="range",
        id=own,
        min="0",
        max=str(len(values)),
        value="0",
        list=f"{own}-places",
        autocomplete="off",
        data_sweep=name,
        aria_valuetext=_ALL,
    )
    # A screen reader hears the value from the slider itself. Its room is that of the longest value,
    # or the slider would change its length as it moves.
    longest = max(len(option.get("label", "")) for option in options)
    said = element(
        "output", _ALL, for_=own, aria_hidden="true", style=f"min-width: {longest + 1}ch"
    )
    return html(
        element(
            "p",
            element("label", name, for_=own),
            places,
            said,
            element("datalist", *options, id=f"{own}-places"),
            class_="dl-slider",
            data_search_exclude="",
        )
    )


def _shown(value: str) -> str:
    """A value as a reader has it: 1,000 for 1000, 0.3 for 0.30, 10⁻⁵ for 1e-05, words as they are.

    Example:
        >>> _shown("1e-05"), _shown("3.0"), _shown("1000"), _shown("ReLU")
        ('10⁻⁵', '3', '1,000', 'ReLU')
    """
    try:
        number = float(value)
    except ValueError:
        return value
    if number.is_integer() and 1e3 <= abs(number) < 1e7:  # noqa: PLR2004
        return f"{number:,.0f}".replace("-", "\N{MINUS SIGN}")
    return in_powers_of_ten(number, "g")
