"""Figures show themselves in notebooks."""

from __future__ import annotations

import struct

import pytest

import nasbench_kit as nk
from nasbench_kit.figures.inline import InlineFigure
from nasbench_kit.figures.networks import network_figure
from nasbench_kit.figures.ranks import critical_difference_diagram


def test_a_figure_is_a_picture_of_twice_the_pixels_shown():
    cell = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"
    figure = network_figure(nk.space("nb201"), cell)
    png, shown = figure._repr_png_()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    stored = struct.unpack(">II", png[16:24])
    assert stored == pytest.approx((2 * shown["width"], 2 * shown["height"]), abs=2)
    assert shown["width"] == round(80 * figure.get_figwidth())


def test_a_network_that_the_space_does_not_have_is_not_drawn():
    with pytest.raises(nk.InvalidArchitecture, match="nb201"):
        network_figure(nk.space("nb201"), "|conv~0|")


def test_a_genotype_is_drawn_as_its_native_form_is():
    space = nk.space("genetic-cnn")
    X = space.sample(2, 0)
    pictures = [network_figure(space, x)._repr_png_() for x in (X[0], X[:1], space.decode(X)[0])]
    assert pictures[0] == pictures[1] == pictures[2]
    with pytest.raises(nk.InvalidArchitecture, match="one architecture is drawn at a time, not 2"):
        network_figure(space, X)


@pytest.mark.parametrize("kind", ["anytime", "front", "attainment", "ecdf"])
def test_every_plot_of_a_comparison_shows_itself(kind, bench):
    problem = bench.problem(["valid_accuracy", "params"], dataset="cifar10")
    comparison = nk.compare(problem, [nk.RandomSearch(), nk.NSGA2(population_size=4)], runs=2, evaluations=12)
    assert isinstance(comparison.plot(kind), InlineFigure)


def test_ranks_show_themselves():
    assert isinstance(critical_difference_diagram(["a", "b"], [1.2, 1.8], 0.5, "mean rank"), InlineFigure)
