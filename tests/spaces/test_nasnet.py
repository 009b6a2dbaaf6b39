"""The NASNet space: canonical forms against every numbering, and native forms, written apart."""

from __future__ import annotations

import copy
import itertools
import json

import numpy as np
import pytest

import nasbench_kit as nk

SPACE = nk.space("nasnet")


def cells_of(row):
    return np.asarray(row).reshape(2, 5, 5).tolist()


def first_numbering(cell):
    found = []
    for order in itertools.permutations(range(5)):
        place = {0: 0, 1: 1, **{2 + node: 2 + i for i, node in enumerate(order)}}
        numbered = []
        for node in order:
            first, one, second, other, join = cell[node]
            low, high = sorted([[place[first], one], [place[second], other]])
            numbered.append([*low, *high, join])
        if all(max(node[0], node[2]) < 2 + i for i, node in enumerate(numbered)):
            found.append(numbered)
    return min(found)


def test_canonical_forms_by_brute_force():
    X = SPACE.sample(300, 0)
    operations = np.flatnonzero([values == len(SPACE.operations) for values in map(len, SPACE.gene_values)])
    X[100:, operations] %= 2  # few operations: many nodes read the same
    X[200:, ::5] = np.minimum(X[200:, ::5], 2)
    for row, form in zip(X, SPACE.canonical(X), strict=True):
        assert [first_numbering(cell) for cell in cells_of(row)] == cells_of(form)


def test_size_and_operations():
    assert SPACE.size == ((2 * 3 * 4 * 5 * 6) ** 2 * 13**10 * 2**5) ** 2 > 2**64
    assert len(SPACE.operations) == 13


def test_sums_and_concatenations_are_different_networks():
    x = SPACE.sample(1, 1)[0]
    y = x.copy()
    y[4] = 1 - y[4]
    assert SPACE.key(x) != SPACE.key(y)


def test_native_forms():
    X = SPACE.sample(20, 2)
    for row, native in zip(X, SPACE.decode(X), strict=True):
        for cell, nodes in zip(cells_of(row), (native["normal"], native["reduction"]), strict=True):
            for (first, one, second, other, join), node in zip(cell, nodes, strict=True):
                names = [SPACE.operations[one], SPACE.operations[other], ("sum", "concatenation")[join]]
                assert node == [[first, names[0]], [second, names[1]], names[2]]
        assert (SPACE.encode([json.dumps(native), json.loads(json.dumps(native))]) == row).all()


def changed(native, change):
    native = copy.deepcopy(native)
    return change(native) or native


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda n: n.pop("normal") and n, "a native form is a dict"),
        (lambda n: n["normal"].pop() and None, "the normal cell must be a list of 5 nodes"),
        (lambda n: n["reduction"].__setitem__(1, [[0, "identity"], "sum"]), "node 3 of the reduction cell must be"),
        (
            lambda n: n["normal"][0].__setitem__(0, [2, "identity"]),
            r"the input 2 of node 2 of the normal cell .* 0 \.\.\. 1",
        ),
        (lambda n: n["normal"][0].__setitem__(0, [-1, "identity"]), "the input -1 of node 2"),
        (lambda n: n["normal"][0].__setitem__(0, [0.5, "identity"]), "not a whole number"),
        (lambda n: n["normal"][0].__setitem__(0, ["0", "identity"]), "whole numbers"),
        (
            lambda n: n["normal"][0].__setitem__(0, [0, "identiti"]),
            "unknown operation 'identiti'; did you mean 'identity'",
        ),
        (lambda n: n["normal"][0].__setitem__(0, [0, 3]), "unknown operation '3'"),
        (lambda n: n["normal"][0].__setitem__(2, "add"), "unknown combination 'add'.*sum, concatenation"),
        (lambda n: json.dumps(n)[:-1], "a native form as text is JSON"),
        (lambda n: "[" * 15_000, "a native form as text is JSON"),
        (lambda n: "[" * 200_000, "the text has 200000 characters"),
    ],
)
def test_native_forms_that_cannot_be_read(change, reason):
    with pytest.raises(nk.InvalidArchitecture, match=reason):
        SPACE.encode([changed(SPACE.decode(SPACE.sample(1, 3))[0], change)])


def test_a_diagram_shows_how_nodes_combine():
    x = SPACE.sample(1, 4)[0]
    for diagram, cell in zip(SPACE.diagrams(x), cells_of(x), strict=True):
        labels = [node.label for node in diagram.nodes[2:-1]]
        assert labels == [f"{i}: {('sum', 'concatenation')[node[4]]}" for i, node in enumerate(cell, start=2)]
        taken = {source for node in cell for source in (node[0], node[2])}
        assert {arrow.source for arrow in diagram.arrows if arrow.target == 7} == set(range(2, 7)) - taken
