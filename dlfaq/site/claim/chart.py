"""Draws the interval of a claim against its threshold: where it was measured, where it would fail.

The drawing has no viewBox: x is in per cent and y in pixels, so it fills any width and its text
never scales.
"""

from __future__ import annotations

from math import ceil, floor, log10
from typing import TYPE_CHECKING

from dlfaq.protocol import PERCENT, RATIO
from dlfaq.site.claim import numbers
from dlfaq.site.elements import element

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from dlfaq.protocol import Claim

__all__ = ["interval_chart", "interval_key", "raised"]

_STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
_LABELLED = 50  # px; below this height the interval stands in the text beside the chart


def interval_chart(claim: Claim, *, height: int = 58) -> Element:
    """Draw the chart as `svg.dl-iv`.

    The failing side is hatched, the threshold a line with its words below, the interval a bar with
    caps and a dot, its words above where the chart is tall enough.

    Raises:
        ValueError: the claim has no interval to draw.
    """
    ends = claim.interval
    if ends is None:
        raise ValueError("an identity has no interval: show numbers.threshold(claim) instead")
    low, high = claim.thresholds[0], claim.thresholds[-1]
    left, right, log = _domain(claim, [*ends, low, high])

    def x(value: float) -> float:
        position = (_log(value) - left) / (right - left) if log else (value - left) / (right - left)
        return 100 * min(1.0, max(0.0, position))

    tall = height >= _LABELLED
    y = 29 if tall else 10
    marks = [_line("ax", 0, 100, y)]
    if claim.comparator != "at_most":
        marks.append(_line("no", 0, x(low), y))
    if claim.comparator != "at_least":
        marks.append(_line("no", x(high), 100, y))
    marks += [_stroke("th", at, y, 9) for at in sorted({x(low), x(high)})]
    marks.append(_line("ci", x(ends[0]), x(ends[1]), y))
    marks += [_stroke("ci", x(end), y, 5) for end in ends]
    dot = x(claim.measured)
    marks.append(element("circle", cx=_percent(dot), cy=str(y), r="4.5"))
    words = numbers.threshold(claim)
    marks.append(_text("tt", (x(low) + x(high)) / 2, y + 25 if tall else y + 21, words))
    shown = numbers.interval(claim) or ""
    if tall:
        marks.append(_text("ct", (x(ends[0]) + x(ends[1])) / 2, y - 17, shown))
    label = f"{numbers.measured(claim)}, 95 % interval {shown}; holds if {words}"
    return _svg(marks, height, label)


def interval_key() -> Element:
    """Draw what the parts of a chart mean, without a claim."""
    y = 26
    marks = [
        _line("ax", 0, 100, y),
        _line("no", 0, 34, y),
        _stroke("th", 34, y, 9),
        _line("ci", 58, 82, y),
        *(_stroke("ci", x, y, 5) for x in (58, 82)),
        element("circle", cx="70%", cy=str(y), r="4.5"),
        _text("tt", 0, y - 16, "would fail here"),
        _text("ct", 70, y - 16, "measured"),
        _text("tt", 34, y + 24, "threshold, set beforehand"),
        _text("ck", 70, y + 24, "95 % interval"),
    ]
    label = "Key: a claim fails where the line is hatched, beyond a threshold set beforehand"
    return _svg(marks, 58, f"{label}; the bar is the 95 % interval around what was measured")


def raised(text: str, *, svg: bool = False) -> list[str | Element]:
    """Split text at `10^−10` and raise the exponent, in HTML or in SVG."""
    first, *rest = text.split("^")
    out: list[str | Element] = [first]
    for part in rest:
        end = next((i for i, c in enumerate(part) if not (c.isdigit() or c == "\u2212")), len(part))
        if svg:
            # A tspan that moves the pen back by as much as it moved it up.
            out.append(element("tspan", part[:end], dy="-4", font_size="80%"))
            out.append(element("tspan", part[end:], dy="4"))
        else:
            out += [element("sup", part[:end]), part[end:]]
    return out


def _svg(marks: list[Element], height: int, label: str) -> Element:
    return element(
        "svg",
        *marks,
        class_="dl-iv",
        height=str(height),
        role="img",
        aria_label=label,
        data_search_exclude="",
    )


def _domain(claim: Claim, values: list[float]) -> tuple[float, float, bool]:
    """Choose the ends of the axis, and whether it is logarithmic (then they are logs)."""
    if claim.unit == RATIO and min(values) > 0:
        return *_log_domain(values), True
    low, high = claim.thresholds[0], claim.thresholds[-1]
    if claim.comparator == "within":
        margin = (high - low) / 2
        centre = (low + high) / 2
        reach = max(1.5 * margin, *(1.15 * abs(v - centre) for v in values))
        return centre - reach, centre + reach, False
    smallest, largest = min(values), max(values)
    if claim.unit in {"", PERCENT} and smallest >= 0 and 0.15 < largest <= 1:  # noqa: PLR2004
        return 0.0, 1.0, False  # a share: its own scale is the honest one
    right = _nice(max(1.15 * largest, 1.5 * low)) if largest > 0 else 0.0
    left = -_nice(max(-1.15 * smallest, -1.5 * low)) if smallest < 0 else 0.0
    room = 0.25 * (right - left)
    # The hatching must be seen: a threshold near an end pushes that end out.
    return min(left, low - room), max(right, low + room), False


def _log_domain(values: list[float]) -> tuple[float, float]:
    low, high = _log(min(values)), _log(max(values))
    if high - low >= 0.5:  # noqa: PLR2004
        return floor(low - 0.3), ceil(high + 0.3)
    span = max(high - low, 1e-6)
    return low - 1.5 * span, high + span


def _log(value: float) -> float:
    return log10(max(value, 1e-300))


def _nice(value: float) -> float:
    scale = 10.0 ** floor(log10(value))
    return next(s for s in _STEPS if s * scale >= value * (1 - 1e-9)) * scale


def _percent(x: float) -> str:
    return f"{x:.1f}".rstrip("0").rstrip(".") + "%"


def _line(name: str, start: float, end: float, y: int) -> Element:
    return element("line", class_=name, x1=_percent(start), x2=_percent(end), y1=str(y), y2=str(y))


def _stroke(name: str, x: float, y: int, reach: int) -> Element:
    at = _percent(x)
    return element("line", class_=name, x1=at, x2=at, y1=str(y - reach), y2=str(y + reach))


def _text(name: str, x: float, y: int, words: str) -> Element:
    # Near an end the words would leave the chart: let them begin or end there.
    anchor, at = ("start", 0.0) if x < 13 else ("end", 100.0) if x > 87 else ("middle", x)  # noqa: PLR2004
    return element(
        "text",
        *raised(words, svg=True),
        class_=name,
        x=_percent(at),
        y=str(y),
        text_anchor=anchor,
    )
