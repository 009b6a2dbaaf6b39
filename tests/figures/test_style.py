"""Styles: colours that stay apart for every reader, curves that never look the same, and figures that fit their width."""

from __future__ import annotations

import itertools
import re
from importlib.resources import files

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.experiments.comparing import compare
from nasbench_kit.figures.axes import plain_number, time_unit
from nasbench_kit.figures.networks import network_figure
from nasbench_kit.figures.ranks import critical_difference_diagram
from nasbench_kit.figures.style import SMALLEST, STYLES, open_figure, style_of

# What readers see who lack one kind of cone: Machado, Oliveira and Fernandes (2009), table 1, severity 1, linear RGB.
VISIONS = {
    "trichromacy": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# linear RGB to Oklab (Ottosson 2020), where equal distances look equal; a difference is just seen at some 0.02
TO_CONES = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
TO_LAB = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]
APART = 0.11  # between any two of the first six colours; Okabe and Ito's palette has 0.076


def linear(colours):
    values = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in colours])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def luminance(colours):
    return linear(colours) @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("name", STYLES)
def test_the_first_six_colours_stay_apart(name, vision):
    seen = np.clip(linear(STYLES[name].colours[:6]) @ np.transpose(VISIONS[vision]), 0, 1)
    lab = np.cbrt(seen @ np.transpose(TO_CONES)) @ np.transpose(TO_LAB)
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(lab, 2)) >= APART


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_everything_stands_out_from_the_ground(style):
    def contrast(colours):
        a, b = luminance(colours) + 0.05, luminance([style.ground]) + 0.05
        return np.maximum(a / b, b / a).min()

    assert contrast(style.colours) >= 3  # WCAG 2, graphical objects
    assert contrast([style.text, style.muted]) >= 4.5  # letters


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_no_two_of_twenty_curves_look_the_same(style):
    looks = [style.line(i) for i in range(20)]
    assert len({(look["color"], str(look["linestyle"])) for look in looks}) == 20
    assert len({(look["color"], style.marker(i)["marker"]) for i, look in enumerate(looks[:8])}) == 8


def test_widths_and_styles_are_checked():
    assert style_of("dark", 80).letters == 7
    assert style_of("light", 50).small == SMALLEST
    assert style_of("light", 254).letters == 12
    for width in (49, 1001, float("nan")):
        with pytest.raises(ValueError, match="50 to 1000 mm wide"):
            style_of("light", width)
    with pytest.raises(nk.UnknownName, match=r"unknown style 'drak' of figures; did you mean 'dark'"):
        style_of("drak")


def test_numbers_and_times_are_short():
    assert [plain_number(x) for x in (0.5, 2000, 13_170, 2.5e6, -3)] == ["0.5", "2000", "13.17k", "2.5M", "\u22123"]
    assert time_unit(100) == ("s", 1)
    assert time_unit(3 * 86400) == ("d", 86400)


@pytest.fixture(scope="module")
def drawings():
    """What draws each kind of figure at a width."""
    bench = nk.open("nb201-digits")
    one = compare(bench.problem("valid_accuracy"), [nk.RandomSearch(), nk.LocalSearch()], runs=2, evaluations=40)
    names = {f"NSGA2(population_size={n})": nk.NSGA2(population_size=n) for n in (4, 6, 8, 10)}
    two = compare(bench.problem(["valid_accuracy", "params"]), names, runs=2, evaluations=60)
    native = bench.space.decode(bench.architectures[:1])[0]
    return {
        "anytime": lambda width: one.plot(width=width, style="dark"),
        "ecdf": lambda width: one.plot("ecdf", width=width),
        "anytime of fronts": lambda width: two.plot(width=width),
        "front": lambda width: two.plot("front", width=width, architectures=3),
        "attainment": lambda width: two.plot("attainment", width=width),
        "ranks": lambda width: critical_difference_diagram(
            ["RegularizedEvolution(sample_size=10)", "GOMEA", "x"], [1.2, 1.9, 2.9], 1.0, "mean rank", width=width
        ),
        "cell": lambda width: network_figure(bench.space, native, width=width),
        "network": lambda width: network_figure(nk.space("macronas"), "22I212I1112222", width=width),
    }


def tick_labels(axes):
    """The labels of ticks that are shown, by axis; further ticks lie beyond the ends of the axes."""
    for axis, (first, last) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        low, high = sorted((first, last))
        ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
        yield [tick.label1 for tick in ticks if axes.axison and tick.label1.get_text()]


def other_texts(figure):
    parts = [figure._suptitle, *(text for legend in figure.legends for text in legend.get_texts())]
    for axes in figure.axes:
        parts += [*axes.texts, *([axes.title, axes.xaxis.label, axes.yaxis.label] if axes.axison else [])]
    return [part for part in parts if part is not None and part.get_text()]


def overlap(a, b):
    a, b = a.get_window_extent(), b.get_window_extent()
    return min(min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)) > 1


def check_letters(figure, width):
    """That they are legible, that none is cut off, and that none overlap."""
    figure.draw_without_rendering()
    assert figure.get_figwidth() == pytest.approx(width / 25.4)
    ticks = [labels for axes in figure.axes for labels in tick_labels(axes)]
    others = other_texts(figure)
    for text in itertools.chain(others, *ticks):
        box, what = text.get_window_extent(), text.get_text()
        assert text.get_fontsize() >= SMALLEST - 1e-9, what
        assert min(box.x0, box.y0) >= -2, what
        assert box.x1 <= figure.bbox.width + 2, what
        assert box.y1 <= figure.bbox.height + 2, what
    pairs = itertools.chain(itertools.combinations(others, 2), *map(itertools.pairwise, ticks))
    for a, b in pairs:
        if not (a.get_text().isdecimal() and b.get_text().isdecimal()):  # numbers of points that are close
            assert not overlap(a, b), (a.get_text(), b.get_text())


@pytest.mark.parametrize("name", ["anytime", "front", "ranks"])
def test_letters_of_a_column_are_legible(drawings, name):
    figure = drawings[name](80)
    check_letters(figure, 80)
    listed = [text.get_text() for axes in figure.axes for text in axes.texts if "architectures of" in text.get_text()]
    assert len(listed) == (name == "front")
    assert all(
        line[:2] in ("1\u00a0", "2\u00a0", "3\u00a0", "\u00a0\u00a0")
        for text in listed
        for line in text.splitlines()[1:]
    )


@pytest.mark.slow
@pytest.mark.parametrize("width", [80, 140, 254])
def test_letters_of_all_figures_are_legible(drawings, width):
    for draw in drawings.values():
        check_letters(draw(width), width)


def test_settings_of_matplotlib_stay_as_they_are():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    nothing = nk.FunctionProblem(lambda X: np.full(len(X), np.nan), nk.space("nb201"))
    lost = compare(nothing, [nk.RandomSearch()], runs=2, evaluations=5).plot(style="dark")
    assert dict(mpl.rcParams) == before
    sentences = [text.get_text().replace("\n", " ") for axes in lost.axes for text in axes.texts]
    assert sentences == ["nothing to show: no run found a value"] * 2


def test_ticks_are_dark_too_if_they_are_made_when_the_figure_is_saved():
    style = style_of("dark", 80)
    with open_figure(style, 2) as figure:
        axes = figure.subplots()
    axes.set_xlim(0, 1000)
    figure.draw_without_rendering()
    assert {text.get_color() for text in axes.get_xticklabels()} == {style.text}
    assert figure.get_facecolor()[:3] == pytest.approx([0x15 / 255, 0x18 / 255, 0x1E / 255])


def test_figures_are_written_by_their_suffix(tmp_path):
    from matplotlib.figure import Figure

    problem = nk.FunctionProblem(lambda X: X.sum(axis=1) + 1.0, nk.space("nb201"))
    found = compare(problem, [nk.RandomSearch()], runs=1, evaluations=12)
    for suffix, start in {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}.items():
        assert isinstance(found.plot("ecdf", tmp_path / f"f.{suffix}", width=80), Figure)
        assert (tmp_path / f"f.{suffix}").read_bytes().startswith(start)
    found.plot("ecdf", tmp_path / "again.svg", width=80)
    assert (tmp_path / "again.svg").read_bytes() == (tmp_path / "f.svg").read_bytes()
    with pytest.raises(ValueError, match=r"as \.png, \.svg or \.pdf, not as \.jpg"):
        found.plot(path=tmp_path / "f.jpg")
    with pytest.raises(ValueError, match="named in the figure of fronts"):
        found.plot(architectures=3)


def test_pages_have_the_colours_of_figures():
    text = (files("nasbench_kit.report") / "page.css").read_text()
    found = re.findall(r"--c0:.*", text)
    light, dark = (" ".join(f"--c{i}: {c.lower()};" for i, c in enumerate(s.colours)) for s in STYLES.values())
    assert found == [light, dark, light]  # on a screen, on a dark screen, on paper
