"""The style sheet: every text is legible, type has five sizes, no rule is without a use."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "docs" / "assets"
STYLE = re.sub(
    r"/\*.*?\*/", "", (ASSETS / "dlfaq.css").read_text(encoding="utf-8"), flags=re.DOTALL
)
SCHEMES = ("light", "dark")
INK = ["ink", "ink-2", "link", "needle", "incomplete", "missing"]
SERIES = [f"c{i}" for i in range(1, 7)]


def tokens(scheme):
    """The colours of one scheme."""
    pairs = re.findall(r"--dl-([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", STYLE)
    return {name: colours[SCHEMES.index(scheme)] for name, *colours in pairs}


def linear(colour):
    """Red, green and blue in light, each from 0 to 1."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def contrast(one, other):
    """The contrast of WCAG 2.2, from 1 to 21."""
    luminances = (
        sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(colour), strict=True))
        for colour in (one, other)
    )
    low, high = sorted(luminances)
    return (high + 0.05) / (low + 0.05)


def oklab(colour):
    """Björn Ottosson's OKLab, in which distance is what eyes see."""
    r, g, b = linear(colour)
    l = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)  # noqa: E741
    m = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    s = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
        1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
        0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
    )


def test_contrast_of_black_on_white_is_the_21_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ground", ["paper", "plate"])
@pytest.mark.parametrize("name", INK + [f"{series}-t" for series in SERIES])
def test_every_colour_of_text_is_legible(scheme, ground, name):
    colours = tokens(scheme)
    assert contrast(colours[name], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ground", ["paper", "plate"])
@pytest.mark.parametrize("name", SERIES)
def test_every_line_of_a_figure_stands_out_as_wcag_asks_of_graphics(scheme, ground, name):
    colours = tokens(scheme)
    assert contrast(colours[name], colours[ground]) >= 3


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_two_lines_of_a_figure_look_alike(scheme):
    points = [oklab(tokens(scheme)[name]) for name in SERIES]
    for one, other in itertools.combinations(points, 2):
        assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5 > 0.083


def test_every_colour_has_a_light_and_a_dark_form():
    paired = set(itertools.chain(*(tokens(scheme).values() for scheme in SCHEMES)))
    screen, _ = STYLE.split("@media print")
    assert set(re.findall(r"#[0-9a-f]{6}\b(?=[,);])", screen)) == paired


def test_type_has_five_sizes():
    """Beside them a title is fluid, and a size in em follows the text that it stands in."""
    root = re.search(r":root \{(.*?)\n\}", STYLE, re.DOTALL)[1]
    sizes = re.findall(r"--dl-(\w+): (?:[\d.]+rem|clamp\([^;]*\));", root)
    assert len(sizes) == 5
    rules = re.findall(r"([^{}]*)\{([^{}]*)", STYLE)
    for selector, body in rules:
        for size in re.findall(r"(?<![\w-])font(?:-size)?: ([^;]*);", body):
            fluid = selector.strip().endswith("h1") and size.startswith("clamp(")
            relative = re.fullmatch(r"inherit|[\d.]+em|100%", size)
            named = [name for name in sizes if f"var(--dl-{name})" in size]
            assert fluid or relative or len(named) == 1, (selector, size)


def test_no_rule_is_without_a_use():
    sources = [*(ROOT / "dlfaq").rglob("*.py"), *(ROOT / "docs").rglob("*.md")]
    written = "\n".join(file.read_text(encoding="utf-8") for file in sources)
    # A modifier may be the value of a variable: dl-v--{status}, dl-fig__{name}.
    varied = set(re.findall(r"dl-[\w-]*(?:--|__)(?=\{)", written))
    styled = set(re.findall(r"\.(dl-[\w-]+)", STYLE))
    unused = {
        name
        for name in styled
        if not re.search(rf"\b{name}(?![\w-])", written)
        and not any(name.startswith(stem) for stem in varied)
    }
    assert unused == set()


def test_every_variable_is_defined_and_used():
    figures = (ROOT / "dlfaq" / "execution" / "worker" / "svg.py").read_text(encoding="utf-8")
    defined = set(re.findall(r"(--dl-[\w-]+):", STYLE))
    used = set(re.findall(r"var\((--dl-[\w-]+)", STYLE + figures))
    series = {f"--dl-{name}{text}" for name in SERIES for text in ("", "-t")}
    assert used - {"--dl-c"} <= defined
    assert defined <= used | series


def test_no_request_leaves_the_site_and_every_font_is_there():
    addresses = re.findall(r'url\("([^"]+)"\)', STYLE)
    files = {address for address in addresses if not address.startswith("data:")}
    assert files == {f"fonts/{file.name}" for file in (ASSETS / "fonts").glob("*.woff2")}
    licences = {file.name.partition("-LICENSE")[0] for file in (ASSETS / "fonts").glob("*LICENSE*")}
    assert all(any(file.startswith(f"fonts/{family}") for family in licences) for file in files)


SENTENCE = "The gradient is the sum of all gradients so far, and the quick brown fox jumps over it."
WIDTH = """
const [file, text, done] = arguments;
const face = new FontFace("ours", `url(${file})`);
document.fonts.add(face);
face.load().then(() => {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = "100px ours";
  done(pen.measureText(text).width / 100);
});
"""


# Widths in em, from Adobe's metrics of Times Roman and Helvetica, which Times New Roman and Arial
# were made to match.
@pytest.mark.parametrize(
    ("ours", "waiting", "stand_in"),
    [
        ("source-serif-4", "Serif in waiting", 34.19),
        ("source-sans-3", "Sans in waiting", 37.35),
    ],
)
def test_lines_break_alike_before_and_after_a_font_comes(browser, serve, ours, waiting, stand_in):
    share = float(re.search(rf'"{waiting}";\s*size-adjust: ([\d.]+)%', STYLE)[1]) / 100
    browser.driver.get(f"{serve(ASSETS)}/")
    file = f"fonts/{ours}-latin-wght-normal.woff2"
    width = browser.driver.execute_async_script(WIDTH, file, SENTENCE)
    assert stand_in * share == pytest.approx(width, rel=0.03)
