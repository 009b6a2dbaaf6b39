"""NAS-Bench-Graph: counts, both rules against brute force over forests, keys, native forms, drawings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.spaces.nas_bench_graph.links import LINKS, RENUMBERED

SPACE = nk.space("nas-bench-graph")
SKIP = 8
NAMES = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip")


@pytest.fixture(scope="module")
def everything():
    X = SPACE.all()
    return X[SPACE.is_valid(X)]


def forest(link, operations, *, input_is_an_output):
    """The network as a forest of operations, each with how often its result is an output: slow, and plainly right."""

    def below(node):
        outputs, found = 0, []
        for reader in [child for child in range(1, 5) if link[child - 1] == node]:
            if operations[reader - 1] != SKIP:
                found.append((operations[reader - 1], *below(reader)))
            elif reader in link:  # the skip's readers read what it reads
                inner, more = below(reader)
                outputs, found = outputs + inner, found + more
            else:
                outputs += 1
        if not found and not outputs:
            outputs = 1
        return outputs, sorted(found)

    outputs, found = below(0)
    return (outputs if input_is_an_output else 0), repr(found)


@pytest.mark.slow
@pytest.mark.parametrize(("input_is_an_output", "networks"), [(False, 26_206), (True, 27_934)])
def test_networks_by_brute_force(everything, input_is_an_output, networks):
    forests = [forest(LINKS[row[0]], row[1:], input_is_an_output=input_is_an_output) for row in everything.tolist()]
    assert len(set(forests)) == networks
    pairs = set(zip(forests, SPACE.key(everything).tolist(), strict=True))
    assert len(pairs) == networks  # for every forest one key
    assert len({key for _, key in pairs}) == SPACE.networks == 26_206


def test_both_rules_have_the_same_classes(everything):
    for rule in ("exact", "published"):
        C = SPACE.canonical(everything, rule)
        assert (SPACE.canonical(everything) == C).all()
        assert (SPACE.canonical(C, rule) == C).all()
        assert (SPACE.key(everything, rule) == SPACE.number(C)).all()
    with pytest.raises(nk.UnknownName, match="did you mean 'published'"):
        SPACE.key(everything[:1], "publishd")


def test_four_skips_are_invalid(everything):
    assert len(everything) == 59_040
    with pytest.raises(nk.InvalidArchitecture, match=r"row 1 \[3, 8, 8, 8, 8\]: all four operations are skip"):
        SPACE.canonical([[3, 8, 8, 8, 7], [3, 8, 8, 8, 8]])
    assert "all four" in SPACE.fault({"link": [0, 0, 0, 0], "ops": ["skip"] * 4})
    weights, table = SPACE.validity
    X = SPACE.all()
    assert (table[X @ weights] == SPACE.is_valid(X)).all()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (([0, 1, 2, 3], "skip gcn gat fc"), ([0, 1, 2, 3], "gcn gat fc skip"), True),  # chains
        (([0, 1, 1, 1], "gcn skip gat fc"), ([0, 1, 2, 2], "skip gcn gat fc"), False),  # a skip beside others
        (([0, 1, 1, 3], "gcn skip skip gat"), ([0, 1, 2, 2], "skip gcn skip gat"), True),  # and one that passes on
        (([0, 0, 0, 0], "skip gcn gat fc"), ([0, 1, 1, 1], "skip gcn gat fc"), True),  # of the network's input
        (([0, 0, 1, 2], "gcn gat fc sage"), ([0, 0, 1, 2], "gat gcn sage fc"), True),  # two alike chains
        (([0, 0, 1, 2], "gcn gat fc sage"), ([0, 0, 1, 2], "gat gcn fc sage"), False),
        (([0, 1, 1, 1], "gcn skip skip skip"), ([0, 1, 2, 3], "skip skip skip gcn"), False),  # thrice an output
    ],
)
def test_the_same_network(one, other, same):
    a, b = (SPACE.key(SPACE.encode([(link, words.split())])) for link, words in (one, other))
    assert (a == b).all() == same


# ---------------------------------------------------------------------------- native forms


def test_every_form_and_order_of_nodes():
    expected = [[6, 1, 2, 3, 7]]
    for native in (
        {"link": [0, 1, 2, 1], "ops": ["gcn", "gin", "fc", "cheb"]},
        {"link": np.array([0, 1, 1, 2]), "ops": ("gcn", "gin", "cheb", "fc")},
        ([0, 1, 1, 3], ["gcn", "cheb", "gin", "fc"]),
        [[0, 1, 2, 1], ["gcn", "gin", "fc", "cheb"]],
        "Arch([0, 1, 2, 1], ['gcn', 'gin', 'fc', 'cheb'])",
        ' Arch([0,1,2,1],["gcn","gin","fc","cheb"]) ',
    ):
        assert SPACE.encode([native]).tolist() == expected
    assert SPACE.decode(expected) == [{"link": [0, 1, 1, 2], "ops": ["gcn", "gin", "cheb", "fc"]}]


def test_all_24_link_lists_are_renumbered():
    assert len(RENUMBERED) == 24
    for link, (number, order) in RENUMBERED.items():
        read = {(order.index(node), -1 if source == 0 else order.index(source - 1)) for node, source in enumerate(link)}
        assert read == {(node, source - 1) for node, source in enumerate(LINKS[number])}
        if link in LINKS:
            assert order == (0, 1, 2, 3)
        ops = ["gat", "gcn", "gin", "cheb"]
        again = SPACE.decode(SPACE.encode([(link, ops)]))[0]
        assert sorted(again["ops"]) == sorted(ops)


@pytest.mark.parametrize(
    ("native", "message"),
    [
        (([0, 1, 2], ["gcn"] * 4), "must have 4 numbers"),
        (([0, 1, 2, 3], ["gcn"] * 3), "a list of 4 operations"),
        (([0, 1, 2, 3], {"gcn": 0, "gat": 1, "gin": 2, "fc": 3}), "a list of 4 operations"),
        (([0, 1, 2, 3], "gcngcn"), "a list of 4 operations"),
        (([0, 2, 1, 1], ["gcn"] * 4), r"node 2 reads 2, not the input \(0\) or an earlier node"),
        (([0, -1, 1, 1], ["gcn"] * 4), "node 2 reads -1"),
        (([0, 0.5, 1, 1], ["gcn"] * 4), "not a whole number"),
        (([0, 1, 1, 1], ["gcn", "gcm", "fc", "fc"]), "unknown operation 'gcm'; did you mean 'gcn'"),
        (([0, 1, 1, 1], [["gcn"]] * 4), "unknown operation"),
        (("Arch([0, 1], ['gcn'])",), "a native form is"),
        ("Arch([0, 1, 2, x], ['gcn', 'gcn', 'gcn', 'gcn'])", "must consist of numbers"),
        ("Arch([0, 1, 2, 3], ['gcn', 'gcn', 'gcn', 'gcn'", "a native form is"),
        ({"link": [0, 0, 0, 0]}, "a native form is"),
    ],
)
def test_bad_native_forms(native, message):
    with pytest.raises(nk.InvalidArchitecture, match=message):
        SPACE.encode([native])


# ---------------------------------------------------------------------------- keys


def test_keys_and_back(everything):
    keys = SPACE.official_key(everything)
    again = SPACE.from_official_key(keys)
    assert (again == SPACE.canonical(everything, "published")).all()
    assert (SPACE.official_key(again) == keys).all()
    assert ["".join(map(str, row)) for row in again.tolist()] == [f"{key:05}" for key in keys]
    assert SPACE.from_official_key(np.int32(7)).tolist() == [[0, 0, 0, 0, 7]]
    assert SPACE.from_official_key([]).shape == (0, 5)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([100_000], "100000 is not an official key"),
        ([5, -1], "-1 is not an official key"),
        ([9], r"row 0 \[0, 0, 0, 0, 9\]: gene 4 is 9"),
        ([88_888], "all four operations are skip"),
        ([1.0], "must be integers"),
        (["87072"], "must be integers"),
        ([[1]], "shape"),
    ],
)
def test_what_is_no_key(keys, message):
    with pytest.raises(nk.InvalidArchitecture, match=message):
        SPACE.from_official_key(keys)


# ---------------------------------------------------------------------------- drawings and genes


def test_diagram_shows_what_is_no_output():
    [diagram] = SPACE.diagrams(SPACE.encode([([0, 0, 2, 3], ["skip", "skip", "skip", "gcn"])])[0])
    assert [node.label for node in diagram.nodes] == ["input", "skip", "skip", "skip", "gcn", "output"]
    unused = [node for node in diagram.nodes if not node.used]
    assert len(unused) == 1
    assert unused[0].label == "skip"
    for link, words in itertools.product(LINKS, (["gcn"] * 4, ["gcn", "skip", "skip", "skip"])):
        [diagram] = SPACE.diagrams(SPACE.encode([(link, words)])[0])
        assert len(diagram.arrows) == 4 + sum(node not in link for node in range(1, 5))
        assert all(arrow.source < arrow.target for arrow in diagram.arrows)


def test_names():
    assert SPACE.gene_names == ("link", "node 1", "node 2", "node 3", "node 4")
    assert SPACE.gene_values[0][4] == "0013"
    assert SPACE.gene_values[1] == NAMES
    assert SPACE.units["part"] == ((0,), (1, 2, 3, 4))
    assert SPACE.costs("cora") == ()
