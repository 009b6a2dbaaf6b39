"""Costs of Genetic CNN and NSGA-Net against the definition, layer by layer in plain loops, and figures worked by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import nasbench_kit as nk
from tests.training.spaces import TRAINABLE

GENETIC, MACRO, MICRO = (nk.space(name) for name in ("genetic-cnn", "nsga-net-macro", "nsga-net-micro"))


class Counter:
    """Adds up convolutions: (kernel area, inputs, outputs, groups) on so many pixels."""

    def __init__(self, name):
        self.name, self.total = name, 0

    def conv(self, area, inputs, outputs, pixels, *, groups=1, norm=True):
        weights = area * inputs * outputs // groups
        self.total += weights * pixels if self.name == "flops" else weights + (2 * outputs if norm else 0)

    def norm(self, channels):
        self.total += 0 if self.name == "flops" else 2 * channels

    def linear(self, inputs, outputs):
        self.total += inputs * outputs + (0 if self.name == "flops" else outputs)


def stage_of(bits, nodes):
    edges = [(i, j) for j in range(nodes) for i in range(j)]
    there = [edge for edge, bit in zip(edges, bits, strict=False) if bit]
    used = sorted({node for edge in there for node in edge})
    sources = {node: [i for i, j in there if j == node] or ["input"] for node in used}
    return sources, [node for node in used if all(i != node for i, _ in there)]


def genetic_by_definition(native, name):
    count, inputs, side = Counter(name), 3, 32
    for bits, nodes, width in zip(native, (3, 4, 5), (8, 16, 32), strict=True):
        sources, _ = stage_of(bits, nodes)
        count.conv(25, inputs, width, side**2)
        for _ in range(len(sources) + 1 if sources else 0):
            count.conv(25, width, width, side**2)
        inputs, side = width, side // 2
    count.linear(32 * 4 * 4, 128)
    count.linear(128, 10)
    return count.total


def macro_by_definition(native, name):
    count, inputs, side = Counter(name), 3, 32
    for phase, width in zip(native, (32, 64, 128), strict=True):
        sources, last = stage_of(phase[:-1], 6)
        count.conv(9 if inputs == 3 else 1, inputs, width, side**2, norm=False)
        joined = len(last) + (phase[-1] if sources else 0)
        for given in [*map(len, sources.values()), joined]:
            if given > 1:
                count.conv(1, given * width, width, side**2, norm=False)
        for _ in sources:
            count.conv(9, width, width, side**2)
        count.norm(width)
        inputs, side = width, side // 2
    count.linear(128, 10)
    return count.total


def micro_by_definition(native, name):
    count, width, side = Counter(name), 16, 32
    count.conv(9, 3, 48, side**2)
    before = last = 48
    for layer in range(8):
        cell = native[layer in (2, 5)]
        reduces = layer in (2, 5)
        width, out = width * (1 + reduces), side // (1 + reduces)
        count.conv(1, before, width, side**2)
        count.conv(1, last, width, side**2)
        for node in cell:
            for source, operation in node:
                stride = 2 if reduces and source < 2 else 1
                arriving = side if source < 2 else out
                if operation == 2 and stride == 2:
                    count.conv(1, width, width, out**2)
                for kernel in {3: (3, 3), 4: (5, 5), 5: (3,), 6: (5,), 7: (7, 7)}.get(operation, ()):
                    count.conv(kernel**2, width, width, out**2, groups=width, norm=False)
                    count.conv(1, width, width, out**2)
                if operation == 8:
                    count.conv(7, width, width, arriving * out, norm=False)
                    count.conv(7, width, width, out**2)
        taken = {source for node in cell for source, _ in node}
        before, last, side = last, width * sum(node not in taken for node in range(2, 7)), out
    count.linear(last, 10)
    return count.total


@pytest.mark.parametrize("name", ["params", "flops"])
@pytest.mark.parametrize(
    ("space", "definition"),
    [(GENETIC, genetic_by_definition), (MACRO, macro_by_definition), (MICRO, micro_by_definition)],
)
def test_costs_by_the_definition(space, definition, name):
    X = np.concatenate([space.sample(300, 8), np.zeros((1, space.genes), dtype=np.uint8)])
    expected = [definition(native, name) for native in space.decode(X)]
    assert space.cost(X, name, dataset="cifar10").tolist() == expected
    assert space.cost(X[:0], name, dataset="cifar10").shape == (0,)


def test_stages_without_edges():
    """One convolution a stage, and the two layers after it."""
    nothing = np.zeros(19)
    convolutions = 25 * (3 * 8 + 8 * 16 + 16 * 32) + 2 * (8 + 16 + 32)
    assert GENETIC.cost(nothing, "params", dataset="cifar10") == convolutions + 512 * 128 + 128 + 128 * 10 + 10
    phases = 9 * 3 * 32 + 32 * 64 + 64 * 128 + 2 * (32 + 64 + 128)
    for bit in (0, 1):  # says nothing there
        row = np.zeros(48)
        row[15::16] = bit
        assert MACRO.cost(row, "params", dataset="cifar10") == phases + 1290


@pytest.mark.parametrize("space", [GENETIC, MACRO, MICRO], ids=lambda space: space.name)
def test_one_network_costs_the_same_however_it_is_written(space):
    X = space.sample(200, 3)
    for dataset in ("cifar10", "digits"):
        for name in space.costs(dataset):
            found = [space.cost(rows, name, dataset=dataset).tolist() for rows in (X, space.canonical(X))]
            assert found[0] == found[1]


def test_digits_have_costs_everywhere():
    for name in TRAINABLE:
        space = nk.space(name)
        X = space.sample(20, 1)
        assert {"params", "flops"} <= set(space.costs("digits"))
        assert (space.cost(X, "params", dataset="digits") < 200_000).all()


@pytest.mark.parametrize("name", TRAINABLE)
def test_a_cost_in_a_skeleton(name):
    space = nk.space(name)
    X = space.sample(20, 1)
    own = space.skeletons["digits"]
    for cost in space.cost_names:
        np.testing.assert_array_equal(space.cost(X, cost, skeleton=own), space.cost(X, cost, dataset="digits"))
    more = dataclasses.replace(own, classes=own.classes + 1)
    assert (space.cost(X, "params", skeleton=more) > space.cost(X, "params", skeleton=own)).all()
    with pytest.raises(nk.UnknownName, match="params"):
        space.cost(X, "param", skeleton=own)
    for both in ({}, {"dataset": "digits", "skeleton": own}):
        with pytest.raises(TypeError, match="give one of dataset= and skeleton="):
            space.cost(X, "params", **both)
