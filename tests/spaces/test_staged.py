"""Genetic CNN and NSGA-Net's macro space: counts by exhaustion, stages by the definition."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

import nasbench_kit as nk

GENETIC, MACRO = nk.space("genetic-cnn"), nk.space("nsga-net-macro")


def test_number_of_networks_of_genetic_cnn():
    X = GENETIC.all()
    assert len(X) == 2**19
    assert len(np.unique(GENETIC.key(X))) == GENETIC.networks == 56_172 == 6 * 31 * 302
    assert len(np.unique(GENETIC.network_index(X))) == 56_172


def test_number_of_networks_of_nsga_net_macro():
    """All 2^16 phases: 5,984 DAGs of six nodes, each with and without the last bit but the one without edges."""
    phases = (np.arange(2**16)[:, None] >> np.arange(16) & 1).astype(np.uint8)
    X = np.zeros((2**16, 48), dtype=np.uint8)
    X[:, 16:32] = phases
    assert len(np.unique(MACRO.key(X))) == 2 * 5_984 - 1 == 11_967
    assert MACRO.networks == 11_967**3


def stage(bits, nodes):
    net = nx.DiGraph()
    net.add_nodes_from(range(nodes))
    net.add_edges_from(
        edge for bit, edge in zip(bits, [(i, j) for j in range(nodes) for i in range(j)], strict=True) if bit
    )
    return net


@pytest.mark.parametrize("nodes", [4, 5, 6])
def test_a_stage_is_what_its_dag_is(nodes):
    """Pairs of stages, isolated nodes dropped, against networkx."""
    rng = np.random.default_rng(nodes)
    space = nk.space("nsga-net-macro") if nodes == 6 else nk.space("genetic-cnn")
    start, end = space.spans[{4: 1, 5: 2, 6: 0}[nodes]]
    count = nodes * (nodes - 1) // 2
    X = np.zeros((60, space.genes), dtype=np.uint8)
    X[:, start : start + count] = rng.random((60, count)) < 0.35
    keys = space.key(X)
    nets = [stage(x[start : start + count], nodes) for x in X]
    for net in nets:
        net.remove_nodes_from(list(nx.isolates(net)))
    for i in range(60):
        for j in range(i):
            assert (keys[i] == keys[j]) == nx.is_isomorphic(nets[i], nets[j])


def test_the_last_bit_of_a_phase():
    phase = [1] + [0] * 14
    without, joined = [0] * 48, [0] * 48
    without[:15], joined[:16] = phase, [*phase, 1]
    assert MACRO.key(without) != MACRO.key(joined)
    assert MACRO.key([0] * 48) == MACRO.key([0] * 15 + [1] + [0] * 32)  # a phase without edges is its first convolution


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ([[1, 0, 1]], "3 lists of bits"),
        ([[1, 0, 1], [0, 0, 1, 1, 0], [0] * 10], "stage 2 must have 6 bits, not shape"),
        ([[1, 0, 2], [0] * 6, [0] * 10], "stage 1 has a bit that is neither 0 nor 1"),
        ([[1, 0, "a"], [0] * 6, [0] * 10], "stage 1 must contain whole numbers"),
        ([[1, 0, [1]], [0] * 6, [0] * 10], "stage 1 has rows of different lengths"),
        ("101|001100|0111010001", "3 lists of bits"),
    ],
)
def test_native_forms_that_cannot_be_read(native, reason):
    with pytest.raises(nk.InvalidArchitecture, match=reason):
        GENETIC.encode([native])
