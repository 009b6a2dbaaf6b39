"""The space of DARTS: canonical forms against every numbering, keys, and native forms, written apart."""

from __future__ import annotations

import itertools
import json
from collections import namedtuple

import numpy as np
import pytest

import nasbench_kit as nk

SPACE = nk.space("darts")
NAMES = ("max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5")
Genotype = namedtuple("Genotype", "normal normal_concat reduce reduce_concat")  # of the DARTS code


def cells_of(row):
    return np.asarray(row).reshape(2, 4, 2, 2).tolist()


def first_numbering(cell):
    found = []
    for order in itertools.permutations(range(4)):
        place = {0: 0, 1: 1, **{2 + node: 2 + i for i, node in enumerate(order)}}
        numbered = [sorted([place[source], operation] for source, operation in cell[node]) for node in order]
        if all(half[0] < 2 + i for i, halves in enumerate(numbered) for half in halves):
            found.append(numbered)
    return min(found)


def test_canonical_forms_by_brute_force():
    X = SPACE.sample(600, 0)
    X[200:, 1::2] %= 2  # few operations: many nodes read the same
    X[400:, 1::2] = 3
    for row, form in zip(X, SPACE.canonical(X), strict=True):
        assert [first_numbering(cell) for cell in cells_of(row)] == cells_of(form)


def test_sizes():
    valid = ((2 * 6 * 12 * 20) * 7**8) ** 2
    assert SPACE.size == ((2 * 3 * 4 * 5) ** 2 * 7**8) ** 2
    assert valid // 2**16 < 2**64 < SPACE.size  # a key has room for two halves in order at each of the 8 nodes


def test_keys_are_flat_indices_of_canonical_genotypes():
    """Decoded digit by digit, they give the canonical genotypes back."""
    X = SPACE.sample(500, 1)
    for key, form in zip(SPACE.key(X).tolist(), SPACE.canonical(X).tolist(), strict=True):
        genes = []
        for node in reversed([2, 3, 4, 5] * 2):
            pairs = [(a, b) for b in range(node) for a in range(b)]
            key, other = divmod(key, 7)
            key, one = divmod(key, 7)
            key, pair = divmod(key, len(pairs))
            genes = [pairs[pair][0], one, pairs[pair][1], other, *genes]
        assert key == 0
        assert genes == form


def test_every_draw_is_valid_and_inputs_are_uniform():
    X = SPACE.sample(40_000, 2)
    assert SPACE.is_valid(X).all()
    first, second = X[:, 12].astype(int), X[:, 14].astype(int)  # the last node of the normal cell
    counts = np.zeros((5, 5))
    np.add.at(counts, (first, second), 1)
    assert not counts.diagonal().any()
    off = counts[~np.eye(5, dtype=bool)]
    assert abs(off - 2000).max() < 5 * 2000**0.5


def test_inputs_of_a_node_differ():
    x = SPACE.sample(1, 3)[0]
    x[[4, 6]] = 1
    assert not SPACE.is_valid(x)[0]
    with pytest.raises(
        nk.InvalidArchitecture, match="both inputs of node 3 of the normal cell are 1; they must differ"
    ):
        SPACE.key(x)


def named(row):
    return [[(NAMES[op], source) for node in cell for source, op in node] for cell in cells_of(row)]


def test_native_forms():
    X = SPACE.sample(20, 4)
    texts = SPACE.decode(X)
    for row, text in zip(X, texts, strict=True):
        normal, reduction = named(row)
        expected = Genotype(normal, [2, 3, 4, 5], reduction, [2, 3, 4, 5])
        assert text == repr(expected)
        compact = [[(op_of[1], NAMES.index(op_of[0])) for op_of in cell] for cell in (normal, reduction)]
        forms = [
            expected,
            expected._asdict(),
            Genotype(normal, range(2, 6), reduction, range(2, 6)),
            repr(Genotype(normal, range(2, 6), reduction, range(2, 6))),
            f"Genotype( normal = {normal},\n normal_concat=range( 2,6 ), reduce={reduction}, reduce_concat=[5,4,3,2],)",
            text.replace("'", '"').replace(", ", ","),
            json.loads(json.dumps(expected._asdict())),
            {"reduce": reduction, "normal": normal},
            compact,
            tuple(compact),
            np.array(compact),
            str(compact),
            str(tuple(map(tuple, compact))),
            json.dumps(compact),
        ]
        assert (SPACE.encode(forms) == row).all()


NORMAL = [("sep_conv_3x3", i % 2) for i in range(8)]


def text_of(normal=NORMAL, concat="[2, 3, 4, 5]", **more):
    return f"Genotype(normal={normal}, normal_concat={concat}, reduce={NORMAL}, reduce_concat=range(2, 6){more.get('end', ')')}"


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        (text_of(NORMAL[:7]), "the normal cell must have 8 pairs, two for each of 4 nodes, not 7"),
        (text_of([("sep_conv_7x7", 0), *NORMAL[1:]]), "unknown operation 'sep_conv_7x7'; did you mean 'sep_conv_"),
        (text_of([("none", 0), *NORMAL[1:]]), "unknown operation 'none'"),
        (
            text_of([("sep_conv_3x3", 2), *NORMAL[1:]]),
            r"the input 2 of node 2 of the normal cell is not one of 0 \.\.\. 1",
        ),
        (
            text_of([("sep_conv_3x3", 1), *NORMAL[1:]]),
            "both inputs of node 2 of the normal cell are 1; they must differ",
        ),
        (text_of(concat="[3, 4, 5]"), r"normal_concat must be the nodes \[2, 3, 4, 5\]"),
        (text_of(concat="range(2, 999999999)"), "normal_concat must be the nodes"),
        (text_of(concat="range(2)"), r"expected range\(2, 6\) for normal_concat, not 'range\(2\)'"),
        (
            text_of(concat="__import__('os').getcwd()"),
            r"expected normal=\[\.\.\.\] in Genotype, not \"normal_concat=__imp",
        ),
        (text_of(end=""), r"expected normal=\[\.\.\.\] in Genotype, not 'reduce_concat=range\(2, 6'"),
        (text_of(end="")[:-1], "expected 'Genotype"),
        (text_of(end=", normal=[])"), "the genotype has normal twice"),
        (text_of(end=", extra=[])"), "unknown field 'extra' of a genotype"),
        ("Genotype(normal=[], normal_concat=[])", "the normal cell must have 8 pairs"),
        ("Genotype(reduce=[], normal_concat=[2, 3, 4, 5])", "the genotype has no 'normal' cell"),
        ("[" * 200_000, "the text has 200000 characters"),
        ("[" * 9000, "expected 'Genotype"),
        (str([[(0, 0), (1, 1)] * 4, [(0, 0), (1, 1)] * 3]), "the reduce cell must have 8 pairs"),
        ([[(0, 0), (1, 1)] * 4, [(0, 0), (1, 7)] * 4], "the operation 7 of node 2 of the reduce cell"),
        ([[(0, 0), (1, 1)] * 5] * 2, r"shape \(2, 8, 2\), not \(2, 10, 2\)"),
        ([[(0, 0), (1, 0.5)] * 4] * 2, "not a whole number"),
        ({"normal": NORMAL, "reduce": "sep_conv_3x3"}, "the reduce cell must be a list of"),
        ({"normal": NORMAL, "reduce": [("sep_conv_3x3", [0, 1])] * 8}, "must be whole numbers, not lists"),
        ({"normal": NORMAL, "reduce": [(0, "sep_conv_3x3")] * 8}, r"expected \('sep_conv_3x3', 0\) in reduce"),
        ({"normal": NORMAL, "reduce": NORMAL, "normal_concat": 7}, "normal_concat must be the nodes"),
    ],
)
def test_native_forms_that_cannot_be_read(native, reason):
    with pytest.raises(nk.InvalidArchitecture, match=reason):
        SPACE.encode([native])


def test_a_diagram_shows_every_edge():
    x = SPACE.sample(1, 5)[0]
    for diagram, cell in zip(SPACE.diagrams(x), cells_of(x), strict=True):
        arrows = {(arrow.source, arrow.target, arrow.label) for arrow in diagram.arrows}
        expected = {(source, node, NAMES[op]) for node, halves in enumerate(cell, start=2) for source, op in halves}
        assert arrows == expected | {(node, 6, "") for node in range(2, 6)}
    assert SPACE.gene_names[:2] == ("normal node 2 first input", "normal node 2 first operation")
