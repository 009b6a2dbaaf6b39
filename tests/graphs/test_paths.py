"""Paths of cells: the published numbers of features, and every path of random cells by NetworkX."""

from __future__ import annotations

import itertools

import networkx
import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.spaces.blocks.edge_dag import EdgeDAG


def words(space, row):
    """Operations along each path from input to output, by NetworkX."""
    vertices = {"nb201": 4, "transnas-micro": 4, "edge-dag": 5, "nb101": 7}[space.name]
    graph = networkx.DiGraph()
    edges = [(source, target) for target in range(vertices) for source in range(target)]
    on_nodes = space.name == "nb101"
    for (source, target), gene in zip(edges, row[: len(edges)].tolist(), strict=True):
        if gene:
            graph.add_edge(source, target, operation=gene - 1)
    found = set()
    if graph.has_node(0) and graph.has_node(vertices - 1):
        for path in networkx.all_simple_paths(graph, 0, vertices - 1):
            if on_nodes:
                found.add(tuple(int(row[len(edges) + node - 1]) for node in path[1:-1]))
            else:
                steps = itertools.pairwise(path)
                found.add(tuple(graph.edges[step]["operation"] for step in steps))
    return found


def position(word, operations, first):
    number = sum(letter * operations**place for place, letter in enumerate(reversed(word)))
    return sum(operations**length for length in range(first, len(word))) + number


@pytest.mark.parametrize(
    ("space", "operations", "first", "longest"),
    [
        (nk.space("nb201"), 4, 1, 3),
        (nk.space("transnas-micro"), 3, 1, 2),
        (EdgeDAG(5, ["a", "b"], missing=True), 2, 1, 4),
        (nk.space("nb101"), 3, 0, 3),
        (nk.space("nb101"), 3, 0, 5),
    ],
)
def test_every_path_is_a_feature(space, operations, first, longest):
    X = space.sample(60, 1)
    features = space.paths(X, longest)
    assert features.shape == (60, sum(operations**length for length in range(first, longest + 1)))
    for row, found in zip(X, features, strict=True):
        expected = np.zeros_like(found)
        for word in words(space, row):
            if len(word) <= longest:
                expected[position(word, operations, first)] = True
        assert (found == expected).all()


def test_numbers_of_features_are_those_of_the_paper():
    cells = nk.space("nb101")
    X = cells.sample(2, 0)
    assert cells.paths(X, 3).shape[1] == 40  # what the authors truncate to
    assert cells.paths(X, 5).shape[1] == cells.paths(X, 8).shape[1] == 364
    assert cells.paths(X[:0], 3).shape == (0, 40)


def test_equal_cells_have_equal_paths():
    cells = nk.space("nb101")
    X = cells.sample(200, 3)
    assert (cells.paths(X, 5) == cells.paths(cells.canonical(X), 5)).all()


def test_a_fully_connected_cell_has_every_edge():
    cells = EdgeDAG(3, ["a", "b"])
    assert cells.paths(np.array([[0, 1, 0]], dtype=np.uint8), 2).astype(int).tolist() == [[0, 1, 1, 0, 0, 0]]


def test_other_spaces_have_none():
    space = nk.space("nas-bench-macro")
    assert space.paths(space.sample(3, 0), 3) is None
