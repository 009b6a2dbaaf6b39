"""TransNAS-Bench-101's spaces: published counts, sameness against brute force, what is valid, native forms."""

from __future__ import annotations

from collections import Counter
from itertools import permutations, product

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.spaces.nb201.cost import EDGES

MICRO, MACRO = nk.space("transnas-micro"), nk.space("transnas-macro")

# ---------------------------------------------------------------- cells


def function(genes, *, reducing):
    """The cell's function in a normal form, by trying all orders of its convolutions: slow, and plainly right."""
    values = [Counter({"input": 1}), Counter(), Counter(), Counter()]
    definition, constant = {}, {"input": False}
    for edge, (source, target) in enumerate(EDGES):
        op, value = genes[edge], values[source]
        if op in (2, 3) or (op == 1 and reducing and source == 0):
            constant[edge] = not value or (op == 2 and all(constant[base] for base in value))
            definition[edge] = op, Counter() if constant[edge] else Counter(value)
            values[target][edge] += 1
        elif op == 1:
            values[target].update(value)
    live, todo = set(), [base for base in values[3] if base != "input"]
    while todo:
        edge = todo.pop()
        if edge not in live:
            live.add(edge)
            todo += [base for base in definition[edge][1] if base != "input"]

    def named(order):
        name = {"input": -1, **{edge: i for i, edge in enumerate(order)}}

        def form(value):
            return tuple(sorted((name[base], count) for base, count in value.items()))

        return form(values[3]), tuple((definition[edge][0], form(definition[edge][1])) for edge in order)

    return min(map(named, permutations(sorted(live))))


@pytest.mark.slow
def test_exact_rule_agrees_with_all_permutations():
    X = MICRO.all()
    functions = [(function(genes, reducing=False), function(genes, reducing=True)) for genes in X.tolist()]
    keys = MICRO.key(X).tolist()
    assert (
        len(set(functions)) == len(set(keys)) == len(set(zip(functions, keys, strict=True))) == MICRO.networks == 1642
    )
    # cells that are the same where the resolution is halved are the same elsewhere, but not the other way round
    assert len({normal for normal, _ in functions}) == 1261
    assert len({reducing for _, reducing in functions}) == 1642


def test_the_canonical_cell_is_the_first_of_its_class():
    X = MICRO.all()
    C = MICRO.canonical(X)
    assert (MICRO.number(C) <= MICRO.number(X)).all()
    assert len(np.unique(C, axis=0)) == 1642


def test_cells_by_their_digits():
    native = "64-41414-1_30_321"
    X = MICRO.encode([native, [1, 3, 0, 3, 2, 1], (1, 3, 0, 3, 2, 1)])
    assert len(np.unique(X, axis=0)) == 1
    assert MICRO.decode(X[:1]) == [native]
    # the first digit is the edge to node 1, the next two those to node 2, the others those to node 3
    assert dict(zip(MICRO.gene_names, X[0].tolist(), strict=True)) == {
        "e12": 1,
        "e13": 3,
        "e23": 0,
        "e14": 3,
        "e24": 2,
        "e34": 1,
    }


@pytest.mark.parametrize(
    "native",
    ["64-41414-1_30_32", "64-41414-1_30_324", "32-41414-1_30_321", [1, 3, 0, 3, 2], [1, 3, 0, 3, 2, 4], [True] * 6],
)
def test_cells_that_cannot_be_read(native):
    with pytest.raises(nk.InvalidArchitecture, match="64-41414-a_bc_def"):
        MICRO.encode([native])


# ---------------------------------------------------------------- skeletons


def test_networks_by_the_definition():
    expected = {
        "".join(digits)
        for length in (4, 5, 6)
        for digits in product("1234", repeat=length)
        if 1 <= sum(digit in "24" for digit in digits) <= 3 and 1 <= sum(digit in "34" for digit in digits) <= 4
    }
    assert Counter(map(len, expected)) == {4: 210, 5: 750, 6: 2296}
    X = MACRO.all()
    X = X[MACRO.is_valid(X)]
    assert {native.split("-")[1] for native in MACRO.decode(X)} == expected
    assert MACRO.networks == len(X) == 3256
    assert (MACRO.canonical(X) == X).all()


def test_neighbours_add_and_remove_the_last_module():
    natives = MACRO.decode(MACRO.neighbours(MACRO.encode(["64-12341-basic"])))
    assert {"64-1234-basic", "64-123411-basic", "64-123414-basic", "64-12344-basic"} <= set(natives)
    assert all(4 <= len(native.split("-")[1]) <= 6 for native in natives)
    assert "64-234-basic" not in MACRO.decode(MACRO.neighbours(MACRO.encode(["64-1234-basic"])))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([1, 2, 3, 0, 0, 0], "4 to 6 modules, not 3"),
        ([1, 2, 3, 4, 0, 1], "a module follows after 'no module'"),
        ([1, 1, 3, 1, 0, 0], "doubles the channels 1 to 3 times .*, not 0 times"),
        ([2, 2, 2, 4, 0, 0], "doubles the channels 1 to 3 times .*, not 4 times"),
        ([1, 2, 2, 1, 0, 0], "halves the resolution 1 to 4 times .*, not 0 times"),
        ([3, 3, 3, 3, 4, 0], "halves the resolution 1 to 4 times .*, not 5 times"),
    ],
)
def test_why_a_skeleton_is_invalid(row, reason):
    assert not MACRO.is_valid(row)
    with pytest.raises(nk.InvalidArchitecture, match=reason):
        MACRO.canonical(row)


@pytest.mark.parametrize(
    "native", ["64-123-basic", "64-1234123-basic", "64-12340-basic", "64-1234", "64-1111-basic", 1234]
)
def test_skeletons_that_cannot_be_read(native):
    with pytest.raises(nk.InvalidArchitecture):
        MACRO.encode([native])


# ---------------------------------------------------------------- costs, worked by hand


def test_costs_of_small_networks():
    """On the digits: a stem of 2 channels, four modules of one block, a classifier."""
    stem = 9 * 1 * 1 + 2 * 1 + 9 * 1 * 2 + 2 * 2
    one = 2 * 9 * 2 * 2 + 2 * 2 * 2
    both = 9 * 2 * 4 + 9 * 4 * 4 + 2 * 4 + 3 * 2 * 4
    wide = 2 * 9 * 4 * 4 + 2 * 2 * 4
    expected = stem + one + both + 2 * wide + (4 + 1) * 10
    assert MACRO.cost(MACRO.encode(["64-1411-basic"]), "params", dataset="digits") == expected
    pixels = 64 * (9 + 9 * 2 + 2 * 9 * 2 * 2) + 16 * (9 * 2 * 4 + 9 * 4 * 4 + 2 * 4 + 2 * 2 * 9 * 4 * 4) + 4 * 10
    assert MACRO.cost(MACRO.encode(["64-1411-basic"]), "flops", dataset="digits") == pixels


def test_a_skip_has_parameters_only_where_it_changes_the_shape():
    empty, skip = MICRO.cost([[0] * 6, [0, 0, 0, 1, 0, 0]], "params", dataset="digits").tolist()
    assert skip - empty == (4 * 8 + 2 * 8) + (8 * 16 + 2 * 16)  # the first and the last of the modules 4, 1, 4
    empty, skip = MICRO.cost([[0] * 6, [0, 0, 1, 0, 1, 1]], "params", dataset="digits").tolist()
    assert skip == empty


def test_modules_that_there_are_not():
    with pytest.raises(ValueError, match="modules must be 1, 2, 3 or 4 each"):
        type(MICRO.skeletons["digits"])(image=(1, 8, 8), classes=10, modules=(4, 5))
