"""NAS-Bench-201: published counts, the exact rule against brute force, costs against worked figures."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.spaces.nb201.cost import CONV1, CONV3, EDGES, POOL, SKIP

SPACE = nk.space("nb201")


@pytest.mark.parametrize(("rule", "classes"), [("exact", 5524), ("published", 6466), ("skip", 12751)])
def test_number_of_networks(rule, classes):
    X = SPACE.all()
    C = SPACE.canonical(X, rule=rule)
    assert len(np.unique(C, axis=0)) == classes
    assert len(np.unique(SPACE.key(X, rule=rule))) == classes
    assert (SPACE.canonical(C, rule=rule) == C).all()


def test_unknown_rule():
    with pytest.raises(nk.UnknownName, match="did you mean 'exact'"):
        SPACE.canonical(SPACE.all()[:1], rule="exakt")


def network(genes):
    """The cell's function in a normal form, by trying all orders of its convolutions: slow, and plainly right."""
    values = [Counter({(0, "input"): 1}), Counter(), Counter(), Counter()]
    definition, constant = {}, {"input": False}
    for edge, (source, target) in enumerate(EDGES):
        op, value = genes[edge], values[source]
        if op == SKIP:
            values[target].update(value)
        elif op == POOL:
            for (k, base), count in value.items():
                values[target][k if constant[base] else k + 1, base] += count
        elif op in (CONV1, CONV3):
            constant[edge] = not value or (op == CONV1 and all(constant[base] for _, base in value))
            definition[edge] = op, Counter() if constant[edge] else Counter(value)
            values[target][0, edge] += 1
    live, todo = set(), [base for _, base in values[3] if base != "input"]
    while todo:
        edge = todo.pop()
        if edge not in live:
            live.add(edge)
            todo += [base for _, base in definition[edge][1] if base != "input"]
    live = sorted(live)

    def named(order):
        name = {"input": -1, **{edge: order.index(edge) for edge in live}}

        def form(value):
            return tuple(sorted((k, name[base], count) for (k, base), count in value.items()))

        return form(values[3]), tuple((definition[edge][0], form(definition[edge][1])) for edge in order)

    return min(map(named, permutations(live)))


@pytest.mark.slow
def test_exact_rule_agrees_with_all_permutations():
    numbers: dict[object, int] = {}
    brute = np.array([numbers.setdefault(network(genes), len(numbers)) for genes in SPACE.all().tolist()])
    keys = SPACE.key(SPACE.all())
    assert len(numbers) == 5524
    assert len(set(zip(brute.tolist(), keys.tolist(), strict=True))) == 5524


def test_what_the_exact_rule_tells_apart():
    # one convolution whose output is used twice is not two convolutions
    once_used_twice = [3, 1, 1, 1, 0, 1]
    two = [3, 0, 0, 3, 1, 0]
    assert SPACE.key(once_used_twice) != SPACE.key(two)
    # pooling distributes over a sum
    assert SPACE.key([1, 1, 1, 0, 0, 4]) == SPACE.key([4, 0, 0, 4, 1, 0])


def test_architectures_that_never_join_input_and_output():
    X = SPACE.all()
    reached = np.zeros((len(X), 4), dtype=bool)
    reached[:, 0] = True
    for edge, (source, target) in enumerate(EDGES):
        reached[:, target] |= reached[:, source] & (X[:, edge] != 0)
    assert (~reached[:, 3]).sum() == 341
    # a network is joined or it is not, whichever of its genotypes is asked
    keys = SPACE.key(X)
    assert not set(keys[reached[:, 3]].tolist()) & set(keys[~reached[:, 3]].tolist())


def test_official_index_is_a_permutation():
    X = SPACE.from_official_index(np.arange(SPACE.size))
    assert len(np.unique(X, axis=0)) == SPACE.size
    assert (SPACE.official_index(X) == np.arange(SPACE.size)).all()
    assert SPACE.decode(X[:1]) == [
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
    ]
    with pytest.raises(nk.InvalidArchitecture, match="0 ... 15624"):
        SPACE.from_official_index([SPACE.size])


@pytest.mark.parametrize(("dataset", "flops"), [("cifar10", 7.78305), ("cifar100", 7.7889), ("ImageNet16-120", 1.9534)])
def test_costs_of_the_empty_cell(dataset, flops):
    assert SPACE.cost(np.zeros(6), "flops", dataset=dataset)[0] == pytest.approx(flops * 1e6)
    assert SPACE.cost(np.zeros(6), "params", dataset="cifar10")[0] == 73306


def test_dead_parameters_count():
    dead = np.array([3, 0, 0, 1, 0, 0])
    assert (SPACE.canonical(dead) == [0, 0, 0, 1, 0, 0]).all()
    assert SPACE.cost(dead, "params", dataset="cifar10") > SPACE.cost(
        SPACE.canonical(dead), "params", dataset="cifar10"
    )


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        (7, "string"),
        ("|none~0|+|none~0|none~1|", "3 nodes"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~1|", "expected 'operation~2' in node 3"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|skip~2|", "did you mean 'skip_connect'"),
        ("none~0+|none~0|none~1|+|none~0|none~1|none~2|", "node 1 must have"),
    ],
)
def test_native_forms_that_cannot_be_read(native, reason):
    with pytest.raises(nk.InvalidArchitecture, match=reason):
        SPACE.encode([native])


def test_a_single_string_is_not_a_list():
    with pytest.raises(TypeError, match="encode takes a list"):
        SPACE.encode("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
