"""Drawings: every space's architectures, and that no label hides another."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.figures.layout import LETTER, Layout
from nasbench_kit.figures.networks import draw, network_figure
from nasbench_kit.spaces import EdgeDAG

SPACES = [*nk.list_spaces(), EdgeDAG(7, ["conv", "pool"], missing=True, name="own")]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_nothing_hides_anything(space):
    space = nk.space(space) if isinstance(space, str) else space
    for x in space.sample(40, 0):
        for diagram in space.diagrams(x):
            layout = Layout(diagram)
            boxes = [(*layout.at[i], layout.width_of(i)) for i in (*range(len(layout.nodes)), *layout.labels)]
            for (x0, y0, w0), (x1, y1, w1) in itertools.combinations(boxes, 2):
                assert abs(x0 - x1) >= (w0 + w1) / 2 or abs(y0 - y1) >= 0.28
            for x0, y0, w0 in boxes:
                assert w0 / 2 <= x0 <= layout.width - w0 / 2
                assert 0.14 <= y0 <= layout.height - 0.5
            assert len(layout.labels) == sum(bool(arrow.label) for arrow in diagram.arrows)
            assert layout.width >= LETTER * len(layout.title)


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_nothing_hides_anything_from_top_to_bottom(space):
    space = nk.space(space) if isinstance(space, str) else space
    for x in space.sample(5, 1):
        for diagram in space.diagrams(x):
            layout = Layout(diagram, 4.7, downwards=True)
            boxes = [(*layout.at[i], layout.width_of(i)) for i in (*range(len(layout.nodes)), *layout.labels)]
            for (x0, y0, w0), (x1, y1, w1) in itertools.combinations(boxes, 2):
                assert abs(x0 - x1) >= (w0 + w1) / 2 or abs(y0 - y1) >= 0.22
            for x0, y0, w0 in boxes:
                assert w0 / 2 <= x0 <= layout.width - w0 / 2
                assert 0.14 <= y0 <= layout.height - 0.5
            for path in layout.paths:
                heights = [layout.at[i][1] for i in path]
                assert heights == sorted(heights, reverse=True)


def test_narrow_drawings_stay_legible():
    for name, native in {"darts": None, "nb201": None, "macronas": "22I212I1112222"}.items():
        space = nk.space(name)
        native = native or space.decode(space.sample(1, 0))[0]
        figure = network_figure(space, native, width=80)
        assert figure.get_figwidth() == pytest.approx(80 / 25.4)
        assert min(text.get_fontsize() for axes in figure.axes for text in axes.texts) >= 5.9
    assert {text.get_text() for text in figure.axes[0].texts} >= {"MBConv e3 k3", "MBConv e6 k5", "identity"}


@pytest.mark.slow
@pytest.mark.parametrize("name", nk.list_spaces())
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_every_space_is_drawn(name, suffix, tmp_path):
    space = nk.space(name)
    path = draw(space, space.decode(space.sample(1, 3))[0], tmp_path / f"cell.{suffix}")
    assert path.stat().st_size > 2000
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_what_is_not_used_is_told_apart():
    space = nk.space("nb101")
    row = np.zeros(26, dtype=np.uint8)
    row[[0, 1, 15]] = 1  # input to 1 and 2, input to output
    nodes = space.diagrams(row)[0].nodes
    assert [node.used for node in nodes] == [True, False, False, False, False, False, True]
    assert Layout(space.diagrams(row)[0]).title == (
        "nb101 (without edges: conv3x3-bn-relu, conv3x3-bn-relu, conv3x3-bn-relu)"
    )
