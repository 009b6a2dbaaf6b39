"""Labelled DAGs: encodings, pruning, and canonical forms against networkx, pynauty and brute force."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasbench_kit import graphs
from nasbench_kit.graphs.enumeration import Orders, least_masks


def random_dags(rng, n, v, density, labels, edge_labels=1):
    adjacency = np.triu(rng.random((n, v, v)) < density, 1) * rng.integers(1, 1 + edge_labels, (n, v, v))
    return adjacency, rng.integers(0, labels, (n, v))


def shuffled(rng, adjacency, labels):
    order = rng.permuted(np.tile(np.arange(labels.shape[1]), (len(labels), 1)), axis=1)
    row = np.arange(len(labels))[:, None]
    return adjacency[row[..., None], order[:, :, None], order[:, None, :]], labels[row, order]


@pytest.mark.parametrize("v", [1, 2, 3, 5, 7, 10, 16, 25])
@pytest.mark.parametrize("edge_labels", [1, 3])
def test_order_of_the_vertices_does_not_matter(v, edge_labels):
    rng = np.random.default_rng(v)
    for density, labels in ((0.15, 1), (0.4, 3)):
        adjacency, names = random_dags(rng, 200, v, density, labels, edge_labels)
        first = graphs.canonical_form(adjacency, names)
        second = graphs.canonical_form(*shuffled(rng, adjacency, names))
        assert all((a == b).all() for a, b in zip(first, second, strict=True))
        again = graphs.canonical_form(*first)
        assert all((a == b).all() for a, b in zip(first, again, strict=True))
        assert not np.tril(first[0]).any()
        # the form is the graph itself: the same edges, edge labels and vertex labels
        assert (np.sort(first[1], axis=1) == np.sort(names, axis=1)).all()
        assert (np.sort(first[0].reshape(200, -1), axis=1) == np.sort(adjacency.reshape(200, -1), axis=1)).all()
        alone = graphs.canonical_form(adjacency[13], names[13])
        assert (alone[0][0] == first[0][13]).all()


@pytest.mark.slow
@pytest.mark.parametrize(("v", "labels", "edge_labels"), [(4, 2, 1), (5, 1, 1), (5, 2, 2), (6, 1, 1)])
def test_classes_agree_with_networkx(v, labels, edge_labels):
    rng = np.random.default_rng(v)
    adjacency, names = random_dags(rng, 70, v, 0.35, labels, edge_labels)
    adjacency[35:], names[35:] = shuffled(rng, adjacency[:35], names[:35])
    index = graphs.class_index(*shuffled(rng, adjacency, names))
    nets = []
    for matrix, row in zip(adjacency, names, strict=True):
        net = nx.DiGraph()
        net.add_nodes_from((i, {"label": label}) for i, label in enumerate(row.tolist()))
        net.add_edges_from((i, j, {"label": matrix[i, j]}) for i, j in np.argwhere(matrix).tolist())
        nets.append(net)
    same = nx.algorithms.isomorphism.categorical_node_match("label", None)
    same_edge = nx.algorithms.isomorphism.categorical_edge_match("label", None)
    for i, j in itertools.combinations(range(70), 2):
        assert (index[i] == index[j]) == nx.is_isomorphic(nets[i], nets[j], node_match=same, edge_match=same_edge)


@pytest.mark.parametrize(("v", "labels"), [(6, 1), (7, 3), (9, 2)])
def test_classes_agree_with_nauty(v, labels):
    pynauty = pytest.importorskip("pynauty")
    rng = np.random.default_rng(v)
    adjacency, names = random_dags(rng, 1500, v, 0.3, labels)
    adjacency[500:1000], names[500:1000] = shuffled(rng, adjacency[:500], names[:500])
    index = graphs.class_index(adjacency, names)
    certificates = []
    for matrix, row in zip(adjacency, names, strict=True):
        colours = [set(np.flatnonzero(row == label).tolist()) for label in np.unique(row)]
        net = pynauty.Graph(
            v, True, {i: np.flatnonzero(matrix[i]).tolist() for i in range(v)}, [part for part in colours if part]
        )
        certificates.append((tuple(sorted(row.tolist())), pynauty.certificate(net)))
    pairs = set(zip(index.tolist(), certificates, strict=True))
    assert len(pairs) == len(set(certificates)) == index.max() + 1


def test_classes_agree_with_brute_force():
    rng = np.random.default_rng(0)
    adjacency, names = random_dags(rng, 400, 5, 0.4, 2, 2)
    brute = [
        min(
            (tuple(row[list(order)].tolist()), matrix[np.ix_(order, order)].tobytes())
            for order in itertools.permutations(range(5))
        )
        for matrix, row in zip(adjacency, names, strict=True)
    ]
    index = graphs.class_index(adjacency, names)
    assert len(set(zip(brute, index.tolist(), strict=True))) == len(set(brute)) == index.max() + 1


@pytest.mark.parametrize(("v", "classes"), [(1, 1), (2, 2), (3, 6), (4, 31), (5, 302)])
def test_all_dags_fall_into_the_known_number_of_classes(v, classes):
    """Unlabelled DAGs: 1, 2, 6, 31, 302, 5984 (OEIS A003087)."""
    masks = np.arange(2 ** (v * (v - 1) // 2), dtype=np.uint32)
    bits = masks[:, None] >> np.arange(v * (v - 1) // 2, dtype=np.uint32) & 1
    matrices = graphs.edges_to_matrix(bits) if v > 1 else np.zeros((1, 1, 1), dtype=int)
    index = graphs.class_index(matrices)
    assert index.max() + 1 == classes
    least, order = least_masks(Orders(v), masks)
    assert len(np.unique(least)) == classes
    assert len(np.unique(np.stack([least, index]), axis=1).T) == classes
    for mask, where, which in zip(masks[:50], least, order, strict=False):
        assert Orders(v).apply(int(which), np.array([mask], dtype=np.uint32))[0] == where


@pytest.mark.slow
def test_symmetric_graphs():
    # vertices without any edge: any order will do, however many there are
    assert not graphs.canonical_form(np.zeros((2, 30, 30), dtype=int))[0].any()
    # seven separate edges: 7! orders, exact
    rng = np.random.default_rng(0)
    pairs = np.zeros((1, 14, 14), dtype=int)
    pairs[0, range(0, 14, 2), range(1, 14, 2)] = 1
    labels = np.zeros((1, 14), dtype=int)
    assert graphs.class_index(np.concatenate([pairs, shuffled(rng, pairs, labels)[0]])).tolist() == [0, 0]
    many = np.zeros((3, 18, 18), dtype=int)
    many[1, range(0, 18, 2), range(1, 18, 2)] = 1
    with pytest.raises(ValueError, match="graph 1 is too symmetric"):
        graphs.canonical_form(many)
    # regular graphs, which refinement cannot split: a ring of six twice, and two rings of three twice
    ring = np.zeros((2, 12, 12), dtype=int)
    for i in range(6):
        ring[0, i, 6 + i] = ring[0, i, 6 + (i + 1) % 6] = 1
        ring[1, i, 6 + i] = ring[1, i, 6 + 3 * (i // 3) + (i + 1) % 3] = 1
    both = np.concatenate([ring, shuffled(rng, ring, np.zeros((2, 12), dtype=int))[0]])
    assert graphs.class_index(both).tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("adjacency", "labels", "reason"),
    [
        ([[0, 1], [1, 0]], None, "graph 0 has a cycle"),
        ([[1]], None, "cycle"),
        ([[[0, 1], [0, 0]], [[0, 1], [1, 0]]], None, "graph 1 has a cycle"),
        ([[0, 1]], None, r"shape \(n, v, v\)"),
        ([[0, 1], [0, 0]], [1, 2, 3], r"labels must have the shape \(1, 2\)"),
        ([[0, 0.5], [0, 0]], None, "adjacency has 0.5, which is not a whole number"),
        (np.zeros((1, 256, 256)), None, "1 to 255 vertices, not 256"),
        (np.zeros((1, 0, 0)), None, "1 to 255 vertices, not 0"),
        ([["a", "b"], ["c", "d"]], None, "whole numbers"),
        ([[0, 1], [0, 0]], [float("nan"), 1], "labels has nan, which is not a whole number"),
    ],
)
def test_wrong_graphs_have_one_clear_error(adjacency, labels, reason):
    with pytest.raises(ValueError, match=reason):
        graphs.class_index(adjacency, labels)


def test_large_and_empty_batches():
    assert graphs.class_index(np.zeros((0, 3, 3))).shape == (0,)
    chain = np.eye(255, k=1, dtype=int)[None]
    turned, _ = shuffled(np.random.default_rng(0), chain, np.zeros((1, 255), dtype=int))
    assert (graphs.canonical_form(turned)[0] == chain).all()


def test_inputs_are_never_modified():
    adjacency, labels = random_dags(np.random.default_rng(0), 50, 6, 0.3, 2)
    before = adjacency.copy(), labels.copy()
    adjacency.flags.writeable = labels.flags.writeable = False
    graphs.class_index(adjacency, labels)
    graphs.on_a_path(adjacency)
    assert (adjacency == before[0]).all()
    assert (labels == before[1]).all()


@given(st.integers(2, 9), st.data())
def test_vectors_and_matrices_are_inverse(v, data):
    edges = np.array([data.draw(st.lists(st.integers(-1, 5), min_size=v * (v - 1) // 2, max_size=v * (v - 1) // 2))])
    matrix = graphs.edges_to_matrix(edges, missing=-1, diagonal=7)
    assert (graphs.matrix_to_edges(matrix, missing=-1) == edges).all()
    for value, (i, j) in zip(edges[0], graphs.edge_list(v), strict=True):
        assert matrix[0, i, j] == value
    nodes = np.arange(v)[None]
    joined = graphs.join_nodes(edges, nodes)
    assert all((a == b).all() for a, b in zip(graphs.split_nodes(joined, v), (edges, nodes), strict=True))


def test_wrong_encodings_have_one_clear_error():
    with pytest.raises(ValueError, match="5 is not a valid number of edges: .* 3 for 3 nodes and 6 for 4"):
        graphs.edges_to_matrix([1, 0, 1, 0, 1])
    with pytest.raises(ValueError, match="matrix 1 is not upper-triangular"):
        graphs.matrix_to_edges([[[0, 1], [0, 0]], [[0, 0], [1, 0]]])
    with pytest.raises(ValueError, match=r"shape \(n, v, v\)"):
        graphs.matrix_to_edges([1, 2])
    with pytest.raises(ValueError, match="4 vertices need 6 edges and 2 node types"):
        graphs.split_nodes([0] * 10, 4, fixed=2)


@given(st.integers(2, 7), st.integers(0, 2**21 - 1))
def test_pruning_by_the_definition(v, mask):
    bits = [mask >> k & 1 for k in range(v * (v - 1) // 2)]
    matrix = graphs.edges_to_matrix(bits)
    net = nx.DiGraph([(i, j) for i, j in np.argwhere(matrix[0]).tolist()])
    net.add_nodes_from(range(v))
    on_path = {i for i in range(v) if nx.has_path(net, 0, i) and nx.has_path(net, i, v - 1)}
    assert set(np.flatnonzero(graphs.on_a_path(matrix)[0]).tolist()) == on_path
