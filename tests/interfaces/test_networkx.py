"""Architectures as NetworkX graphs."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

import nasbench_kit as nk

networkx = pytest.importorskip("networkx")

from nasbench_kit.interfaces import networkx as interface  # noqa: E402
from nasbench_kit.interfaces import to_networkx  # noqa: E402


def test_example():
    found = doctest.testmod(interface)
    assert found.attempted
    assert not found.failed


@pytest.mark.parametrize("name", nk.list_spaces())
def test_every_space_has_graphs(name):
    space = nk.space(name)
    for x in space.sample(5, 0):
        graph, diagrams = to_networkx(space, x), space.diagrams(x)
        assert networkx.is_directed_acyclic_graph(graph)
        assert graph.number_of_nodes() == sum(len(diagram.nodes) for diagram in diagrams)
        assert graph.number_of_edges() == sum(len(diagram.arrows) for diagram in diagrams)
        assert all(graph.nodes[i]["cell"] == graph.nodes[j]["cell"] for i, j in graph.edges())
        used = to_networkx(space, x, only_used=True)
        assert all(used.nodes[i]["used"] for i in used)
        assert used.number_of_nodes() == sum(node.used for diagram in diagrams for node in diagram.nodes)


def test_equal_networks_have_isomorphic_graphs():
    """Of NAS-Bench-101, where the same network means the same labelled graph, once it is pruned."""
    space = nk.space("nb101")
    X = space.sample(40, 1)
    canonical = space.canonical(X)
    assert (canonical != X).any(axis=1).sum() > 20
    graphs = [to_networkx(space, x, only_used=True) for x in X]

    def same(one, other):
        return networkx.is_isomorphic(one, other, node_match=lambda a, b: a["label"] == b["label"])

    assert all(same(graph, to_networkx(space, x, only_used=True)) for graph, x in zip(graphs, canonical, strict=True))
    keys = space.key(X)
    for i, j in np.random.default_rng(0).integers(0, len(X), (60, 2)):
        assert same(graphs[i], graphs[j]) == (keys[i] == keys[j])


def test_graphs_can_be_written(tmp_path):
    space = nk.space("nsga-net-micro")
    graph = to_networkx(space, space.sample(1, 3)[0])
    networkx.write_graphml(graph, tmp_path / "cells.graphml")
    again = networkx.read_graphml(tmp_path / "cells.graphml", node_type=int, force_multigraph=True)
    assert dict(again.nodes.data("label")) == dict(graph.nodes.data("label"))
    assert sorted(again.edges.data("label")) == sorted(graph.edges.data("label"))
    assert again.graph["architecture"] == space.decode_texts(space.sample(1, 3))[0]


def test_invalid_genotypes_are_refused():
    with pytest.raises(nk.InvalidArchitecture):
        to_networkx(nk.space("nb201"), [9, 0, 0, 0, 0, 0])
    with pytest.raises(nk.InvalidArchitecture, match="takes one genotype, not 2"):
        to_networkx(nk.space("nb201"), np.zeros((2, 6), dtype=np.uint8))
