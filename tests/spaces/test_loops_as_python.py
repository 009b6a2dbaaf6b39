"""The loops over genotypes of single spaces, run as Python: the same results as in NumPy, without a compiler."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.graphs import canonical_order
from nasbench_kit.spaces.blocks import cell_numbering, cell_pair
from nasbench_kit.spaces.nas_bench_nlp import cell_loops, sameness
from nasbench_kit.spaces.nas_bench_nlp import space as recurrent
from nasbench_kit.spaces.nas_bench_nlp.refinement import _Cells
from nasbench_kit.spaces.nb101 import cost, cost_loop

NLP = nk.space("nas-bench-nlp")


@pytest.fixture
def as_loops(monkeypatch):
    """Make the spaces use the loops, uncompiled."""

    def use():
        for module in (recurrent, cell_pair, cost):
            monkeypatch.setattr(module, "enabled", lambda: True)
        monkeypatch.setattr(recurrent, "canonical_loop", cell_loops.canonical_loop.__wrapped__)
        monkeypatch.setattr(recurrent, "valid_loop", cell_loops.valid_loop.__wrapped__)
        monkeypatch.setattr(cell_pair, "canonical_loop", cell_numbering.canonical_loop.__wrapped__)
        monkeypatch.setattr(cost, "add_weights", cost_loop.add_weights.__wrapped__)

    return use


def chains(count):
    """A recurrent cell with so many equal chains of two activations, summed in pairs: refinement cannot tell them apart."""
    recipe = {}
    for chain in range(count):
        recipe[f"first {chain}"] = {"op": "activation_tanh", "input": ["x"]}
        recipe[f"second {chain}"] = {"op": "activation_sigm", "input": [f"first {chain}"]}
    sums = [f"second {chain}" for chain in range(count)]
    while len(sums) > 1:
        recipe[f"sum {len(recipe)}"] = {"op": "elementwise_sum", "input": [sums.pop(0), sums.pop(0)]}
        sums.append(list(recipe)[-1])
    recipe["h_new_0"] = recipe.pop(sums[0])
    return recipe


def lookalikes(n, seed):
    """Recurrent cells that repeat a few nodes many times, of which most are live."""
    generator = np.random.default_rng(seed)
    X = np.zeros((n, NLP.genes), dtype=np.uint8)
    for x in X:
        nodes = int(generator.integers(4, 25))
        for node in range(nodes):
            operation = int(generator.choice([1, 2, 3, 4, 5, 6]))
            inputs = {1: int(generator.integers(1, 4)), 2: 3, 3: 2, 4: 2}.get(operation, 1)
            x[4 * node] = operation
            near = [1, 2, max(1, 4 + node), max(1, 3 + node), int(generator.integers(1, 5 + node))]
            x[4 * node + 1 : 4 * node + 1 + inputs] = generator.choice(near, inputs)
        x[-3:] = [nodes, *generator.permutation(nodes - 1)[:2] + 1] * generator.integers(0, 2, 3) ** [0, 1, 1]
    return X[NLP.is_valid(X)]


def recurrent_cells():
    drawn = NLP.sample(12, 5)
    twice = drawn.copy()  # of all nodes but the last, others are dead
    twice[:, -3:] = [[3, 0, 0]]
    some = np.concatenate([drawn, twice[NLP.is_valid(twice)], lookalikes(60, 1)])
    return np.concatenate([some, NLP.encode([chains(count) for count in (1, 2, 3, 5)])])


def test_loops_over_recurrent_cells(as_loops):
    X = recurrent_cells()
    changed = X.copy()
    generator = np.random.default_rng(2)
    changed[np.arange(len(X)), generator.integers(0, NLP.genes, len(X))] = generator.integers(0, 30, len(X))
    forms, valid = NLP.canonical_rows(X), NLP.valid_rows(changed)
    assert 0.1 < valid.mean() < 0.9
    as_loops()
    with np.errstate(over="ignore"):  # hashes wrap
        np.testing.assert_array_equal(NLP.canonical_rows(X), forms)
    np.testing.assert_array_equal(NLP.valid_rows(changed), valid)


def test_refined_lists_of_inputs_give_the_order_of_whole_matrices(monkeypatch):
    X = np.concatenate([recurrent_cells(), lookalikes(300, 3)])
    forms = NLP.canonical_rows(X)

    def by_matrices(operations, inputs, labels):
        return canonical_order(_Cells(operations, inputs, labels).adjacency(np.arange(len(labels))), labels)

    monkeypatch.setattr(sameness, "vertex_order", by_matrices)
    np.testing.assert_array_equal(NLP.canonical_rows(X), forms)
    assert len(np.unique(forms, axis=0)) > 100


def test_forms_of_recurrent_cells_do_not_depend_on_the_order_of_nodes():
    recipes = [dict(reversed(chains(count).items())) for count in (2, 3, 4)]
    np.testing.assert_array_equal(
        NLP.canonical(NLP.encode(recipes)), NLP.canonical(NLP.encode([chains(count) for count in (2, 3, 4)]))
    )


@pytest.mark.parametrize("name", ["nasnet", "darts", "nsga-net-micro"])
def test_loops_over_pairs_of_cells(as_loops, name):
    space = nk.space(name)
    X = space.sample(60, 4)
    alike = X.copy()  # so many equal nodes that all orders are tried
    alike[:, 0 :: space.node_genes], alike[:, 2 :: space.node_genes] = 0, 1
    alike[:, 1 :: space.node_genes] = alike[:, 3 :: space.node_genes] % 2
    alike[:, 3 :: space.node_genes] = 0
    X = np.concatenate([X, alike[:10]])
    forms = space.canonical_rows(X)
    as_loops()
    np.testing.assert_array_equal(space.canonical_rows(X), forms)


@pytest.mark.parametrize("skeleton", ["cifar10", "digits"])
def test_loops_over_costs_of_nb101(as_loops, skeleton):
    X = nk.space("nb101").sample(60, 6)
    names = ("params", "flops")
    costs = [cost.network_cost(X, name, cost.SKELETONS[skeleton]) for name in names]
    as_loops()
    for name, expected in zip(names, costs, strict=True):
        np.testing.assert_array_equal(cost.network_cost(X, name, cost.SKELETONS[skeleton]), expected)
