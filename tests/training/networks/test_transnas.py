"""TransNAS-Bench-101's cells: two genotypes are the same network exactly where their cells are the same functions.

Convolutions are matched in all orders. A convolution whose value is constant is its shift: its scale is set to 0.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.spaces.nb201.cost import EDGES

torch = pytest.importorskip("torch", reason="networks need torch")

from nasbench_kit.training.networks.transnas import Cell  # noqa: E402

SPACE = nk.space("transnas-micro")
SHAPES = {"normal": (4, 4, 1), "reducing": (4, 8, 2)}
IMAGES = torch.rand(2, 4, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def cell(genes, shape):
    made = Cell(genes, *SHAPES[shape]).double().eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in made.state_dict().items():
            if tensor.dtype == torch.float64:
                low = 0.5 if "running_var" in name or (name.endswith("weight") and tensor.dim() == 1) else -0.5
                tensor.copy_(torch.rand(tensor.shape, generator=generator, dtype=torch.float64) + low)
    return made


def kind(genes, edge, shape):
    """2 or 3 for a convolution, 1 for a skip with parameters; None for all others."""
    if genes[edge] == 1:
        return 1 if shape == "reducing" and EDGES[edge][0] == 0 else None
    return int(genes[edge]) or None


def parts(genes, shape):
    """The edges with parameters that matter, and those of them that are constant."""
    values, constant = [{"input"}, set(), set(), set()], set()
    for edge, (source, target) in enumerate(EDGES):
        own = kind(genes, edge, shape)
        if own is not None:
            values[target].add(edge)
            if not values[source] or (own == 2 and values[source] <= constant):
                constant.add(edge)
        elif genes[edge] == 1:
            values[target] |= values[source]
    found, waiting = set(), list(values[3])
    while waiting:
        edge = waiting.pop()
        if edge != "input" and edge not in found:
            found.add(edge)
            waiting += [] if edge in constant else values[EDGES[edge][0]]
    return sorted(found), constant


def still(made, constant):
    with torch.no_grad():
        for edge in constant:
            norm = next(m for m in made.edges[edge].modules() if isinstance(m, torch.nn.BatchNorm2d))
            norm.weight.zero_()


def same_function(x, y, shape):
    """Whether some matching of the parameters makes the cells equal."""
    (edges_x, constant_x), (edges_y, constant_y) = parts(x, shape), parts(y, shape)
    kinds = [
        [[e for e in edges if kind(genes, e, shape) == k] for k in (1, 2, 3)]
        for genes, edges in ((x, edges_x), (y, edges_y))
    ]
    if [len(group) for group in kinds[0]] != [len(group) for group in kinds[1]]:
        return False
    source = cell(x, shape)
    weights = {edge: source.edges[edge].state_dict() for edge in edges_x}
    weights = {edge: {name: tensor.clone() for name, tensor in state.items()} for edge, state in weights.items()}
    still(source, constant_x)
    wanted = source(IMAGES)
    for orders in itertools.product(*(itertools.permutations(group) for group in kinds[0])):
        target = cell(y, shape)
        fits = True
        for group, order in zip(kinds[1], orders, strict=True):
            for edge, image in zip(group, order, strict=True):
                state = target.edges[edge].state_dict()
                if any(state[name].shape != tensor.shape for name, tensor in weights[image].items()):
                    fits = False  # an edge from the input of a reducing cell has another number of channels
                    break
                target.edges[edge].load_state_dict(weights[image])
        if fits:
            still(target, constant_y)
            if (target(IMAGES) - wanted).abs().max() < 1e-9:
                return True
    return False


@torch.no_grad()
def test_cells_of_one_network_are_the_same_functions():
    rng = np.random.default_rng(0)
    index = SPACE.network_of_number
    several = np.flatnonzero(np.bincount(index)[index] > 1)
    for first in rng.choice(several, 60, replace=False):
        second = rng.choice(np.flatnonzero((index == index[first]) & (np.arange(len(index)) != first)))
        x, y = SPACE.from_number([first, second])
        assert all(same_function(x, y, shape) for shape in SHAPES), (x, y)


@torch.no_grad()
def test_other_networks_have_a_cell_that_is_another_function():
    rng, compared = np.random.default_rng(1), 0
    while compared < 60:
        x = SPACE.sample(1, rng)[0]
        others = SPACE.neighbours(x)
        y = others[rng.integers(len(others))].copy()
        if rng.random() < 0.5:
            y[rng.permutation(6)[:2]] = y[rng.permutation(6)[:2]]
        if SPACE.key(x) != SPACE.key(y):
            assert not all(same_function(x, y, shape) for shape in SHAPES), (x, y)
            compared += 1


@torch.no_grad()
def test_what_is_the_same_in_normal_cells_may_differ_in_reducing_ones():
    x, y = SPACE.encode(["64-41414-1_00_030", "64-41414-0_00_300"])  # a convolution after a skip, or alone
    assert same_function(x, y, "normal")
    assert not same_function(x, y, "reducing")
    assert SPACE.key(x) != SPACE.key(y)
