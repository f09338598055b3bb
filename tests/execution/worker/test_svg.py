"""What of matplotlib's SVG reaches a page: its colours, few bytes, and no id that could clash."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.etree import ElementTree as ET

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import patheffects

from dlfaq.errors import InputError
from dlfaq.execution.drawings import SIZES, with_id_prefix
from dlfaq.execution.worker.drawing import draw, png

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
STYLE = ROOT / "dlfaq" / "figures" / "house.mplstyle"


@pytest.fixture(autouse=True)
def _house_style() -> Iterator[None]:
    plt.switch_backend("Agg")
    with plt.style.context(STYLE):
        yield
    plt.close("all")


def wide(figure) -> str:
    return draw(figure, ["wide"])["wide"]


def elements(svg: str, tag: str) -> list[ET.Element]:
    return list(ET.fromstring(svg).iter(f"{{http://www.w3.org/2000/svg}}{tag}"))


def texts(svg: str) -> dict[str, str]:
    """Style by words."""
    return {"".join(t.itertext()): t.get("style", "") for t in elements(svg, "text")}


def test_one_drawing_a_size_and_the_figure_as_before() -> None:
    figure, ax = plt.subplots()
    own = tuple(figure.get_size_inches())
    ax.plot([0, 1], [0, 1])
    title = ax.set_title("a panel")
    drawings = draw(figure, ["wide", "narrow", "thumb"])
    boxes = {size: ET.fromstring(svg).get("viewBox") for size, svg in drawings.items()}
    assert boxes == {"wide": "0 0 509.76 223.2", "narrow": "0 0 246.24 216", "thumb": "0 0 198 90"}
    assert tuple(figure.get_size_inches()) == own
    assert ax.axison
    assert title.get_visible()


def test_thumb_has_no_axes() -> None:
    figure, ax = plt.subplots()
    ax.plot([0, 1], [0, 1])
    ax.set_xlabel("step")
    ax.set_title("a panel")
    ax.text(0.5, 0.5, "a note")
    drawings = draw(figure, ["thumb", "wide"])
    assert list(texts(drawings["thumb"])) == ["a note"]
    assert "var(--dl-rule)" not in drawings["thumb"]
    assert {"a note", "a panel", "step"} < set(texts(drawings["wide"]))


@pytest.mark.parametrize("series", range(6), ids=lambda i: f"c{i + 1}")
def test_series_have_variables_and_their_text_its_own(series) -> None:
    figure, ax = plt.subplots()
    ax.plot([0, 1], [0, 1], color=f"C{series}", marker="o")
    ax.text(0, 0, "word", color=f"C{series}")
    svg = wide(figure)
    assert f"stroke:var(--dl-c{series + 1})" in svg
    assert f"fill:var(--dl-c{series + 1}-t)" in texts(svg)["word"]
    assert svg.count(f"var(--dl-c{series + 1}-t)") == 1


def test_ink_rule_needle_and_plate_follow_the_page() -> None:
    figure, ax = plt.subplots()
    ax.axhline(0.2, color="black")
    ax.axhline(0.4, color="#b4232a")
    ax.axhspan(0.6, 0.8, color="#eef4ee")
    ax.set_xlabel("step")
    svg = wide(figure)
    for colour in ("currentColor", "var(--dl-needle)", "var(--dl-rule)"):
        assert f"stroke:{colour}" in svg
    assert "fill:var(--dl-plate)" in svg
    assert "fill:var(--dl-ink-2)" in texts(svg)["step"]
    assert ET.fromstring(svg).get("fill") == "currentColor"  # matplotlib leaves out black fills
    assert not re.search(r"#[0-9a-f]{6}", svg)


def test_halo_is_a_stroke_behind_text_that_stays_text() -> None:
    figure, ax = plt.subplots()
    halo = [patheffects.withStroke(linewidth=3.5, foreground="#eef4ee")]
    text = ax.text(0, 0, "word", path_effects=halo)
    assert "paint-order:stroke;stroke:var(--dl-plate)" in texts(wide(figure))["word"]
    assert text.get_path_effects() == halo
    assert text.get_gid() is None


def test_text_is_never_rounded() -> None:
    figure, ax = plt.subplots()
    ax.plot([0.001, 1], [0, 1])
    ax.set_xscale("log")
    ax.text(0.01, 0.5, "η = 0.0314159 < 1 & more")
    assert {"0.001", "η = 0.0314159 < 1 & more"} < set(texts(wide(figure)))


def test_coordinates_are_rounded_and_scales_are_not() -> None:
    figure, ax = plt.subplots()
    ax.plot(np.linspace(0, 1, 50), np.linspace(0, 1, 50) ** 2)
    ax.text(0.5, 0.5, "turned", rotation=33.3)
    ax.imshow(np.eye(3), extent=(0, 1, 0, 1))
    svg = wide(figure)
    outside_defs = [p.get("d", "") for p in elements(re.sub("<defs>.*?</defs>", "", svg), "path")]
    assert not re.search(r"\.\d\d", "".join(outside_defs))
    assert "rotate(-33.3)" in svg
    assert "scale(1 -1)" in svg


@pytest.mark.parametrize(
    ("limits", "ticks"),
    [((1e-3, 1), ["0.001", "0.01", "0.1", "1"]), ((1e-8, 1e-5), ["10⁻⁸", "10⁻⁷", "10⁻⁶", "10⁻⁵"])],
    ids=["plain", "powers"],
)
def test_powers_of_ten_are_plain_text(limits, ticks) -> None:
    figure, ax = plt.subplots()
    ax.plot(limits, [0, 1])
    ax.set_xscale("log")
    ax.set_xlim(limits)
    svg = wide(figure)
    assert [t for t in texts(svg) if t in ticks] == ticks
    assert not elements(svg, "tspan")


def test_few_y_ticks_unless_the_page_says_which() -> None:
    figure, (ours, pages) = plt.subplots(1, 2)
    ours.plot([0, 1], [0, 100])
    pages.plot([0, 1], [0, 1])
    pages.set_yticks([0.11, 0.22, 0.33, 0.44, 0.55])
    words = set(texts(wide(figure)))
    assert {"0", "50", "100"} < words
    assert not {"20", "25"} & words
    assert {"0.11", "0.22", "0.33", "0.44", "0.55"} < words


def test_ids_are_those_in_use_and_unique_on_a_page() -> None:
    drawings = []
    for slope in (1, 2):
        figure, ax = plt.subplots()
        ax.plot([0, 1], [0, slope], marker="o")
        drawings.append(wide(figure))
    page = "".join(with_id_prefix(svg, f"f{i}") for i, svg in enumerate(drawings))
    ids = re.findall(r'\bid="([^"]+)"', page)
    references = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page)
    assert len(ids) == len(set(ids))
    assert set(ids) == {"".join(r) for r in references}
    assert all(re.fullmatch(r"f[01]-\d+", i) for i in ids)


def test_prefix_leaves_words_alone() -> None:
    figure, ax = plt.subplots()
    ax.text(0, 0, "see __figure__0")
    assert "see __figure__0" in texts(with_id_prefix(wide(figure), "f1"))


def test_nothing_of_the_build_is_left() -> None:
    figure, ax = plt.subplots()
    ax.plot([0, 1], [0, 1])
    svg = wide(figure)
    for trace in ("<?xml", "<!--", "<metadata", "<style", "font-family", "DejaVu", "atplotlib"):
        assert trace not in svg
    assert {"width", "height"}.isdisjoint(ET.fromstring(svg).attrib)


def test_two_processes_write_the_same_bytes() -> None:
    code = f"""
import matplotlib; matplotlib.use("Agg")
import matplotlib.pyplot as plt
from dlfaq.execution.worker.drawing import draw, png
plt.style.use({str(STYLE)!r})
figure, ax = plt.subplots()
ax.plot([0, 1, 2], [0, 1, 0], marker="o", label="a")
ax.scatter([0, 1], [1, 0], rasterized=True)
print(draw(figure, {list(SIZES)!r}))
"""
    first, second = (
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "HOME": str(Path.home())},
        ).stdout
        for seed in ("1", "2")
    )
    assert first == second
    assert len(first) > 1000


def test_too_many_points_are_an_error_that_rasterizing_cures() -> None:
    rng = np.random.default_rng(0)
    figure, ax = plt.subplots()
    points = ax.scatter(*rng.normal(size=(2, 5000)))
    with pytest.raises(
        InputError, match=r"at most 100 KB of lines; got \d+ KB in size wide; draw fewer"
    ):
        wide(figure)
    points.set_rasterized(True)
    assert [image.get("href", "")[:22] for image in elements(wide(figure), "image")] == [
        "data:image/png;base64,"
    ]


def test_importing_it_loads_no_matplotlib() -> None:
    code = "import sys, dlfaq.execution.worker.svg; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0


def test_an_image_that_is_not_smoothed_keeps_its_style() -> None:
    figure, axes = plt.subplots()
    axes.imshow([[0, 1], [1, 0]], interpolation="none")
    (image,) = re.findall(r"<image[^>]*>", draw(figure, ["wide"])["wide"])
    assert "image-rendering:pixelated" in image


def test_a_png_is_the_wide_drawing_on_the_paper_of_a_plate() -> None:
    figure, axes = plt.subplots()
    axes.plot([1, 2])
    before = tuple(figure.get_size_inches())
    first, second = (png(figure) for _ in range(2))
    assert first == second
    assert tuple(figure.get_size_inches()) == before
    pixels = plt.imread(io.BytesIO(base64.b64decode(first)), format="png")
    assert pixels.shape[:2] == (446, 1019)  # 3.1 and 7.08 inches of 144 pixels
    assert (pixels[0, 0, :3] * 255).round().tolist() == [0xEE, 0xF4, 0xEE]


def states(svg: str) -> list[tuple[str, str, str]]:
    """Name and value of each state, and the tag of what it holds first."""
    groups = [g for g in elements(svg, "g") if "data-state" in g.attrib]
    return [(g.get("data-state"), g.get("data-value"), g[0].tag.rpartition("}")[2]) for g in groups]


@pytest.mark.parametrize("size", SIZES)
def test_each_state_of_a_sweep_can_be_found_in_each_size(size) -> None:
    figure, ax = plt.subplots()
    for value in ("0.1", "1:2"):
        (line,) = ax.plot([0, 1], [0, float(value[0])])
        line.set_gid(f"state:{quote('learning rate')}:{quote(value, safe='')}")
    halo = [patheffects.withStroke(linewidth=3.5, foreground="#eef4ee")]
    word = ax.text(0, 0, "word", path_effects=halo)
    word.set_gid("state:learning%20rate:0.1")
    svg = draw(figure, [size])[size]
    assert states(svg) == [
        ("learning rate", "0.1", "path"),
        ("learning rate", "1:2", "path"),
        ("learning rate", "0.1", "text"),
    ]
    assert "paint-order:stroke" in texts(svg)["word"]
    assert "state:" not in svg
    assert word.get_gid() == "state:learning%20rate:0.1"


def test_another_gid_of_the_author_is_no_state() -> None:
    figure, ax = plt.subplots()
    for name in ("mine", "state:", "state:rate", "my-state:rate:1"):
        ax.plot([0, 1], [0, 1], gid=name)
    svg = wide(figure)
    assert states(svg) == []
    assert "mine" not in svg


def numbers(svg: str, name: str) -> list[float]:
    return [float(number) for number in ET.fromstring(svg).get(name).split()]


@pytest.mark.parametrize("size", [(6, 12), (5, 4), (10, 2)])
def test_a_size_of_its_own_keeps_its_proportions(size) -> None:
    figure, ax = plt.subplots(figsize=size)
    ax.plot([0, 1], [0, 1])
    _, _, width, height = numbers(wide(figure), "viewBox")
    assert height / width == pytest.approx(max(size[1] / size[0], min(size[1], 3.1) / 7.08), 0.01)


def test_what_a_style_refers_to_is_there() -> None:
    figure, ax = plt.subplots()
    ax.bar([1, 2], [1, 2], hatch=["//", "xx"])
    svg = wide(figure)
    ids = set(re.findall(r' id="([^"]+)"', svg))
    assert len(re.findall(r"fill:url\(#", svg)) == 2
    assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= ids


def test_colours_that_stand_for_numbers_stay_and_so_do_words_on_top_of_them() -> None:
    figure, ax = plt.subplots()
    ax.pcolormesh([[0, 1, 2], [3, 4, 5]], cmap="gray")
    ax.text(0.5, 0.5, "0", color="white")
    ax.text(2.5, 1.5, "5", color="black")
    ax.set_xlabel("column")
    svg = wide(figure)
    assert "fill:#000000" in svg
    assert "currentColor" not in re.sub(r"<svg[^>]*>", "", svg)
    shown = texts(svg)
    assert "fill:#ffffff" in shown["0"]
    assert "fill:#000000" in shown["5"]
    assert "fill:var(--dl-ink-2)" in shown["column"]


def test_a_colour_that_is_no_number_is_ink() -> None:
    figure, ax = plt.subplots()
    ax.plot([0, 1], color="black")
    ax.scatter([0], [0], color="black")
    ax.text(0, 0, "word")
    assert "#000000" not in wide(figure)


def test_a_paper_of_its_own_keeps_all_colours() -> None:
    with plt.style.context("dark_background"):
        figure, ax = plt.subplots()
        ax.plot([0, 1], [0, 1], color="#1a56b0")
        ax.set_xlabel("step")
        svg = wide(figure)
    assert "fill:#000000" in svg
    assert "stroke:#1a56b0" in svg
    assert "var(--" not in svg


def test_mathematics_in_a_face_with_codes_of_its_own_is_drawn_as_outlines() -> None:
    figure, ax = plt.subplots()
    ax.set_xlabel(r"$\alpha \geq \sum x$", math_fontfamily="cm")
    ax.set_title("plain")
    svg = wide(figure)
    assert list(texts(svg)).count("plain") == 1
    assert not any(set(words) & set("°¢X∑α") for words in texts(svg))


def test_an_arrow_is_drawn() -> None:
    figure, ax = plt.subplots()
    ax.annotate("here", (0.5, 0.5), (0.2, 0.8), arrowprops={"arrowstyle": "->"})
    styles = [path.get("style") for path in elements(wide(figure), "path")]
    assert any("stroke:currentColor" in style and "fill:none" in style for style in styles)


def test_bars_have_no_edge() -> None:
    figure, ax = plt.subplots()
    ax.bar([1, 2], [1, 2])
    assert not [
        path
        for path in elements(wide(figure), "path")
        if "fill:var(--dl-c1)" in path.get("style") and "stroke:" in path.get("style")
    ]


def test_three_thousand_points_fit_when_they_are_rasterized() -> None:
    figure, ax = plt.subplots()
    ax.scatter(*np.random.default_rng(0).normal(size=(2, 3000)), rasterized=True)
    assert "data:image/png" in wide(figure)


def test_a_logarithmic_axis_of_another_base_has_its_own_labels() -> None:
    figure, ax = plt.subplots()
    ax.plot([1, 1024], [1, 2])
    ax.set_xscale("log", base=2)
    words = "".join(texts(wide(figure)))
    assert "2" in words
    assert len(elements(wide(figure), "text")) >= 4
